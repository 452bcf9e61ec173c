// Which container stands for which service, and which ones must go.
import type { Service } from '../../protocol/compose/project.js'
import type { RunningWish } from './desired.js'
import { containerName, imageName, networkName, parentOf, volumeName } from './labels.js'
import type { Observed, ObservedContainer } from './observed.js'
import { networkBody } from './resources.js'

export interface Match {
  /** The container that each service keeps. */
  readonly current: ReadonlyMap<string, ObservedContainer>
  /** Containers to stop and remove: replaced ones, and those of services that the spec no longer has. */
  readonly obsolete: readonly ObservedContainer[]
}

export function matchContainers(wish: RunningWish, observed: Observed): Match {
  const current = new Map<string, ObservedContainer>()
  const stale = staleNetworks(wish, observed)
  for (const name of parentsFirst(wish)) {
    const service = wish.project.services[name]
    if (service === undefined) continue
    const candidates = observed.containers.filter(container => container.service === name && container.number === 1)
    const fitting = candidates.filter(container => fits(container, name, service, { wish, observed, current, stale }))
    const best = fitting.sort(byPreference(containerName(wish.owner.app, name, service)))[0]
    if (best !== undefined) current.set(name, best)
  }
  const kept = new Set([...current.values()].map(container => container.id))
  return { current, obsolete: observed.containers.filter(container => !kept.has(container.id)) }
}

/** Our networks whose options are no longer those of the spec, by name. */
export function staleNetworks(wish: RunningWish, observed: Observed): ReadonlySet<string> {
  const stale = new Set<string>()
  for (const [key, network] of Object.entries(wish.project.networks)) {
    if (network.external === true) continue
    const body = networkBody(wish.owner, key, network)
    const existing = observed.networks.find(({ name }) => name === body.name)
    if (existing?.owned === true && existing.options !== '' && existing.options !== body.options) stale.add(body.name)
  }
  return stale
}

interface Surroundings {
  readonly wish: RunningWish
  readonly observed: Observed
  readonly current: ReadonlyMap<string, ObservedContainer>
  readonly stale: ReadonlySet<string>
}

function fits(container: ObservedContainer, name: string, service: Service, { wish, observed, current, stale }: Surroundings): boolean {
  if (container.state === 'dead' || container.state === 'removing') return false
  if (container.hash !== wish.hashes[name]) return false
  const image = observed.images[imageName(wish.owner.app, name, service)]
  if (image !== undefined && image.id !== container.imageId) return false
  const parent = parentOf(service)
  if (parent !== undefined && (container.parent === undefined || container.parent !== current.get(parent)?.id)) return false
  if (container.networks.some(network => stale.has(network))) return false
  return hasNetworks(container, service, wish) && hasVolumes(container, service, wish)
}

function hasNetworks(container: ObservedContainer, service: Service, { owner, project }: RunningWish): boolean {
  return Object.keys(service.networks).every(key => container.networks.includes(networkName(owner.app, key, project.networks[key])))
}

function hasVolumes(container: ObservedContainer, service: Service, { owner, project }: RunningWish): boolean {
  const mounted = new Set(container.volumes.map(volume => volume.name))
  return service.volumes.every(
    mount =>
      mount.type !== 'volume' ||
      mount.source === undefined ||
      mounted.has(volumeName(owner.app, mount.source, project.volumes[mount.source])),
  )
}

/** Running before ended, the right name before a temporary one, new before old. */
function byPreference(name: string): (a: ObservedContainer, b: ObservedContainer) => number {
  const rank = (container: ObservedContainer) => (isRunning(container) ? 0 : 2) + (container.name === name ? 0 : 1)
  return (a, b) => rank(a) - rank(b) || b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)
}

export function isRunning({ state }: ObservedContainer): boolean {
  return state === 'running' || state === 'paused' || state === 'restarting'
}

/** Services so that whoever shares another's network comes after it. */
function parentsFirst({ project }: RunningWish): string[] {
  const order = new Set<string>()
  const visit = (name: string, seen: ReadonlySet<string>): void => {
    const service = project.services[name]
    if (service === undefined || order.has(name) || seen.has(name)) return
    const parent = parentOf(service)
    if (parent !== undefined) visit(parent, new Set([...seen, name]))
    order.add(name)
  }
  for (const name of Object.keys(project.services)) visit(name, new Set())
  return [...order]
}
