// How each row of the audit trail is bound to the one before it, and how a trail is found to be broken. Pure.
import { createHash } from 'node:crypto'
import { type AuditHead, type AuditRow, noHead } from '../core/audit.js'

/** The row's hash: its fields in this order as a JSON array, after the hash before. */
export function hashRow(before: Uint8Array, row: Omit<AuditRow, 'hash'>): Uint8Array {
  const { number, at, who, via, from, action, target, outcome, code, count, detail } = row
  const fields = JSON.stringify([number, at, who, via, from, action, target, outcome, code, count, detail])
  return createHash('sha256').update(before).update(fields).digest()
}

export interface AuditFault {
  /** The row where it shows. */
  readonly number: number
  readonly message: string
}

export interface Verification {
  readonly rows: number
  readonly last: AuditHead
  /** The first ones; `broken` counts all. */
  readonly faults: readonly AuditFault[]
  readonly broken: number
}

export const unverified: Verification = { rows: 0, last: noHead, faults: [], broken: 0 }
const maxFaults = 20

/** Takes in the next rows of a trail, by number. After a fault the row's own hash is believed, so that each fault shows once. */
export function verifyRows(before: Verification, rows: readonly AuditRow[]): Verification {
  return rows.reduce(verifyRow, before)
}

function verifyRow(before: Verification, row: AuditRow): Verification {
  const message = faultOf(before.last, row)
  const after = { ...before, rows: before.rows + 1, last: row.number < 1 ? before.last : { number: row.number, hash: row.hash } }
  return message === undefined ? after : withFault(after, { number: row.number, message })
}

function faultOf(last: AuditHead, row: AuditRow): string | undefined {
  const expected = last.number + 1
  if (row.number < expected) return `row ${row.number} was added: the trail has no such number`
  if (row.number > expected) return `${rangeText(expected, row.number - 1)} removed`
  if (equal(hashRow(last.hash, row), row.hash)) return undefined
  const other = last.number === 0 ? '' : `, or row ${last.number} was, together with its hash`
  return `row ${row.number} was changed or added${other}`
}

export interface KeptHead extends AuditHead {
  /** Whether the seal over it is the server's own. */
  readonly sealed: boolean
}

/** Compares what was found with the head that is kept apart from the rows. `undefined`: there is none. */
export function verifyHead(found: Verification, head: KeptHead | undefined): Verification {
  const { last } = found
  const fault = (message: string) => withFault(found, { number: last.number, message })
  if (head === undefined) return found.rows === 0 ? found : fault('the head that names the newest row was removed')
  if (!head.sealed) return fault('the head that names the newest row is not sealed by this server’s key')
  if (head.number > last.number) return fault(`${rangeText(last.number + 1, head.number)} removed`)
  if (head.number < last.number) return fault(`${rangeText(head.number + 1, last.number)} added after the newest one`)
  return equal(head.hash, last.hash) ? found : fault(`row ${last.number} is not the newest one that was written`)
}

/** Compares with a head that somebody noted elsewhere: what came before it is as it was then. `row` is the one of its number, if there is one. */
export function verifyNoted(found: Verification, noted: AuditHead, row: AuditRow | undefined): Verification {
  if (row !== undefined && equal(row.hash, noted.hash)) return found
  const what = row === undefined ? 'is not there' : 'has another hash now: it, or a row before it, was replaced'
  return withFault(found, { number: noted.number, message: `row ${noted.number}, whose hash was noted, ${what}` })
}

function withFault(found: Verification, fault: AuditFault): Verification {
  return { ...found, broken: found.broken + 1, faults: found.faults.length < maxFaults ? [...found.faults, fault] : found.faults }
}

function rangeText(from: number, to: number): string {
  return from === to ? `row ${from} was` : `rows ${from} to ${to} were`
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
