// The names and labels of what an app is made of: as docker compose writes them, so that its tools see our apps.
import { ownImage } from '../../protocol/compose/images.js'
import { sharedService } from '../../protocol/compose/namespaces.js'
import type { Network, Project, Service, Volume } from '../../protocol/compose/project.js'

/** Our own label, with the app's name: nothing without it is ever stopped or removed. */
export const appLabel = 'io.skerry.app'
/** The device whose agent manages the app; absent for apps applied by hand. */
export const deviceLabel = 'io.skerry.device'
/** What a network or volume was made from, so that a change of its options is seen. */
export const optionsLabel = 'io.skerry.options'
/** What an image was built from here, so that a change of its files is seen. */
export const buildLabel = 'io.skerry.build'
/** Commands to run in a container before it is stopped, as JSON: it may outlive its spec. */
export const preStopLabel = 'io.skerry.pre-stop'

/** Labels of a spec without those that would pass for ours. */
export function foreignLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith('io.skerry.')))
}

export const composeLabels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  hash: 'com.docker.compose.config-hash',
  oneoff: 'com.docker.compose.oneoff',
  version: 'com.docker.compose.version',
  dependsOn: 'com.docker.compose.depends_on',
  image: 'com.docker.compose.image',
  network: 'com.docker.compose.network',
  volume: 'com.docker.compose.volume',
} as const

/** Whose things these are. */
export interface Owner {
  readonly app: string
  /** Empty for apps applied by hand. */
  readonly device: string
}

/** Containers are numbered from 1. */
export function containerName(app: string, name: string, service: Service, number = 1): string {
  return service.containerName ?? `${app}-${name}-${number}`
}

/** The image that a service's containers are made from: built ones have a name of their own. */
export const imageName = ownImage

export function networkName(app: string, key: string, network: Network | undefined): string {
  return network?.name ?? (network?.external === true ? key : `${app}_${key}`)
}

export function volumeName(app: string, key: string, volume: Volume | undefined): string {
  return volume?.name ?? (volume?.external === true ? key : `${app}_${key}`)
}

export function ownLabels({ app, device }: Owner): Record<string, string> {
  return { [composeLabels.project]: app, [appLabel]: app, ...(device === '' ? {} : { [deviceLabel]: device }) }
}

const conditions = { started: 'service_started', healthy: 'service_healthy', completed: 'service_completed_successfully' } as const

/** `db:service_healthy:false,…`; the last part says whether a restart of the one restarts the other. */
export function writeDependsOn(service: Service): string {
  return Object.entries(service.dependsOn)
    .map(([name, { condition, restart }]) => `${name}:${conditions[condition]}:${restart === true}`)
    .join(',')
}

export function readDependsOn(label: string): string[] {
  return label
    .split(',')
    .map(part => part.split(':')[0] ?? '')
    .filter(name => name !== '')
}

/** The services whose network, IPC or process ids `service` shares, or whose volumes it takes over: made anew, they make it anew. */
export function parentsOf({ networkMode, ipc, pid, volumesFrom = [] }: Service): string[] {
  const shared = [networkMode, ipc, pid].flatMap(mode => sharedService(mode) ?? [])
  return [...new Set([...shared, ...volumesFrom.flatMap(({ service }) => service ?? [])])]
}

/** The ids of the containers that a HostConfig shares namespaces with or takes volumes from. */
export function parentIds(host: Readonly<Record<string, unknown>>): string[] {
  const shared = [host.NetworkMode, host.IpcMode, host.PidMode].flatMap(mode => /^container:(.+)$/.exec(String(mode))?.[1] ?? [])
  const volumes = Array.isArray(host.VolumesFrom) ? host.VolumesFrom.map(from => String(from).replace(/:(ro|rw)$/, '')) : []
  return [...new Set([...shared, ...volumes])]
}

/** How many containers a service has. */
export function scaleOf(service: Service): number {
  return service.scale ?? 1
}

/** Networks of the project that some service uses, by key. */
export function usedNetworks(project: Project): string[] {
  const used = new Set(Object.values(project.services).flatMap(service => Object.keys(service.networks)))
  return [...used].sort()
}
