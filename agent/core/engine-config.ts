// A service as the Engine's create call takes it. Pure: the same service gives the same body.
import type { Healthcheck, Project, Resources, Service } from '../../protocol/compose/project.js'
import { composeLabels, imageName, networkName, type Owner, ownLabels, parentOf, writeDependsOn } from './labels.js'
import { type MountBodies, mountBodies } from './mounts.js'
import type { MountedVolume, ObservedImage } from './observed.js'
import type { Connection, EndpointBody } from './step.js'

/** The body of POST /containers/create; fields as the Engine names them. */
export interface CreateBody {
  readonly Image: string
  readonly Labels: Readonly<Record<string, string>>
  readonly HostConfig: Readonly<Record<string, unknown>>
  readonly NetworkingConfig?: { readonly EndpointsConfig: Readonly<Record<string, EndpointBody>> }
  readonly [field: string]: unknown
}

export interface ServiceContext {
  readonly owner: Owner
  readonly project: Project
  readonly name: string
  readonly hash: string
  readonly image: ObservedImage | undefined
  /** Folder that relative bind sources start from. */
  readonly folder: string
  /** Id of the container whose network is shared. */
  readonly parent: string | undefined
  /** Anonymous volumes of the container that this one replaces. */
  readonly carried: readonly MountedVolume[]
}

export function createBody(service: Service, context: ServiceContext): { body: CreateBody; connect: readonly Connection[] } {
  const mounts = mountBodies(service, context)
  const [first, ...others] = connections(service, context)
  const body: CreateBody = {
    ...processFields(service),
    Image: imageName(context.owner.app, context.name, service),
    Labels: { ...service.labels, ...containerLabels(service, context) },
    ExposedPorts: exposedPorts(service),
    Volumes: mounts.Volumes,
    HostConfig: hostConfig(service, context, mounts),
    ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first.network]: first.endpoint } } }),
  }
  return { body, connect: others }
}

function containerLabels(service: Service, { owner, name, hash, image }: ServiceContext): Record<string, string> {
  return {
    ...ownLabels(owner),
    [composeLabels.service]: name,
    [composeLabels.number]: '1',
    [composeLabels.hash]: hash,
    [composeLabels.oneoff]: 'False',
    [composeLabels.version]: '2.0.0',
    [composeLabels.dependsOn]: writeDependsOn(service),
    [composeLabels.image]: image?.id ?? '',
  }
}

function processFields(service: Service): Record<string, unknown> {
  return present({
    Cmd: service.command,
    Entrypoint: service.entrypoint,
    Env: Object.entries(service.environment).map(([name, value]) => (value === null ? name : `${name}=${value}`)),
    Healthcheck: service.healthcheck === undefined ? undefined : healthcheck(service.healthcheck),
    Hostname: service.hostname,
    User: service.user,
    WorkingDir: service.workingDir,
    Tty: service.tty,
    OpenStdin: service.stdinOpen,
    StopSignal: service.stopSignal,
    StopTimeout: service.stopGraceMs === undefined ? undefined : Math.ceil(service.stopGraceMs / 1000),
  })
}

function hostConfig(service: Service, context: ServiceContext, mounts: MountBodies): Record<string, unknown> {
  return present({
    NetworkMode: networkMode(service, context),
    PortBindings: portBindings(service),
    RestartPolicy: { Name: service.restart.policy, MaximumRetryCount: service.restart.maxRetries ?? 0 },
    Binds: mounts.Binds,
    Mounts: mounts.Mounts,
    Tmpfs: mounts.Tmpfs,
    ReadonlyRootfs: service.readOnly,
    Init: service.init,
    Privileged: service.privileged,
    CapAdd: unlessEmpty(service.capAdd),
    CapDrop: unlessEmpty(service.capDrop),
    SecurityOpt: unlessEmpty(service.securityOpt),
    ExtraHosts: unlessEmpty(service.extraHosts),
    Dns: unlessEmpty(service.dns),
    Devices: unlessEmpty(service.devices.map(device)),
    Sysctls: Object.keys(service.sysctls).length === 0 ? undefined : service.sysctls,
    LogConfig: service.logging === undefined ? undefined : { Type: service.logging.driver ?? '', Config: service.logging.options },
    ...limits(service.resources),
  })
}

function limits(resources: Resources): Record<string, unknown> {
  return {
    Memory: resources.memoryBytes,
    MemoryReservation: resources.memoryReservationBytes,
    MemorySwap: resources.memorySwapBytes,
    NanoCpus: resources.cpusMilli === undefined ? undefined : resources.cpusMilli * 1_000_000,
    CpuShares: resources.cpuShares,
    CpusetCpus: resources.cpuset,
    PidsLimit: resources.pids,
  }
}

function networkMode(service: Service, context: ServiceContext): string {
  if (parentOf(service) !== undefined) return `container:${context.parent ?? ''}`
  return service.networkMode ?? connections(service, context)[0]?.network ?? 'none'
}

/** The networks in the order in which they are joined. */
function connections(service: Service, { owner, project, name }: ServiceContext): Connection[] {
  return Object.entries(service.networks).map(([key, { aliases, ipv4, ipv6 }]) => ({
    network: networkName(owner.app, key, project.networks[key]),
    endpoint: {
      Aliases: [...new Set([name, ...aliases])],
      ...(ipv4 === undefined && ipv6 === undefined ? {} : { IPAMConfig: present({ IPv4Address: ipv4, IPv6Address: ipv6 }) }),
    },
  }))
}

function exposedPorts(service: Service): Record<string, object> {
  const published = service.ports.map(port => `${port.target}/${port.protocol}`)
  const exposed = service.expose.map(port => (port.includes('/') ? port : `${port}/tcp`))
  return Object.fromEntries([...published, ...exposed].map(port => [port, {}]))
}

function portBindings(service: Service): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {}
  for (const port of service.ports) {
    const key = `${port.target}/${port.protocol}`
    bindings[key] = [...(bindings[key] ?? []), { HostIp: port.hostIp, HostPort: port.published === 0 ? '' : String(port.published) }]
  }
  return bindings
}

/** Durations go to the Engine in nanoseconds. */
function healthcheck(check: Healthcheck): Record<string, unknown> {
  const nanoseconds = (ms: number | undefined) => (ms === undefined ? undefined : ms * 1_000_000)
  return present({
    Test: check.test,
    Interval: nanoseconds(check.intervalMs),
    Timeout: nanoseconds(check.timeoutMs),
    StartPeriod: nanoseconds(check.startPeriodMs),
    Retries: check.retries,
  })
}

function device(text: string): Record<string, string> {
  const [host = '', inside, permissions] = text.split(':')
  return { PathOnHost: host, PathInContainer: inside ?? host, CgroupPermissions: permissions ?? 'rwm' }
}

function unlessEmpty<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items
}

/** Leaves out what is undefined, so that the Engine's and the image's defaults hold. */
function present<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
