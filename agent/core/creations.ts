// The containers that are missing: under their own names, or temporary ones while the old ones still bear those.
import type { Service } from '../../protocol/compose/project.js'
import type { RunningWish } from './desired.js'
import { createBody } from './engine-config.js'
import { containerName, imageName, parentsOf, scaleOf } from './labels.js'
import type { Match } from './match.js'
import { carriedVolumes } from './mounts.js'
import type { Observed, ObservedContainer } from './observed.js'
import type { Step } from './step.js'

/** Whoever shares another's namespaces or volumes is created once that one has been. */
export function creations(wish: RunningWish, observed: Observed, match: Match): Step[] {
  return Object.entries(wish.project.services).flatMap(([name, service]) => {
    const ids = parentsOf(service).map(parent => [parent, match.current.get(parent)?.[0]?.id] as const)
    if (ids.some(([, id]) => id === undefined)) return []
    const parents = Object.fromEntries(ids.flatMap(([parent, id]) => (id === undefined ? [] : [[parent, id]])))
    const kept = numbersOf(match.current.get(name) ?? [])
    const replaced = numbersOf(match.obsolete.filter(container => container.service === name))
    return missingNumbers(service, kept, replaced).map(number =>
      creation(wish, observed, { name, service, number, parents, old: oldOf(match, name, number) }),
    )
  })
}

interface Missing {
  readonly name: string
  readonly service: Service
  readonly number: number
  readonly parents: Readonly<Record<string, string>>
  /** The container that it replaces. */
  readonly old: ObservedContainer | undefined
}

function creation(wish: RunningWish, observed: Observed, { name, service, number, parents, old }: Missing): Step {
  const { owner, project, folder } = wish
  const pinned = wish.images?.[name]
  const image = observed.images[pinned ?? imageName(owner.app, name, service)]
  const carried = carriedVolumes(service, old, image)
  const hash = wish.hashes[name] ?? ''
  const context = { owner, project, folder, name, number, hash, pinned, image, parents, carried, api: observed.api }
  return {
    kind: 'create',
    service: name,
    name: freeName(observed, containerName(owner.app, name, service, number)),
    ...createBody(service, context),
    ...(service.platform === undefined ? {} : { platform: service.platform }),
  }
}

/** The numbers of those that are replaced, then those after the highest. */
function missingNumbers(service: Service, kept: readonly number[], replaced: readonly number[]): number[] {
  const highest = Math.max(0, ...kept, ...replaced)
  const free = [...new Set(replaced)].filter(number => number > 0 && !kept.includes(number)).sort((a, b) => a - b)
  const further = Array.from({ length: scaleOf(service) }, (_, at) => highest + 1 + at)
  return [...free, ...further].slice(0, Math.max(0, scaleOf(service) - kept.length))
}

function numbersOf(containers: readonly ObservedContainer[]): number[] {
  return containers.map(({ number }) => number)
}

function oldOf({ obsolete }: Match, service: string, number: number): ObservedContainer | undefined {
  const [newest] = obsolete
    .filter(container => container.service === service && container.number === number)
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
  return newest
}

/** The wanted name, or a temporary one while a container of ours still bears it: made of that one's id, as docker compose does. */
function freeName({ containers }: Observed, wanted: string): string {
  const taken = new Set(containers.map(({ name }) => name))
  const bearer = containers.find(({ name }) => name === wanted)
  const others = containers.filter(container => container !== bearer)
  const names = [...(bearer === undefined ? [] : [bearer]), ...others].map(({ id }) => `${id.slice(0, 12)}_${wanted}`)
  return [wanted, ...names, `${taken.size}_${wanted}`].find(name => !taken.has(name)) ?? wanted
}
