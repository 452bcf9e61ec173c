// What only shows across attributes and services: names that do not exist, attributes that exclude each other, cycles.
import { checkHosts } from './check-hosts.js'
import { isWithin } from './cidr.js'
import { type Item, quote, type Report } from './item.js'
import { namespaceParents, sharedService } from './namespaces.js'
import { arrange } from './order.js'
import { find, nearest, type Places } from './place.js'
import type { Project, Service } from './project.js'

interface Scope {
  readonly place: Item
  readonly project: Project
  readonly report: Report
}

export function checkProject(project: Project, places: Places, report: Report): void {
  for (const [name, service] of Object.entries(project.services)) {
    const place = places.get(name)
    if (place !== undefined) checkService(service, { place, project, report })
  }
  checkHosts(project, places, report)
  for (const cycle of arrange(project).cycles) {
    const place = places.get(cycle[0] ?? '')
    if (place !== undefined) report.refuse(place, 'compose.inconsistent', `services depend on each other in a circle: ${nameCycle(cycle)}`)
  }
}

function nameCycle(cycle: readonly string[]): string {
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), '…', ...cycle.slice(-5)] : cycle
  return shown.join(' -> ')
}

function checkService(service: Service, scope: Scope): void {
  checkDependencies(service, scope)
  checkNetworks(service, scope)
  checkTargets(service, scope)
  checkSources(service, scope)
  checkShares(service, scope)
}

/** Implied ones too; the fault stands at the attribute that implies it. */
function checkDependencies(service: Service, { place, project: { services }, report }: Scope): void {
  for (const [name, { condition, required }] of Object.entries(service.dependsOn)) {
    const where = find(place, 'depends_on', name) ?? nearest(place, implyingAttribute(service, name))
    const other = Object.hasOwn(services, name) ? services[name] : undefined
    if (other === undefined) {
      if (required) report.refuse(where, 'compose.inconsistent', `there is no service ${quote(name)}`)
      else report.warn(where, 'compose.inconsistent', `there is no service ${quote(name)}, and it is not required`)
    } else if (condition === 'healthy' && other.healthcheck?.test?.[0] === 'NONE')
      report.refuse(where, 'compose.inconsistent', `${quote(name)} has no health check, so it never gets healthy`)
  }
}

function implyingAttribute(service: Service, name: string): string {
  const [shared] = namespaceParents(service).find(([, parent]) => parent === name) ?? []
  return shared ?? (service.links?.some(link => link.service === name) ? 'links' : 'volumes_from')
}

function checkNetworks(service: Service, { place, project: { networks }, report }: Scope): void {
  for (const [name, { ipv4, ipv6 }] of Object.entries(service.networks)) {
    const network = Object.hasOwn(networks, name) ? networks[name] : undefined
    const where = nearest(place, 'networks', name)
    if (network === undefined) {
      report.refuse(where, 'compose.inconsistent', `there is no network ${quote(name)} under networks`)
      continue
    }
    for (const address of [ipv4, ipv6]) {
      const isFree = address === undefined || network.external === true || network.ipamDriver !== undefined
      if (!isFree && !network.subnets.some(({ subnet }) => subnet !== undefined && isWithin(address, subnet)))
        report.refuse(where, 'compose.inconsistent', `the network ${quote(name)} has no subnet with ${address} in it`)
      if (address !== undefined && (service.scale ?? 1) > 1)
        report.refuse(where, 'compose.inconsistent', `${service.scale} containers cannot all have the address ${address}`)
    }
  }
}

/** Volumes, tmpfs, configs and secrets: one thing at one place. */
function checkTargets({ volumes, tmpfs, files = [] }: Service, { place, report }: Scope): void {
  const taken = new Set(volumes.map(mount => mount.target))
  const take = (target: string, attribute: string): void => {
    if (taken.has(target)) report.refuse(nearest(place, attribute), 'compose.inconsistent', `${quote(target)} is mounted twice`)
    taken.add(target)
  }
  for (const entry of tmpfs) take(entry.split(':')[0] ?? '', 'tmpfs')
  for (const { target } of files) take(target, find(place, 'secrets') === undefined ? 'configs' : 'secrets')
}

function checkSources({ volumes }: Service, { place, project, report }: Scope): void {
  for (const mount of volumes) {
    if (mount.type !== 'volume' || mount.source === undefined || Object.hasOwn(project.volumes, mount.source)) continue
    const hint = mount.source.includes('/') ? `; a path of the folder is written ./${mount.source}` : ''
    report.refuse(nearest(place, 'volumes'), 'compose.inconsistent', `there is no volume ${quote(mount.source)} under volumes${hint}`)
  }
}

/** What the Engine refuses for a container that lives in the host's network. */
const excludedByHost = { links: 'links', external_links: 'externalLinks', mac_address: 'macAddress' } as const satisfies Fields

/** And for one in another container's. */
const excludedByContainer = {
  ...excludedByHost,
  hostname: 'hostname',
  ports: 'ports',
  expose: 'expose',
  dns: 'dns',
  extra_hosts: 'extraHosts',
} as const satisfies Fields

type Fields = Readonly<Record<string, keyof Service>>

function checkShares(service: Service, { place, report }: Scope): void {
  const { networkMode: mode, uts, hostname } = service
  if (uts === 'host' && hostname !== undefined)
    report.refuse(nearest(place, 'hostname'), 'compose.inconsistent', "a container with the host's uts has the host's name")
  if (mode === undefined) return
  if (Object.keys(service.networks).length > 0)
    report.refuse(nearest(place, 'networks'), 'compose.inconsistent', 'network_mode and networks exclude each other')
  const owner = sharedService(mode) ?? (mode.startsWith('container:') ? mode.slice('container:'.length) : undefined)
  const excluded: Fields = owner !== undefined ? excludedByContainer : mode === 'host' ? excludedByHost : {}
  for (const [attribute, field] of Object.entries(excluded)) {
    const value = service[field]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    const whose = owner === undefined ? 'the host' : quote(owner)
    report.refuse(nearest(place, attribute), 'compose.inconsistent', `${attribute} belongs to ${whose}, whose network this service shares`)
  }
}
