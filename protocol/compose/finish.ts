// The last of the canonical form: what follows from other attributes is added, what has no effect is left out.
import { sortKeys } from './canonical.js'
import { checkProject } from './check.js'
import { type Item, isMap, type Report } from './item.js'
import { namespaceParents, sharedContainers } from './namespaces.js'
import type { Dependency, Network, Project, Service } from './project.js'
import { sorted } from './read.js'

/** The whole project from its sections. Undefined where the report says why. */
export function finishProject(read: Project, section: Item, report: Report): Project | undefined {
  const places = isMap(section.value) ? section.value : new Map<string, Item>()
  const owners = ownersOf(read)
  const services = sorted(Object.entries(read.services).map(([name, service]) => [name, withImplied(withOwn(service, owners))]))
  const networks = sorted(Object.entries({ default: defaultNetwork, ...read.networks }))
  checkProject({ ...read, networks, services }, places, report)
  if (report.refusals.length > 0) return undefined
  const finished = Object.entries(services).map(
    ([name, service]) => [name, finishService(service, read, places.get(name), report)] as const,
  )
  const used = new Set(finished.flatMap(([, service]) => Object.keys(service.networks)))
  return sortKeys({ services: Object.fromEntries(finished), networks: keep(networks, name => used.has(name)), volumes: read.volumes })
}

/** Of services that name none; it need not be declared. */
const defaultNetwork: Network = { driverOpts: {}, labels: {}, subnets: [] }

/** Services by the names of their containers. */
function ownersOf({ services }: Project): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(services).flatMap(([name, { containerName }]) => (containerName === undefined ? [] : [[containerName, name]])),
  )
}

/** A container of the app that is named as a container is its service's. */
function withOwn(service: Service, owners: ReadonlyMap<string, string>): Service {
  if (owners.size === 0) return service
  const shared = sharedContainers(service).flatMap(([field, container]) => {
    const owner = owners.get(container)
    return owner === undefined ? [] : [[field, `service:${owner}`] as const]
  })
  const volumesFrom = service.volumesFrom?.map(each => {
    const owner = each.container === undefined ? undefined : owners.get(each.container)
    return owner === undefined ? each : { service: owner, readOnly: each.readOnly }
  })
  return { ...service, ...Object.fromEntries(shared), ...(volumesFrom === undefined ? {} : { volumesFrom }) }
}

const started: Dependency = { condition: 'started', required: true }

/** What another service's container is needed for is a dependency, unless the file says more of it. */
function withImplied(service: Service): Service {
  const implied = new Map<string, Dependency>()
  for (const { service: name } of service.volumesFrom ?? []) if (name !== undefined) implied.set(name, started)
  for (const { service: name } of service.links ?? []) implied.set(name, { ...started, restart: true })
  for (const [, name] of namespaceParents(service)) implied.set(name, { ...started, restart: true })
  return implied.size === 0 ? service : { ...service, dependsOn: sorted(new Map([...implied, ...Object.entries(service.dependsOn)])) }
}

function finishService(service: Service, { services }: Project, place: Item | undefined, report: Report): Service {
  const dependsOn = keep(service.dependsOn, other => Object.hasOwn(services, other))
  const isUnreachable = service.networkMode === 'host' || service.networkMode === 'none'
  if (!isUnreachable || service.ports.length === 0) return dependsOn === service.dependsOn ? service : { ...service, dependsOn }
  const ports = place !== undefined && isMap(place.value) ? place.value.get('ports') : undefined
  if (ports !== undefined) report.warn(ports, 'compose.inconsistent', `ports have no effect with network_mode ${service.networkMode}`)
  return { ...service, dependsOn, ports: [] }
}

function keep<T>(record: Readonly<Record<string, T>>, wanted: (key: string) => boolean): Readonly<Record<string, T>> {
  if (Object.keys(record).every(wanted)) return record
  return Object.fromEntries(Object.entries(record).filter(([key]) => wanted(key)))
}
