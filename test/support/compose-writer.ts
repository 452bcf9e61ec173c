// A canonical project as a compose file that means the same: what the parser made, read once more, must be itself.
import type { Build, DeviceRequest, Hook, PlacedFile } from '../../protocol/compose/parts.js'
import type { Healthcheck, Project, Service } from '../../protocol/compose/project.js'
import { type Json, writeAttachment, writeMount, writeNetwork, writePort, writeResources, writeVolume } from './compose-parts.js'

export function writeProject({ services, networks, volumes }: Project): string {
  const placed = Object.entries(services).flatMap(([name, { files = [] }]) => files.map((file, at) => [`${name}.${at}`, file] as const))
  return JSON.stringify({
    services: mapValues(services, writeService),
    networks: mapValues(networks, writeNetwork),
    volumes: mapValues(volumes, writeVolume),
    configs: Object.fromEntries(placed.map(([name, { source }]) => [name, writeSource(source)])),
  })
}

/** Dollar signs would be variables. */
function mapValues<T>(record: Readonly<Record<string, T>>, write: (value: T, name: string) => unknown): Json {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, escapeDollars(write(value, name))]))
}

function escapeDollars(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (Array.isArray(value)) return value.map(escapeDollars)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeDollars(item)]))
}

function writeSource(source: PlacedFile['source']): unknown {
  return escapeDollars('path' in source ? { file: source.path } : { content: source.content })
}

const ms = (value: number | undefined) => (value === undefined ? undefined : `${value}ms`)

function writeService(service: Service, name: string): Json {
  return {
    image: service.image,
    build: service.build && writeBuild(service.build),
    pull_policy: typeof service.pullPolicy === 'number' ? `every_${service.pullPolicy}ms` : service.pullPolicy,
    platform: service.platform,
    scale: service.scale,
    command: service.command,
    entrypoint: service.entrypoint,
    environment: Object.entries(service.environment).map(([key, value]) => (value === null ? key : `${key}=${value}`)),
    ports: service.ports.map(writePort),
    expose: service.expose,
    volumes: service.volumes.map(writeMount),
    configs: service.files?.map(({ target, mode, uid, gid }, at) => ({ source: `${name}.${at}`, target, mode, uid, gid })),
    volumes_from: service.volumesFrom?.map(
      ({ service: from, container, readOnly }) => `${from ?? `container:${container}`}:${readOnly ? 'ro' : 'rw'}`,
    ),
    networks: service.networkMode === undefined ? mapOver(service.networks, writeAttachment) : undefined,
    network_mode: service.networkMode,
    links: service.links?.map(link => `${link.service}:${link.alias}`),
    external_links: service.externalLinks,
    mac_address: service.macAddress,
    restart: service.restart.policy + (service.restart.maxRetries === undefined ? '' : `:${service.restart.maxRetries}`),
    depends_on: mapOver(service.dependsOn, ({ condition, ...rest }) => ({ condition: conditions[condition], ...rest })),
    post_start: service.postStart?.map(writeHook),
    pre_stop: service.preStop?.map(writeHook),
    healthcheck: service.healthcheck && writeHealth(service.healthcheck),
    labels: service.labels,
    annotations: service.annotations,
    ...writeResources(service.resources),
    container_name: service.containerName,
    hostname: service.hostname,
    domainname: service.domainname,
    user: service.user,
    group_add: service.groupAdd,
    working_dir: service.workingDir,
    tty: service.tty,
    stdin_open: service.stdinOpen,
    read_only: service.readOnly,
    init: service.init,
    privileged: service.privileged,
    runtime: service.runtime,
    ipc: service.ipc,
    pid: service.pid,
    uts: service.uts,
    userns_mode: service.usernsMode,
    cgroup: service.cgroup,
    cgroup_parent: service.cgroupParent,
    stop_signal: service.stopSignal,
    stop_grace_period: ms(service.stopGraceMs),
    shm_size: service.shmSizeBytes,
    tmpfs: service.tmpfs,
    cap_add: service.capAdd,
    cap_drop: service.capDrop,
    security_opt: service.securityOpt,
    extra_hosts: service.extraHosts,
    dns: service.dns,
    dns_search: service.dnsSearch,
    dns_opt: service.dnsOptions,
    devices: [...service.devices, ...(service.deviceRequests ?? []).flatMap(request => (isReserved(request) ? [] : request.deviceIds))],
    deploy: { resources: { reservations: { devices: service.deviceRequests?.filter(isReserved).map(writeRequest) } } },
    device_cgroup_rules: service.deviceCgroupRules,
    ulimits: service.ulimits,
    sysctls: service.sysctls,
    storage_opt: service.storageOptions,
    logging: service.logging,
  }
}

const conditions = { started: 'service_started', healthy: 'service_healthy', completed: 'service_completed_successfully' }

function mapOver<T, R>(record: Readonly<Record<string, T>>, write: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, write(value)]))
}

function writeBuild(build: Build): Json {
  return {
    context: build.context,
    dockerfile: build.dockerfile,
    dockerfile_inline: build.dockerfileInline,
    args: build.args,
    target: build.target,
    labels: build.labels,
    network: build.network,
    extra_hosts: build.extraHosts,
    cache_from: build.cacheFrom,
    tags: build.tags,
    no_cache: build.noCache,
    pull: build.pull,
    platforms: build.platform === undefined ? [] : [build.platform],
    shm_size: build.shmSizeBytes,
  }
}

function writeHook({ command, user, privileged, workingDir, environment }: Hook): Json {
  return { command, user, privileged, working_dir: workingDir, environment }
}

function writeHealth(check: Healthcheck): Json {
  return {
    test: check.test,
    interval: ms(check.intervalMs),
    timeout: ms(check.timeoutMs),
    start_period: ms(check.startPeriodMs),
    start_interval: ms(check.startIntervalMs),
    retries: check.retries,
  }
}

function isReserved({ driver }: DeviceRequest): boolean {
  return driver !== 'cdi'
}

function writeRequest({ driver, count, deviceIds, capabilities, options: details }: DeviceRequest): Json {
  return { driver, count, device_ids: deviceIds, capabilities, options: details }
}
