// What containers have of the device one at a time: names and published ports.
import { quote, type Report } from './item.js'
import { nearest, type Places } from './place.js'
import type { Port, Project } from './project.js'

export function checkHosts(project: Project, places: Places, report: Report): void {
  checkContainerNames(project, places, report)
  checkPublished(project, places, report)
}

function checkContainerNames({ services }: Project, places: Places, report: Report): void {
  const owners = new Map<string, string>()
  for (const [name, { containerName, scale = 1 }] of Object.entries(services)) {
    const place = places.get(name)
    if (containerName === undefined || place === undefined) continue
    const where = nearest(place, 'container_name')
    const owner = owners.get(containerName)
    if (owner !== undefined)
      report.refuse(where, 'compose.inconsistent', `the service ${quote(owner)} has the name ${quote(containerName)} too`)
    if (scale > 1) report.refuse(where, 'compose.inconsistent', `${scale} containers cannot have one name`)
    owners.set(containerName, name)
  }
}

/** Two containers cannot listen at one address of the host. From a range the Engine takes what is free. */
function checkPublished({ services }: Project, places: Places, report: Report): void {
  const taken = new Map<string, Map<string, string>>()
  for (const [name, { ports, scale = 1 }] of Object.entries(services)) {
    const place = places.get(name)
    for (const port of ports) {
      if (port.published === 0 || scale === 0 || place === undefined) continue
      const where = nearest(place, 'ports')
      if (roomOf(port) < scale)
        report.refuse(where, 'compose.inconsistent', `${scale} containers cannot share the host's port ${describe(port)}`)
      if (port.publishedTo !== undefined) continue
      const key = `${port.published}/${port.protocol}`
      const owners = taken.get(key) ?? new Map<string, string>()
      const owner = findOverlap(port.hostIp, owners)
      if (owner !== undefined)
        report.refuse(where, 'compose.inconsistent', `the host's port ${describe(port)} is published by ${quote(owner)} already`)
      taken.set(key, owners.set(port.hostIp, name))
    }
  }
}

function roomOf({ published, publishedTo = published }: Port): number {
  return publishedTo - published + 1
}

/** The owner of this address or of one that includes it or that it includes. */
function findOverlap(hostIp: string, owners: ReadonlyMap<string, string>): string | undefined {
  const isV6 = hostIp.includes(':')
  const all = isV6 ? '::' : '0.0.0.0'
  const same = owners.get(hostIp) ?? owners.get('') ?? owners.get(all)
  if (same !== undefined || (hostIp !== '' && hostIp !== all)) return same
  return [...owners].find(([other]) => hostIp === '' || other.includes(':') === isV6)?.[1]
}

function describe({ published, publishedTo, protocol }: Port): string {
  return `${published}${publishedTo === undefined ? '' : `-${publishedTo}`}/${protocol}`
}
