// Devices that wait for a person: kept, shown, approved, rejected.
import { SkerryError } from '../../protocol/errors.js'
import type { JoinRequest } from '../../protocol/join.js'
import { newEvent } from '../core/events.js'
import { existing } from '../core/joining.js'
import type { Device } from '../core/model.js'
import type { Fleet } from '../fleet.js'
import { findGroup } from '../groups.js'
import { countPending, type PendingRow, prunePending, readPendingJoin, readPendings, rejectPending, savePending } from '../store/pending.js'
import { admit } from './admission.js'

export interface Approval {
  readonly groups?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  /** The id that the device is believed to want; another one refuses the approval. */
  readonly device?: string
}

const maxPending = 200
const maxRejected = 1000
/** From its last request on. */
const pendingMs = 86_400_000

/** Who waits, longest first, and who was rejected. */
export function pendingJoins(fleet: Fleet): PendingRow[] {
  prune(fleet)
  return readPendings(fleet.db)
}

/** Whether another one may wait. */
export function hasRoom(fleet: Fleet): boolean {
  prune(fleet)
  return countPending(fleet.db) < maxPending
}

/** By the whole name of its key. Throws `device.unknown`. */
export function findPending({ db }: Fleet, key: string): PendingRow {
  const row = readPendingJoin(db, key)
  if (row === undefined) throw new SkerryError('device.unknown', `no device with the key ${key.slice(0, 60)} is waiting`)
  return row
}

/** Keeps what it asks; told once for each key, whatever it asks next. */
export function keepWaiting({ db, clock, journal }: Fleet, key: string, { device, facts }: JoinRequest, spki: Uint8Array): void {
  const now = clock.now()
  const row = { key, device, spki, facts, firstAt: now, lastAt: now }
  if (readPendingJoin(db, key) !== undefined) return void db.quickly(() => savePending(db, row))
  journal.change(note => {
    savePending(db, row)
    note(newEvent('join.pending', `${device} (${facts.name}) waits to be approved`, { data: { device, key, facts } }))
  })
}

/** Lets a device in that waits, or that was rejected. Throws `device.unknown`, `device.exists`, `group.unknown` or `identity.conflict`. */
export function approveDevice(
  fleet: Fleet,
  key: string,
  { groups = [], labels = {}, device }: Approval,
): { row: PendingRow; device: Device } {
  const row = findPending(fleet, key)
  if (device !== undefined && device !== row.device) {
    throw new SkerryError(
      'identity.conflict',
      `this key asks for the id ${row.device} by now, not ${device}: look again before you approve it`,
    )
  }
  if (fleet.keys.of(row.device) !== undefined) throw new SkerryError('device.exists', existing(row.device).message)
  for (const name of groups) findGroup(fleet, name)
  return { row, device: admit(fleet, { ...row, groups, labels, via: 'approval' }) }
}

/** Throws `device.unknown`. */
export function rejectDevice(fleet: Fleet, key: string): PendingRow {
  const { db, journal } = fleet
  const row = findPending(fleet, key)
  journal.change(note => {
    rejectPending(db, key)
    note(newEvent('join.rejected', `${row.device} was rejected`, { data: { device: row.device, key } }))
  })
  return { ...row, rejected: true }
}

function prune({ db, clock }: Fleet): void {
  db.quickly(() => prunePending(db, clock.now() - pendingMs, maxRejected))
}
