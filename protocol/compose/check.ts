// What only shows across attributes and services: names that do not exist, attributes that exclude each other, clashes, cycles.
import { type Item, isMap, quote, type Report } from './item.js'
import { isWithin } from './network.js'
import { arrange, sharedNetworkOf } from './order.js'
import type { Port, Project, Service } from './project.js'

/** Where services stand in the file, for the paths of their faults. */
export type Places = ReadonlyMap<string, Item>

interface Scope {
  readonly project: Project
  readonly report: Report
}

export function checkProject(project: Project, places: Places, report: Report): void {
  for (const [name, service] of Object.entries(project.services)) {
    const place = places.get(name)
    if (place !== undefined) checkService(service, place, { project, report })
  }
  checkContainerNames(project, places, report)
  checkPublished(project, places, report)
  for (const cycle of arrange(project).cycles) {
    const place = places.get(cycle[0] ?? '')
    if (place !== undefined) report.refuse(place, 'compose.inconsistent', `services depend on each other in a circle: ${nameCycle(cycle)}`)
  }
}

function nameCycle(cycle: readonly string[]): string {
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), '…', ...cycle.slice(-5)] : cycle
  return shown.join(' -> ')
}

function checkService(service: Service, place: Item, scope: Scope): void {
  checkDependencies(service, place, scope)
  checkNetworks(service, place, scope)
  checkVolumes(service, place, scope)
  if (service.networkMode !== undefined) checkNetworkMode(service, service.networkMode, place, scope)
}

/** The item of an attribute, or the service's where there is none. */
function at(place: Item, ...keys: readonly (string | number)[]): Item {
  let item = place
  for (const key of keys) {
    const { value } = item
    const next = isMap(value) ? value.get(String(key)) : Array.isArray(value) ? findEntry(value, key) : undefined
    if (next === undefined) return item
    item = next
  }
  return item
}

function findEntry(list: readonly Item[], key: string | number): Item | undefined {
  return list.find((entry, n) => n === key || entry.value === key)
}

function checkDependencies({ dependsOn }: Service, place: Item, { project: { services }, report }: Scope): void {
  for (const [name, { condition, required }] of Object.entries(dependsOn)) {
    const where = at(place, 'depends_on', name)
    const other = Object.hasOwn(services, name) ? services[name] : undefined
    if (other === undefined) {
      if (required) report.refuse(where, 'compose.inconsistent', `there is no service ${quote(name)}`)
      else report.warn(where, 'compose.inconsistent', `there is no service ${quote(name)}, and it is not required`)
    } else if (condition === 'healthy' && other.healthcheck?.test?.[0] === 'NONE')
      report.refuse(where, 'compose.inconsistent', `${quote(name)} has no health check, so it never gets healthy`)
  }
}

function checkNetworks(service: Service, place: Item, { project: { networks }, report }: Scope): void {
  for (const [name, { ipv4, ipv6 }] of Object.entries(service.networks)) {
    const network = Object.hasOwn(networks, name) ? networks[name] : undefined
    const where = at(place, 'networks', name)
    if (network === undefined) {
      report.refuse(where, 'compose.inconsistent', `there is no network ${quote(name)} under networks`)
      continue
    }
    for (const address of [ipv4, ipv6]) {
      const isFree = address === undefined || network.external === true
      if (!isFree && !network.subnets.some(({ subnet }) => subnet !== undefined && isWithin(address, subnet)))
        report.refuse(where, 'compose.inconsistent', `the network ${quote(name)} has no subnet with ${address} in it`)
    }
  }
}

function checkVolumes({ volumes, tmpfs }: Service, place: Item, { project, report }: Scope): void {
  const targets = new Set(volumes.map(mount => mount.target))
  for (const entry of tmpfs) {
    const [target = ''] = entry.split(':')
    if (targets.has(target)) report.refuse(at(place, 'tmpfs'), 'compose.inconsistent', `${quote(target)} is mounted twice`)
    targets.add(target)
  }
  for (const mount of volumes) {
    if (mount.type === 'volume' && mount.source !== undefined && !Object.hasOwn(project.volumes, mount.source))
      report.refuse(at(place, 'volumes'), 'compose.inconsistent', `there is no volume ${quote(mount.source)} under volumes`)
  }
}

/** What the Engine refuses for a container that lives in another's network. */
const excludedByShare = ['hostname', 'ports', 'expose', 'dns', 'extra_hosts'] as const

function checkNetworkMode(service: Service, mode: string, place: Item, { project, report }: Scope): void {
  if (Object.keys(service.networks).length > 0)
    report.refuse(at(place, 'networks'), 'compose.inconsistent', 'network_mode and networks exclude each other')
  const shared = sharedNetworkOf(mode)
  if (shared === undefined) return
  if (!Object.hasOwn(project.services, shared))
    report.refuse(at(place, 'network_mode'), 'compose.inconsistent', `there is no service ${quote(shared)}`)
  for (const name of excludedByShare) {
    const found = at(place, name)
    if (found !== place && found.value !== null)
      report.refuse(found, 'compose.inconsistent', `${name} belongs to ${quote(shared)}, whose network this service shares`)
  }
}

function checkContainerNames({ services }: Project, places: Places, report: Report): void {
  const owners = new Map<string, string>()
  for (const [name, { containerName }] of Object.entries(services)) {
    if (containerName === undefined) continue
    const owner = owners.get(containerName)
    const place = places.get(name)
    if (owner !== undefined && place !== undefined)
      report.refuse(at(place, 'container_name'), 'compose.inconsistent', `the service ${quote(owner)} has this name too`)
    owners.set(containerName, name)
  }
}

/** Two containers cannot listen at one address of the host. */
function checkPublished({ services }: Project, places: Places, report: Report): void {
  const taken = new Map<string, Map<string, string>>()
  for (const [name, { ports }] of Object.entries(services)) {
    const place = places.get(name)
    for (const port of ports) {
      if (port.published === 0 || place === undefined) continue
      const key = `${port.published}/${port.protocol}`
      const owners = taken.get(key) ?? new Map<string, string>()
      const owner = findOverlap(port.hostIp, owners)
      if (owner !== undefined) report.refuse(at(place, 'ports'), 'compose.inconsistent', describeClash(port, owner))
      taken.set(key, owners.set(port.hostIp, name))
    }
  }
}

/** The owner of this address or of one that includes it or that it includes. */
function findOverlap(hostIp: string, owners: ReadonlyMap<string, string>): string | undefined {
  const isV6 = hostIp.includes(':')
  const all = isV6 ? '::' : '0.0.0.0'
  const same = owners.get(hostIp) ?? owners.get('') ?? owners.get(all)
  if (same !== undefined || (hostIp !== '' && hostIp !== all)) return same
  return [...owners].find(([other]) => hostIp === '' || other.includes(':') === isV6)?.[1]
}

function describeClash({ published, protocol }: Port, owner: string): string {
  return `the host's port ${published}/${protocol} is published by ${quote(owner)} already`
}
