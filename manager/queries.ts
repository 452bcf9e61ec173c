// Questions to the fleet that need both the database and the memory: gathered here, shown by the API.

import type { MonthUse } from './accounts.js'
import { effectiveApps } from './core/desired.js'
import { type Held, heldOf, type PermitRecord } from './core/held.js'
import { type DeviceLink, deviceLink } from './core/links.js'
import { type Addressee, type App, type Device, keyOf, targetsOf } from './core/model.js'
import { type AppOnDevice, appOnDevice } from './core/rollup.js'
import type { Fleet } from './fleet.js'
import { readApps, readAppsFor, readAppsNamed } from './store/apps.js'
import type { KeyRow } from './store/device-keys.js'
import { readGroupsOf, readMembers, readMemberships } from './store/groups.js'
import { readLinks, readLinksFor } from './store/links.js'
import { readTargets } from './store/outbox.js'
import { readPermits, readPermitsOf } from './store/permits.js'

/** What is desired of one device. */
export interface DeviceContext {
  readonly groups: readonly string[]
  readonly apps: readonly App[]
  /** The newest revision of the manifests that it follows; 0 if there is none. */
  readonly revision: number
  /** What it shows for being itself; undefined if it never joined. */
  readonly key: KeyRow | undefined
  readonly link: DeviceLink
  /** What its connection costs; undefined if it has never told. */
  readonly month: MonthUse | undefined
  /** Its own and its groups' permits. */
  readonly permits: readonly PermitRecord[]
  /** Wall clock, when it turns NotReady if it stays silent; null if it is NotReady, or while silence counts against nobody. */
  readonly expectedBy: number | null
}

/** For one device, when only one is asked for. */
export function contextOf({ db, keys, inventory, accounts }: Fleet, device: Device): DeviceContext {
  const groups = readGroupsOf(db, device.id)
  const revisions = targetRevisions(readTargets(db, [device.id], groups))
  return {
    groups,
    apps: readAppsFor(db, device.id, groups),
    revision: newest(revisions, device.id, groups),
    key: keys.of(device.id),
    link: deviceLink(device, groups, readLinksFor(db, device.id)),
    month: accounts.of(device),
    permits: readPermitsOf(db, device.id, groups),
    expectedBy: inventory.expectedBy(device),
  }
}

/** For any device, when many are asked for: reads everything once. */
export function contextsOf({ db, keys, inventory, accounts }: Fleet): (device: Device) => DeviceContext {
  const memberships = readMemberships(db)
  const revisions = targetRevisions(readTargets(db))
  const links = readLinks(db)
  const permits = new Map(readPermits(db).map(permit => [keyOf(permit.target), permit]))
  const apps = new Map<string, App[]>()
  for (const app of readApps(db)) {
    const key = keyOf(app.target)
    apps.set(key, [...(apps.get(key) ?? []), app])
  }
  return device => {
    const groups = memberships.get(device.id) ?? []
    const targets = targetsOf(device.id, groups).map(keyOf)
    return {
      groups,
      apps: targets.flatMap(target => apps.get(target) ?? []),
      revision: newest(revisions, device.id, groups),
      key: keys.of(device.id),
      link: deviceLink(device, groups, links),
      month: accounts.of(device),
      permits: targets.flatMap(target => permits.get(target) ?? []),
      expectedBy: inventory.expectedBy(device),
    }
  }
}

export function devicesOfGroup({ db, inventory }: Fleet, group: string): Device[] {
  return readMembers(db, group).flatMap(id => inventory.devices.get(id) ?? [])
}

/** An app on each device of its target, with why it is held there if it is. */
export function appOnDevices(fleet: Fleet, app: App): { device: Device; on: AppOnDevice; held: Held | null }[] {
  const { db, inventory } = fleet
  const own = inventory.devices.get(app.target.name)
  const devices = app.target.kind === 'group' ? devicesOfGroup(fleet, app.target.name) : own === undefined ? [] : [own]
  const rivals = readAppsNamed(db, app.name)
  const memberships = rivals.length > 1 ? readMemberships(db) : new Map<string, string[]>()
  const winner = (device: Device) => {
    const groups = memberships.get(device.id) ?? []
    const followed = rivals.filter(({ target }) => (target.kind === 'device' ? target.name === device.id : groups.includes(target.name)))
    return effectiveApps(followed).get(app.name) ?? app
  }
  const permits = devices.some(({ reported }) => reported?.hold !== undefined) ? readPermits(db) : []
  return devices.map(device => {
    const on = appOnDevice(app, device, winner(device))
    return { device, on, held: on.state === 'held' ? heldOf(device, ownPermits(device.id, permits)) : null }
  })
}

/** Of a device, its own and any group's: what it reports names the group. */
function ownPermits(device: string, permits: readonly PermitRecord[]): PermitRecord[] {
  return permits.filter(({ target }) => target.kind === 'group' || target.name === device)
}

function targetRevisions(targets: readonly (Addressee & { readonly revision: number })[]): Map<string, number> {
  return new Map(targets.map(target => [keyOf(target), target.revision]))
}

function newest(revisions: ReadonlyMap<string, number>, device: string, groups: readonly string[]): number {
  const own = revisions.get(keyOf({ kind: 'device', name: device }))
  const others = [{ kind: 'fleet', name: '' } as const, ...groups.map(name => ({ kind: 'group', name }) as const)]
  // A device without a manifest of its own follows none.
  return own === undefined ? 0 : Math.max(own, ...others.map(each => revisions.get(keyOf(each)) ?? 0))
}
