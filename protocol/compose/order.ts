// The order in which services start: layers, dependencies first; and the cycles that make it impossible.
import type { Project, Service } from './project.js'

/** Names of services by layer: those of one layer may start at once when the layers before it have. */
export function startOrder(project: Pick<Project, 'services'>): string[][] {
  return arrange(project).layers
}

interface Arrangement {
  readonly layers: string[][]
  /** Each as the names on it, the first one again at the end. */
  readonly cycles: readonly (readonly string[])[]
}

export function arrange({ services }: Pick<Project, 'services'>): Arrangement {
  const waiting = new Map(Object.entries(services).map(([name, service]) => [name, openNeeds(name, service, services)]))
  const dependants = invert(waiting)
  const [layers, cycles]: [string[][], string[][]] = [[], []]
  let ready = [...waiting.keys()].filter(name => waiting.get(name)?.size === 0)
  while (waiting.size > 0) {
    if (ready.length === 0) {
      const cycle = findCycle(waiting)
      cycles.push(cycle)
      ready = [...new Set(cycle)]
    }
    layers.push(ready.sort())
    ready = release(ready, waiting, dependants)
  }
  return { layers, cycles }
}

function openNeeds(name: string, service: Service, services: Readonly<Record<string, Service>>): Set<string> {
  const known = Object.keys(service.dependsOn).filter(need => Object.hasOwn(services, need))
  return new Set(known.includes(name) ? [name, ...known] : known)
}

function invert(needs: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyMap<string, readonly string[]> {
  const dependants = new Map([...needs.keys()].map(name => [name, [] as string[]]))
  for (const [name, others] of needs) {
    for (const other of others) dependants.get(other)?.push(name)
  }
  return dependants
}

/** Takes `done` out of what the others wait for; gives those that then wait for nothing. */
function release(done: readonly string[], waiting: Map<string, Set<string>>, dependants: ReadonlyMap<string, readonly string[]>): string[] {
  for (const name of done) waiting.delete(name)
  const ready: string[] = []
  for (const name of done) {
    for (const dependant of dependants.get(name) ?? []) {
      const needs = waiting.get(dependant)
      if (needs?.delete(name) && needs.size === 0) ready.push(dependant)
    }
  }
  return ready
}

/** Everything left waits for something left, so walking from need to need must come round. */
function findCycle(waiting: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const path: string[] = []
  const places = new Map<string, number>()
  let [at] = waiting.keys()
  while (at !== undefined && !places.has(at)) {
    places.set(at, path.length)
    path.push(at)
    const needs: ReadonlySet<string> | undefined = waiting.get(at)
    at = needs && [...needs].find(need => waiting.has(need))
  }
  return at === undefined ? path : [...path.slice(places.get(at)), at]
}
