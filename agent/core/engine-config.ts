// A service as the Engine's create call takes it. Pure: the same service gives the same body.
import type { Healthcheck, Port, Project, Service } from '../../protocol/compose/project.js'
import { connections } from './endpoints.js'
import { hostConfig } from './host-config.js'
import { composeLabels, foreignLabels, imageName, type Owner, ownLabels, preStopLabel, writeDependsOn } from './labels.js'
import { mountBodies } from './mounts.js'
import type { MountedVolume, ObservedImage } from './observed.js'
import { present } from './present.js'
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
  /** Of the container, from 1. */
  readonly number: number
  readonly hash: string
  /** What stands for the image's name, if it is another: its id. */
  readonly pinned: string | undefined
  readonly image: ObservedImage | undefined
  /** Folder that relative bind sources start from. */
  readonly folder: string
  /** Ids of the containers whose namespaces are shared or whose volumes are taken over, by service. */
  readonly parents: Readonly<Record<string, string>>
  /** Anonymous volumes of the container that this one replaces. */
  readonly carried: readonly MountedVolume[]
  /** Minor number of the Engine's API version. */
  readonly api: number
}

/** Before API 1.44 a create takes one network; the others are joined after it. */
export function createBody(service: Service, context: ServiceContext): { body: CreateBody; connect: readonly Connection[] } {
  const mounts = mountBodies(service, context)
  const [first, ...others] = connections(service, context)
  const body: CreateBody = {
    ...processFields(service),
    ...macAddress(service, context),
    Image: context.pinned ?? imageName(context.owner.app, context.name, service),
    Labels: { ...foreignLabels(service.labels), ...containerLabels(service, context) },
    ExposedPorts: exposedPorts(service),
    Volumes: mounts.Volumes,
    HostConfig: hostConfig(service, context, { mounts, network: first?.network }),
    ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first.network]: first.endpoint } } }),
  }
  return { body, connect: others }
}

function containerLabels(service: Service, { owner, name, number, hash, image }: ServiceContext): Record<string, string> {
  return {
    ...ownLabels(owner),
    [composeLabels.service]: name,
    [composeLabels.number]: String(number),
    [composeLabels.hash]: hash,
    [composeLabels.oneoff]: 'False',
    [composeLabels.version]: '2.0.0',
    [composeLabels.dependsOn]: writeDependsOn(service),
    [composeLabels.image]: image?.id ?? '',
    // Always: what an image says there is no order to us.
    [preStopLabel]: JSON.stringify(service.preStop ?? []),
  }
}

function processFields(service: Service): Record<string, unknown> {
  return present({
    Cmd: service.command,
    Entrypoint: service.entrypoint,
    Env: Object.entries(service.environment).map(([name, value]) => (value === null ? name : `${name}=${value}`)),
    Healthcheck: service.healthcheck === undefined ? undefined : healthcheck(service.healthcheck),
    Hostname: service.hostname,
    Domainname: service.domainname,
    User: service.user,
    WorkingDir: service.workingDir,
    Tty: service.tty,
    OpenStdin: service.stdinOpen,
    StopSignal: service.stopSignal,
    StopTimeout: service.stopGraceMs === undefined ? undefined : Math.ceil(service.stopGraceMs / 1000),
  })
}

/** Before API 1.44 a container has one MAC address, and that is the first network's; from then on it stands at the network. */
function macAddress(service: Service, context: ServiceContext): { MacAddress?: string } {
  if (context.api >= 44) return {}
  const [first] = connections(service, context)
  const address = service.macAddress ?? first?.macAddress
  return address === undefined ? {} : { MacAddress: address }
}

function exposedPorts(service: Service): Record<string, object> {
  const exposed = service.expose.map(port => (port.includes('/') ? port : `${port}/tcp`))
  return Object.fromEntries([...service.ports.map(containerPort), ...exposed].map(port => [port, {}]))
}

function containerPort({ target, protocol }: Port): string {
  return `${target}/${protocol}`
}

/** Durations go to the Engine in nanoseconds. */
function healthcheck(check: Healthcheck): Record<string, unknown> {
  const nanoseconds = (ms: number | undefined) => (ms === undefined ? undefined : ms * 1_000_000)
  return present({
    Test: check.test,
    Interval: nanoseconds(check.intervalMs),
    Timeout: nanoseconds(check.timeoutMs),
    StartPeriod: nanoseconds(check.startPeriodMs),
    StartInterval: nanoseconds(check.startIntervalMs),
    Retries: check.retries,
  })
}
