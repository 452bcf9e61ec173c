// The names and labels of what an app is made of: as docker compose writes them, so that its tools see our apps.
import type { Network, Project, Service, Volume } from '../../protocol/compose/project.js'

/** Our own label, with the app's name: nothing without it is ever stopped or removed. */
export const appLabel = 'io.skerry.app'
/** The device whose agent manages the app; absent for apps applied by hand. */
export const deviceLabel = 'io.skerry.device'
/** What a network was made from, so that a change of its options is seen. */
export const optionsLabel = 'io.skerry.options'

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

export function containerName(app: string, name: string, service: Service): string {
  return service.containerName ?? `${app}-${name}-1`
}

/** The image that a service's containers are made from: built ones have a name of their own. */
export function imageName(app: string, name: string, service: Service): string {
  return service.image ?? `${app}-${name}`
}

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
    .map(([name, { condition }]) => `${name}:${conditions[condition]}:false`)
    .join(',')
}

export function readDependsOn(label: string): string[] {
  return label
    .split(',')
    .map(part => part.split(':')[0] ?? '')
    .filter(name => name !== '')
}

/** The service whose network `service` shares. */
export function parentOf(service: Service): string | undefined {
  return service.networkMode?.startsWith('service:') ? service.networkMode.slice('service:'.length) : undefined
}

/** Networks of the project that some service uses, by key. */
export function usedNetworks(project: Project): string[] {
  const used = new Set(Object.values(project.services).flatMap(service => Object.keys(service.networks)))
  return [...used].sort()
}
