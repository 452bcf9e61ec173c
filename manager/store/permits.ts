// Permits of devices and groups as they were last given, and which of them the broker still has to be told.
import type { PermitRecord } from '../core/held.js'
import { type Target, targetsOf } from '../core/model.js'
import type { Db } from './db.js'
import { nextRevision } from './meta.js'
import type { Tables } from './schema.js'

/** A permit that the broker is to be told: null, that there is none any more. */
export interface PendingPermit {
  readonly target: Target
  readonly permit: PermitRecord | null
  readonly token: number
}

type Row = Tables['permits']

export function readPermit(db: Db, { kind, name }: Target): PermitRecord | undefined {
  const row = db.first(rows(db).where('kind', '=', kind).where('name', '=', name))
  return row && toRecord(row)
}

/** Those of a device and of its groups. */
export function readPermitsOf(db: Db, device: string, groups: readonly string[]): PermitRecord[] {
  return targetsOf(device, groups).flatMap(target => readPermit(db, target) ?? [])
}

export function readPermits(db: Db): PermitRecord[] {
  return db.all(rows(db)).flatMap(row => toRecord(row) ?? [])
}

/** `tell`: the broker has to have it from the manager. */
export function writePermit(db: Db, { target, value, leaseS, by, user, address, via, since, given }: PermitRecord, tell: boolean): void {
  const row: Row = {
    kind: target.kind,
    name: target.name,
    value: value ? 1 : 0,
    lease_s: leaseS,
    said_by: by,
    user,
    address,
    via,
    since,
    given,
    pending: tell ? nextRevision(db) : 0,
  }
  replace(db, row)
}

/** `tell`: the broker has to hear so from the manager. */
export function deletePermit(db: Db, { kind, name }: Target, tell: boolean): void {
  const none = { value: null, lease_s: null, said_by: null, user: null, address: null, via: 'http', since: 0, given: 0 } as const
  if (tell) replace(db, { kind, name, ...none, pending: nextRevision(db) })
  else db.runSql('delete from permits where kind = ? and name = ?', [kind, name])
}

/** The one that has waited longest. */
export function readNextPending(db: Db): PendingPermit | undefined {
  return toPending(db.first(rows(db).where('pending', '>', 0).orderBy('pending').limit(1)))
}

export function readPendingOf(db: Db, { kind, name }: Target): PendingPermit | undefined {
  return toPending(db.first(rows(db).where('pending', '>', 0).where('kind', '=', kind).where('name', '=', name)))
}

/** The broker has it as it says here. No effect if it has changed meanwhile. */
export function markPermitTold(db: Db, { target: { kind, name }, permit, token }: PendingPermit): void {
  const key = [kind, name, token]
  if (permit === null) return void db.runSql('delete from permits where kind = ? and name = ? and pending = ? and value is null', key)
  const { value, leaseS, since, given } = permit
  const set = 'pending = 0, value = ?, lease_s = ?, since = ?, given = ?'
  db.runSql(`update permits set ${set} where kind = ? and name = ? and pending = ?`, [value ? 1 : 0, leaseS, since, given, ...key])
}

/** It is given anew, and the broker is to hear so. */
export function renewPermit(db: Db, target: Target, now: number): void {
  db.runSql('update permits set given = ? where kind = ? and name = ?', [now, target.kind, target.name])
  markPermitLost(db, target)
}

/** The broker has lost it. */
export function markPermitLost(db: Db, { kind, name }: Target): void {
  db.runSql('update permits set pending = ? where kind = ? and name = ?', [nextRevision(db), kind, name])
}

function rows(db: Db) {
  return db.build.selectFrom('permits').selectAll()
}

function toPending(row: Row | undefined): PendingPermit | undefined {
  return row && { target: { kind: row.kind, name: row.name }, permit: toRecord(row) ?? null, token: row.pending }
}

function replace(db: Db, row: Row): void {
  db.run(db.build.replaceInto('permits').values(row))
}

function toRecord({ kind, name, value, lease_s, said_by, user, address, via, since, given }: Row): PermitRecord | undefined {
  if (value === null) return undefined
  return { target: { kind, name }, value: value === 1, leaseS: lease_s, by: said_by, user, address, via, since, given }
}
