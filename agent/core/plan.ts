// The planner: from what should be and what is, the next steps that can be taken together. Nothing to do is [].
import { refusals } from './ability.js'
import { creations } from './creations.js'
import type { Memory, RunningWish, Wish } from './desired.js'
import { imageSteps } from './images.js'
import { containerName, scaleOf } from './labels.js'
import { isRunning, type Match, matchContainers, staleNetworks } from './match.js'
import type { Observed, ObservedContainer } from './observed.js'
import { portRefusals } from './ports.js'
import { leftoverNetworks, missingResources } from './resources.js'
import { oweRestart, starts } from './starts.js'
import type { Step } from './step.js'

/**
 * The next independent set of steps. They come in stages, each only when the ones before have nothing left to do: refuse; pull;
 * build; make networks and volumes; create; stop, dependants first; remove; rename; start, dependencies first. So everything that can
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
        () => [...(wish.volumes ? leftoverVolumes(observed, wish.kept ?? []) : []), ...leftoverImages(wish.images ?? [], observed)],
      )
  }
}

function planRunning(wish: RunningWish, observed: Observed, memory: Memory, now: number): readonly Step[] {
  const match = matchContainers(wish, observed)
  const stale = staleNetworks(wish, observed)
  const resources = missingResources(wish, observed)
  const incomplete = incompleteServices(wish, match)
  const images = imageSteps(wish, { observed, memory, now, incomplete })
  const impossible = [...refusals(wish.project, observed.api), ...portRefusals(wish, observed, incomplete)]
  return firstOf(
    () => [...impossible, ...resources, ...images].filter(step => step.kind === 'refuse'),
    // Where the device is held a build waits, and a pull that fails meanwhile must not wait with it.
    () => images.filter(step => step.kind === 'pull'),
    () => images,
    () => (stale.size > 0 ? leaveStaleNetworks(observed, match, stale) : []),
    () => resources,
    () => creations(wish, observed, match),
    () => stops([...match.obsolete, ...oweRestart(wish, match)]),
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

function incompleteServices({ project }: RunningWish, { current }: Match): ReadonlySet<string> {
  const services = Object.entries(project.services)
  return new Set(services.filter(([name, service]) => (current.get(name)?.length ?? 0) < scaleOf(service)).map(([name]) => name))
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

/** Dependants stop before what they depend on. */
function stops(containers: readonly ObservedContainer[]): Step[] {
  const running = containers.filter(isRunning)
  const free = running.filter(({ id, service }) => !running.some(other => other.id !== id && leansOn(other, id, service)))
  return (free.length > 0 ? free : running).map(stopStep)
}

export function stopStep({ id, service, preStop, stopGraceS }: ObservedContainer): Step {
  return { kind: 'stop', service, id, hooks: preStop, ...(stopGraceS === undefined ? {} : { graceS: stopGraceS }) }
}

function leansOn(other: ObservedContainer, id: string, service: string): boolean {
  return other.parents.includes(id) || (other.service !== service && other.dependsOn.includes(service))
}

function removals(containers: readonly ObservedContainer[], volumes: boolean): Step[] {
  return containers
    .filter(container => !isRunning(container) && container.state !== 'removing')
    .map(({ id, service }) => ({ kind: 'remove', service, id, volumes }))
}

function renames({ owner, project }: RunningWish, observed: Observed, { current }: Match): Step[] {
  const taken = new Set(observed.containers.map(({ name }) => name))
  return [...current].flatMap(([service, containers]) =>
    containers.flatMap(({ id, name: held, number }): Step[] => {
      const spec = project.services[service]
      const name = spec === undefined ? held : containerName(owner.app, service, spec, number)
      return taken.has(name) ? [] : [{ kind: 'rename', service, id, name }]
    }),
  )
}

function leftoverVolumes({ volumes }: Observed, kept: readonly string[]): Step[] {
  return volumes
    .filter(({ name, owned, used }) => owned && !used && !kept.includes(name))
    .map(({ name }) => ({ kind: 'removeVolume', name }))
}

function leftoverImages(images: readonly string[], observed: Observed): Step[] {
  return [...new Set(images)].filter(image => observed.images[image]?.used === false).map(image => ({ kind: 'removeImage', image }))
}
