// What users do to groups: make, delete, let devices join and leave. Many at once, whole or not at all.
import { SkerryError, unwrap } from '../protocol/errors.js'
import { checkName } from '../protocol/names.js'
import { newEvent } from './core/events.js'
import type { Device } from './core/model.js'
import { resolveDevices } from './core/resolve.js'
import type { Fleet } from './fleet.js'
import type { Note } from './journal.js'
import { deleteAppsOf, readAppsOf } from './store/apps.js'
import * as groups from './store/groups.js'
import { deleteImageList } from './store/image-lists.js'
import { deleteLink } from './store/links.js'
import { bumpTarget, dropTarget } from './store/outbox.js'
import { deletePermit } from './store/permits.js'
import { deletePurgesOf } from './store/purges.js'
import { forgetGroup } from './store/users.js'

/** As many as a manifest may name. */
const maxGroupsOfDevice = 256

/** Throws `group.unknown`. */
export function findGroup(fleet: Fleet, name: string): groups.GroupRow {
  const group = groups.readGroup(fleet.db, name)
  if (group === undefined) throw new SkerryError('group.unknown', `there is no group ${JSON.stringify(name.slice(0, 64))}`)
  return group
}

/** Throws `group.exists`, `name.invalid`, or `device.unknown` with every unknown device. */
export function createGroup(fleet: Fleet, name: string, references: readonly string[]): void {
  unwrap(checkName('group', name))
  if (groups.readGroup(fleet.db, name) !== undefined) throw new SkerryError('group.exists', `there is a group ${name} already`)
  const devices = unwrap(resolveDevices(fleet.inventory.devices, references))
  fleet.journal.change(note => {
    groups.insertGroup(fleet.db, name, fleet.clock.now())
    // Devices that were away may still hold the manifest of an earlier group of this name.
    bumpTarget(fleet.db, { kind: 'group', name })
    note(newEvent('group.created', `group ${name} was created`, { group: name }))
    addMembers(fleet, name, devices, note)
  })
  fleet.publisher.wake()
}

/** Throws `group.not-empty` if it has apps and `force` is not set; otherwise they go with it, from its devices too. */
export function deleteGroup(fleet: Fleet, name: string, force: boolean): void {
  const { db, journal, clock } = fleet
  findGroup(fleet, name)
  const target = { kind: 'group', name } as const
  const apps = readAppsOf(db, target)
  if (apps.length > 0 && !force) {
    throw new SkerryError('group.not-empty', `group ${name} has apps: ${apps.map(app => app.name).join(', ')}`)
  }
  journal.change(note => {
    const members = groups.readMembers(db, name)
    for (const app of apps) note(newEvent('app.deleted', `${app.name} was deleted with group ${name}`, { group: name, app: app.name }))
    deleteAppsOf(db, target, clock.now())
    deletePurgesOf(db, target)
    deleteImageList(db, target)
    deleteLink(db, target)
    deletePermit(db, target, true)
    groups.deleteGroup(db, name)
    forgetGroup(db, name)
    dropTarget(db, target)
    for (const device of members) bumpTarget(db, { kind: 'device', name: device })
    note(newEvent('group.deleted', `group ${name} was deleted`, { group: name, data: { devices: members } }))
  })
  fleet.publisher.wake()
  fleet.permits.wake()
}

/** Throws `device.unknown` with every unknown device; then nothing has changed. */
export function joinGroup(fleet: Fleet, name: string, references: readonly string[]): void {
  findGroup(fleet, name)
  const devices = unwrap(resolveDevices(fleet.inventory.devices, references))
  fleet.journal.change(note => addMembers(fleet, name, devices, note))
  fleet.publisher.wake()
}

export function leaveGroup(fleet: Fleet, name: string, references: readonly string[]): void {
  const { db, journal } = fleet
  findGroup(fleet, name)
  const devices = unwrap(resolveDevices(fleet.inventory.devices, references))
  journal.change(note => {
    for (const { id } of devices) {
      if (!groups.deleteMember(db, name, id)) continue
      bumpTarget(db, { kind: 'device', name: id })
      note(newEvent('group.left', `${id} left group ${name}`, { group: name, device: id }))
    }
  })
  fleet.publisher.wake()
}

/** Call it in the transaction that is to have it. */
export function addMembers({ db }: Fleet, name: string, devices: readonly Device[], note: Note): void {
  for (const { id } of devices) {
    if (!groups.insertMember(db, name, id)) continue
    if (groups.readGroupsOf(db, id).length > maxGroupsOfDevice) {
      throw new SkerryError('request.invalid', `${id} is in ${maxGroupsOfDevice} groups already`)
    }
    bumpTarget(db, { kind: 'device', name: id })
    note(newEvent('group.joined', `${id} joined group ${name}`, { group: name, device: id }))
  }
}
