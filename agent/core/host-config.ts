// What of a service concerns the host: the Engine's HostConfig.

import { sharedService } from '../../protocol/compose/namespaces.js'
import type { Blkio, DeviceRequest } from '../../protocol/compose/parts.js'
import type { Port, Resources, Service } from '../../protocol/compose/project.js'
import { linksOf } from './endpoints.js'
import type { ServiceContext } from './engine-config.js'
import type { MountBodies } from './mounts.js'
import { present, unlessEmpty } from './present.js'

interface Surroundings {
  readonly mounts: MountBodies
  /** The network that is joined first. */
  readonly network: string | undefined
}

export function hostConfig(service: Service, context: ServiceContext, { mounts, network }: Surroundings): Record<string, unknown> {
  return {
    NetworkMode: namespace(service.networkMode, context) ?? network ?? 'none',
    PortBindings: portBindings(service),
    RestartPolicy: { Name: service.restart.policy, MaximumRetryCount: service.restart.maxRetries ?? 0 },
    Binds: mounts.Binds,
    Mounts: mounts.Mounts,
    Tmpfs: mounts.Tmpfs,
    ...present({ ...isolation(service, context), ...hardware(service), ...naming(service, context) }),
    ...present(limits(service.resources)),
  }
}

function isolation(service: Service, context: ServiceContext): Record<string, unknown> {
  return {
    IpcMode: namespace(service.ipc, context),
    PidMode: namespace(service.pid, context),
    UTSMode: service.uts,
    UsernsMode: service.usernsMode,
    Isolation: service.isolation,
    CgroupnsMode: service.cgroup,
    CgroupParent: service.cgroupParent,
    Runtime: service.runtime,
    ReadonlyRootfs: service.readOnly,
    Init: service.init,
    Privileged: service.privileged,
    CapAdd: unlessEmpty(service.capAdd),
    CapDrop: unlessEmpty(service.capDrop),
    ...security(service),
    GroupAdd: unlessEmpty(service.groupAdd),
    Sysctls: unlessBare(service.sysctls),
    Annotations: service.annotations,
  }
}

/** The Engine has no word for this one, which compose takes from the command line's. */
const openPaths = 'systempaths=unconfined'

function security({ securityOpt }: Service): Record<string, unknown> {
  const SecurityOpt = unlessEmpty(securityOpt.filter(option => option !== openPaths))
  return securityOpt.includes(openPaths) ? { SecurityOpt, MaskedPaths: [], ReadonlyPaths: [] } : { SecurityOpt }
}

function hardware(service: Service): Record<string, unknown> {
  return {
    Devices: unlessEmpty(service.devices.map(device)),
    DeviceRequests: unlessEmpty(service.deviceRequests?.map(deviceRequest)),
    DeviceCgroupRules: unlessEmpty(service.deviceCgroupRules),
    ShmSize: service.shmSizeBytes,
    StorageOpt: service.storageOptions,
    Ulimits: service.ulimits && Object.entries(service.ulimits).map(([Name, { soft, hard }]) => ({ Name, Soft: soft, Hard: hard })),
  }
}

function naming(service: Service, context: ServiceContext): Record<string, unknown> {
  return {
    ExtraHosts: unlessEmpty(service.extraHosts),
    Dns: unlessEmpty(service.dns),
    DnsSearch: unlessEmpty(service.dnsSearch),
    DnsOptions: unlessEmpty(service.dnsOptions),
    LogConfig: service.logging === undefined ? undefined : { Type: service.logging.driver ?? '', Config: service.logging.options },
    VolumesFrom: unlessEmpty(volumesFrom(service, context)),
    // On networks of their own, containers are linked by their endpoints.
    Links: service.networkMode === 'bridge' ? unlessEmpty(linksOf(service, context)) : undefined,
  }
}

/** A mode with the service that it names as the id of its container. */
function namespace(mode: string | undefined, { parents }: ServiceContext): string | undefined {
  const shared = sharedService(mode)
  return shared === undefined ? mode : `container:${parents[shared] ?? ''}`
}

function volumesFrom({ volumesFrom = [] }: Service, { parents }: ServiceContext): string[] {
  return volumesFrom.map(({ service, container, readOnly }) => {
    const from = container ?? (service === undefined ? '' : (parents[service] ?? ''))
    return `${from}:${readOnly ? 'ro' : 'rw'}`
  })
}

function limits(resources: Resources): Record<string, unknown> {
  return {
    Memory: resources.memoryBytes,
    MemoryReservation: resources.memoryReservationBytes,
    MemorySwap: resources.memorySwapBytes,
    MemorySwappiness: resources.memorySwappiness,
    NanoCpus: resources.cpusMilli === undefined ? undefined : resources.cpusMilli * 1_000_000,
    CpuShares: resources.cpuShares,
    CpuQuota: resources.cpuQuotaUs,
    CpuPeriod: resources.cpuPeriodUs,
    CpuRealtimePeriod: resources.cpuRealtimePeriodUs,
    CpuRealtimeRuntime: resources.cpuRealtimeRuntimeUs,
    CpuCount: resources.cpuCount,
    CpuPercent: resources.cpuPercent,
    CpusetCpus: resources.cpuset,
    PidsLimit: resources.pids,
    OomKillDisable: resources.oomKillDisable,
    OomScoreAdj: resources.oomScoreAdj,
    ...(resources.blkio === undefined ? {} : blockLimits(resources.blkio)),
  }
}

function blockLimits(blkio: Blkio): Record<string, unknown> {
  const by = (rates: Readonly<Record<string, number>> | undefined, unit: string) =>
    rates && Object.entries(rates).map(([Path, rate]) => ({ Path, [unit]: rate }))
  return {
    BlkioWeight: blkio.weight,
    BlkioWeightDevice: by(blkio.weightDevice, 'Weight'),
    BlkioDeviceReadBps: by(blkio.readBytes, 'Rate'),
    BlkioDeviceWriteBps: by(blkio.writeBytes, 'Rate'),
    BlkioDeviceReadIOps: by(blkio.readOperations, 'Rate'),
    BlkioDeviceWriteIOps: by(blkio.writeOperations, 'Rate'),
  }
}

function portBindings(service: Service): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {}
  for (const port of service.ports) {
    const key = `${port.target}/${port.protocol}`
    bindings[key] = [...(bindings[key] ?? []), { HostIp: port.hostIp, HostPort: hostPort(port) }]
  }
  return bindings
}

/** From a range the Engine takes a free one. */
function hostPort({ published, publishedTo }: Port): string {
  if (published === 0) return ''
  return publishedTo === undefined ? String(published) : `${published}-${publishedTo}`
}

function device(text: string): Record<string, string> {
  const [host = '', inside, permissions] = text.split(':')
  return { PathOnHost: host, PathInContainer: inside ?? host, CgroupPermissions: permissions ?? 'rwm' }
}

function deviceRequest({ driver, count, deviceIds, capabilities, options }: DeviceRequest): Record<string, unknown> {
  return present({
    Driver: driver,
    Count: count,
    DeviceIDs: unlessEmpty(deviceIds),
    Capabilities: capabilities.length === 0 ? undefined : [capabilities],
    Options: unlessBare(options),
  })
}

function unlessBare<T extends object>(map: T): T | undefined {
  return Object.keys(map).length === 0 ? undefined : map
}
