// The planner: from what should be and what is, the next steps that can be taken together. Nothing to do is [].

import { judgeDependencies } from './dependencies.js'
import type { Memory, RunningWish, Wish } from './desired.js'
import { judgeEnding } from './ended.js'
import { createBody } from './engine-config.js'
import { containerName, imageName, parentOf } from './labels.js'
import { isRunning, type Match, matchContainers, staleNetworks } from './match.js'
import { carriedVolumes } from './mounts.js'
import type { Observed, ObservedContainer } from './observed.js'
import { leftoverNetworks, missingResources } from './resources.js'
import type { Step } from './step.js'

/**
 * The next independent set of steps. They come in stages, each only when the ones before have nothing left to do: refuse; pull; make
 * networks and volumes; create; stop, dependants first; remove; rename; start, dependencies first. So everything that can
 * fail for want of something has been done before anything is stopped, and all that is replaced has stopped before anything
 * starts (two services may swap a port). `now` is wall-clock time in ms.
 */
export function plan(wish: Wish, observed: Observed, memory: Memory, now: number): readonly Step[] {
  switch (wish.run) {
    case 'running':
      return planRunning(wish, observed, memory, now)
    case 'stopped':
      return stops(observed.containers)
    case 'removed':
      return firstOf(
        () => stops(observed.containers),
        () => removals(observed.containers, wish.volumes),
        () => leftoverNetworks(wish, observed),
        () =>
          wish.volumes ? observed.volumes.filter(name => !wish.kept?.includes(name)).map(name => ({ kind: 'removeVolume', name })) : [],
      )
  }
}

function planRunning(wish: RunningWish, observed: Observed, memory: Memory, now: number): readonly Step[] {
  const match = matchContainers(wish, observed)
  const stale = staleNetworks(wish, observed)
  const missing = Object.keys(wish.project.services).filter(name => !match.current.has(name))
  const resources = missingResources(wish, observed)
  return firstOf(
    () => resources.filter(step => step.kind === 'refuse'),
    () => pulls(wish, observed, missing),
    () => (stale.size > 0 ? leaveStaleNetworks(observed, match, stale) : []),
    () => resources,
    () => creations(wish, observed, match, missing),
    () => stops(match.obsolete),
    () => removals(match.obsolete, false),
    () => renames(wish, observed, match),
    () => [...starts(wish, match, memory, now), ...leftoverNetworks(wish, observed)],
  )
}

function firstOf(...stages: readonly (() => readonly Step[])[]): readonly Step[] {
  for (const stage of stages) {
    const steps = stage()
    if (steps.length > 0) return steps
  }
  return []
}

function pulls({ owner, project }: RunningWish, observed: Observed, missing: readonly string[]): Step[] {
  const wanted = new Map<string, string[]>()
  for (const name of missing) {
    const service = project.services[name]
    const image = service && imageName(owner.app, name, service)
    if (image !== undefined && observed.images[image] === undefined) wanted.set(image, [...(wanted.get(image) ?? []), name])
  }
  return [...wanted].map(([image, services]) => ({ kind: 'pull', image, services }))
}

/** A network cannot be changed: whoever is on it stops and goes, then it goes, and the later stages make everything anew. */
function leaveStaleNetworks(observed: Observed, { obsolete }: Match, stale: ReadonlySet<string>): readonly Step[] {
  const attached = obsolete.filter(container => container.networks.some(network => stale.has(network)))
  return firstOf(
    () => stops(attached),
    () => removals(attached, false),
    () => observed.networks.filter(({ name }) => stale.has(name)).map(({ name, id }) => ({ kind: 'removeNetwork', name, id })),
  )
}

/** Whoever shares another's network is created once that one has been. */
function creations(wish: RunningWish, observed: Observed, match: Match, missing: readonly string[]): Step[] {
  return missing.flatMap((name): Step[] => {
    const service = wish.project.services[name]
    if (service === undefined) return []
    const parentName = parentOf(service)
    const parent = parentName === undefined ? undefined : match.current.get(parentName)?.id
    if (parentName !== undefined && parent === undefined) return []
    const image = observed.images[imageName(wish.owner.app, name, service)]
    const carried = carriedVolumes(service, newest(match.obsolete.filter(container => container.service === name)), image)
    const hash = wish.hashes[name] ?? ''
    const config = createBody(service, { ...wish, name, hash, image, parent, carried })
    return [{ kind: 'create', service: name, name: freeName(wish, observed, name), ...config }]
  })
}

/** The service's own name, or a temporary one while a container of ours still bears it. */
function freeName({ owner, project }: RunningWish, observed: Observed, name: string): string {
  const service = project.services[name]
  const wanted = service === undefined ? name : containerName(owner.app, name, service)
  const taken = new Set(observed.containers.map(container => container.name))
  const byAge = [...observed.containers].sort((a, b) => b.createdAt - a.createdAt)
  const names = [wanted, ...byAge.map(({ id }) => `${id.slice(0, 12)}_${wanted}`), `${taken.size}_${wanted}`]
  return names.find(candidate => !taken.has(candidate)) ?? wanted
}

function newest(containers: readonly ObservedContainer[]): ObservedContainer | undefined {
  return [...containers].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))[0]
}

/** Dependants stop before what they depend on. */
function stops(containers: readonly ObservedContainer[]): Step[] {
  const running = containers.filter(isRunning)
  const free = running.filter(({ id, service }) => !running.some(other => other.id !== id && leansOn(other, id, service)))
  return (free.length > 0 ? free : running).map(({ id, service }) => ({ kind: 'stop', service, id }))
}

function leansOn(other: ObservedContainer, id: string, service: string): boolean {
  return other.parent === id || (other.service !== service && other.dependsOn.includes(service))
}

function removals(containers: readonly ObservedContainer[], volumes: boolean): Step[] {
  return containers
    .filter(container => !isRunning(container) && container.state !== 'removing')
    .map(({ id, service }) => ({ kind: 'remove', service, id, volumes }))
}

function renames({ owner, project }: RunningWish, observed: Observed, { current }: Match): Step[] {
  return [...current].flatMap(([service, container]): Step[] => {
    const spec = project.services[service]
    const name = spec === undefined ? container.name : containerName(owner.app, service, spec)
    const taken = observed.containers.some(other => other.name === name)
    return taken ? [] : [{ kind: 'rename', service, id: container.id, name }]
  })
}

function starts(wish: RunningWish, match: Match, memory: Memory, now: number): Step[] {
  return [...match.current].flatMap(([service, { id, state }]): Step[] => {
    const container = match.current.get(service)
    const spec = wish.project.services[service]
    if (container === undefined || spec === undefined || (state !== 'created' && state !== 'exited')) return []
    if (state === 'exited' && judgeEnding(container, spec.restart, memory) !== 'start') return []
    if ((memory.holds[service] ?? 0) > now) return []
    if (judgeDependencies(wish, match, memory, service).state !== 'ready') return []
    return [{ kind: 'start', service, id, again: state === 'exited' }]
  })
}
