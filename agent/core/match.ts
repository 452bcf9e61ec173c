// Which containers stand for which service, and which ones must go.
import type { Service } from '../../protocol/compose/project.js'
import type { RunningWish } from './desired.js'
import { imageName, networkName, parentsOf, scaleOf, volumeName } from './labels.js'
import type { Observed, ObservedContainer } from './observed.js'
import { networkBody } from './resources.js'

export interface Match {
  /** The containers that each service keeps, by number, at least one; no entry while it has none. */
  readonly current: ReadonlyMap<string, readonly ObservedContainer[]>
  /** Containers to stop and remove: replaced ones, those beyond the scale, and those of services that the spec no longer has. */
  readonly obsolete: readonly ObservedContainer[]
}

export function matchContainers(wish: RunningWish, observed: Observed): Match {
  const current = new Map<string, readonly ObservedContainer[]>()
  const stale = staleNetworks(wish, observed)
  for (const name of parentsFirst(wish)) {
    const service = wish.project.services[name]
    if (service === undefined) continue
    const candidates = observed.containers.filter(container => container.service === name)
    const fitting = candidates.filter(container => fits(container, name, service, { wish, observed, current, stale }))
    const kept = onePerNumber(fitting).slice(0, scaleOf(service))
    if (kept.length > 0) current.set(name, kept)
  }
  const kept = new Set([...current.values()].flat().map(container => container.id))
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
  readonly current: ReadonlyMap<string, readonly ObservedContainer[]>
  readonly stale: ReadonlySet<string>
}

function fits(container: ObservedContainer, name: string, service: Service, { wish, observed, current, stale }: Surroundings): boolean {
  if (container.state === 'dead' || container.state === 'removing') return false
  if (container.hash !== wish.hashes[name]) return false
  const imageId = wantedImage(wish, observed, name, service)
  if (imageId !== undefined && imageId !== container.imageId) return false
  const parents = parentsOf(service).map(parent => current.get(parent)?.[0]?.id)
  if (!parents.every(id => id !== undefined && container.parents.includes(id))) return false
  if (container.networks.some(network => stale.has(network))) return false
  return hasNetworks(container, service, wish) && hasVolumes(container, service, wish)
}

/** The id of the image that a service's containers should be of; undefined while nobody knows. */
function wantedImage(wish: RunningWish, observed: Observed, name: string, service: Service): string | undefined {
  return wish.images?.[name] ?? observed.images[imageName(wish.owner.app, name, service)]?.id
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

/** By number; of several with the same one running before ended, new before old. */
function onePerNumber(containers: readonly ObservedContainer[]): ObservedContainer[] {
  const best = new Map<number, ObservedContainer>()
  for (const container of [...containers].sort(byPreference)) if (!best.has(container.number)) best.set(container.number, container)
  return [...best.values()].sort((a, b) => a.number - b.number)
}

function byPreference(a: ObservedContainer, b: ObservedContainer): number {
  const rank = (container: ObservedContainer) => (isRunning(container) ? 0 : 1)
  return rank(a) - rank(b) || b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)
}

export function isRunning({ state }: ObservedContainer): boolean {
  return state === 'running' || state === 'paused' || state === 'restarting'
}

/** Services so that whoever shares another's namespaces or volumes comes after it. */
function parentsFirst({ project }: RunningWish): string[] {
  const order = new Set<string>()
  const visit = (name: string, seen: ReadonlySet<string>): void => {
    const service = project.services[name]
    if (service === undefined || order.has(name) || seen.has(name)) return
    for (const parent of parentsOf(service)) visit(parent, new Set([...seen, name]))
    order.add(name)
  }
  for (const name of Object.keys(project.services)) visit(name, new Set())
  return [...order]
}
