// What users do to devices: name, describe, label, set the heartbeat's interval, release.
import { unwrap } from '../protocol/errors.js'
import type { ReleaseMode } from '../protocol/messages/manifest.js'
import { manifestVariables } from '../protocol/variables.js'
import { newEvent } from './core/events.js'
import type { Device } from './core/model.js'
import { resolveDevice } from './core/resolve.js'
import type { Fleet } from './fleet.js'
import { deleteAppsOf } from './store/apps.js'
import { deleteDevice, updateDevice } from './store/devices.js'
import { deleteLink } from './store/links.js'
import { bumpTarget } from './store/outbox.js'
import { deletePermit, readPermit } from './store/permits.js'
import { deletePurgesOf } from './store/purges.js'
import { insertTombstone } from './store/tombstones.js'

/** By id or unique name. Throws `device.unknown`, or `request.invalid` if several have the name. */
export function findDevice(fleet: Fleet, reference: string): Device {
  return unwrap(resolveDevice(fleet.inventory.devices, reference))
}

export interface DevicePatch {
  /** Null: back to the name that the device gives itself. */
  readonly name?: string | null
  readonly description?: string
  /** Null removes a label. */
  readonly labels?: Readonly<Record<string, string | null>>
  /** Seconds; null: back to the agent's own. */
  readonly intervalS?: number | null
}

export function changeDevice(fleet: Fleet, device: Device, patch: DevicePatch): void {
  const { name = device.name, description = device.description, intervalS = device.intervalS } = patch
  const labels = mergeLabels(device.labels, patch.labels ?? {})
  const next = { name, description, labels, intervalS }
  const same = JSON.stringify(next) === JSON.stringify(pick(device))
  if (same) return
  fleet.journal.change(note => {
    updateDevice(fleet.db, { ...next, id: device.id, epochFloor: device.epochFloor })
    if (toldOf(next) !== toldOf(device)) bumpTarget(fleet.db, { kind: 'device', name: device.id })
    note(newEvent('device.changed', `${device.id} was changed`, { device: device.id, data: next }))
  })
  Object.assign(device, next)
  fleet.publisher.wake()
}

/** The device leaves the fleet: its key is worth nothing from now on. It is told to keep or remove its apps when it next connects. */
export function releaseDevice(fleet: Fleet, device: Device, mode: ReleaseMode): void {
  const { db, journal, clock, keys } = fleet
  const target = { kind: 'device', name: device.id } as const
  journal.change(note => {
    insertTombstone(db, device.id, mode, { at: clock.now(), key: keys.of(device.id)?.key ?? null })
    keys.remove(device.id)
    deleteAppsOf(db, target, clock.now())
    deletePurgesOf(db, target)
    deleteLink(db, target)
    // What the manager gave goes with it; whoever else holds it holds it until it has gone.
    deletePermit(db, target, readPermit(db, target)?.via === 'http')
    deleteDevice(db, device.id)
    bumpTarget(db, target)
    note(newEvent('device.released', `${device.id} was released; its apps: ${mode}`, { device: device.id, data: { apps: mode } }))
  })
  fleet.inventory.remove(device.id)
  fleet.accounts.forget(device.id)
  fleet.reception.bury(device.id)
  keys.released(device.id)
  fleet.publisher.wake()
  fleet.permits.wake()
}

function mergeLabels(labels: Device['labels'], changes: Readonly<Record<string, string | null>>): Record<string, string> {
  const merged = Object.entries({ ...labels, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null)
  return Object.fromEntries(merged.sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** What of it stands in the device's manifest. */
function toldOf({ name, labels, intervalS }: Pick<Device, 'name' | 'labels' | 'intervalS'>): string {
  return JSON.stringify([intervalS, manifestVariables(name, labels)])
}

function pick({ name, description, labels, intervalS }: Device): Required<Omit<DevicePatch, 'labels'>> & Pick<Device, 'labels'> {
  return { name, description, labels, intervalS }
}
