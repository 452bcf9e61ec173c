// The count that a device keeps of its bytes: which one it is, what it had when the agent started, and when it is told.
import type { Link } from '../../protocol/messages/link.js'
import { noTraffic, trafficShape } from '../../protocol/messages/usage.js'
import { bytes, decodeMessage, encodeMessage, field, flag, type Of, optional, record, uint } from '../../protocol/shape.js'

const count = record({
  number: field(1, uint()),
  /** The manager that it belongs to: another one would take what was there before it for new. Absent before the first manifest. */
  instance: optional(2, bytes(8, 8)),
  traffic: field(3, trafficShape),
  /** All that was in it when it was last told. */
  toldBytes: field(4, uint(Number.MAX_SAFE_INTEGER)),
  /** The manager may know of more than is here: who goes on from here tells what counts for nothing. */
  behind: optional(5, flag),
  /** So long agents have run since it was last told. */
  untoldMs: optional(6, uint(Number.MAX_SAFE_INTEGER)),
})
/** As it is kept on disk. */
export type Count = Of<typeof count>

const maxBytes = 1024

function beginCount(number: number, instance: Uint8Array | undefined): Count {
  return { number, traffic: noTraffic, toldBytes: 0, ...(instance === undefined ? {} : { instance }) }
}

/** The count that goes on with this manager: the same one, unless it belongs to another or is behind. `number` is that of a new one. */
export function countFor(held: Count | undefined, instance: Uint8Array | undefined, number: number): Count {
  if (held === undefined || held.behind === true) return beginCount(number, instance)
  if (instance === undefined) return held
  if (held.instance === undefined) return { ...held, instance }
  return Buffer.compare(held.instance, instance) === 0 ? held : beginCount(number, instance)
}

export function encodeCount(value: Count): Buffer {
  return encodeMessage(count, value)
}

export function decodeCount(payload: Uint8Array): Count | undefined {
  const decoded = decodeMessage(count, payload, maxBytes)
  return decoded.ok ? decoded.value : undefined
}

export interface Since {
  readonly ms: number
  readonly bytes: number
}

/** So much used, it is told before its time: a budget of 100 KB must not be spent unseen. An account costs 250 bytes, so 1.5 % of it. */
const surge: Since = { ms: 60_000, bytes: 16 * 1024 }
/** Less than this may be lost when the agent is killed: a disk is not written to for each heartbeat. */
const unsaved: Since = { ms: 600_000, bytes: 64 * 1024 }
const firstSaveMs = 60_000

/** `since` it was last told. */
export function isTellingDue(since: Since, { usageS }: Pick<Link, 'usageS'>): boolean {
  return since.ms >= usageS * 1000 || (since.ms >= surge.ms && since.bytes >= surge.bytes)
}

/** `since` all was told or on disk, `upMs` after the start: of a short run half is kept. */
export function isSavingDue(since: Since, upMs: number): boolean {
  const dueMs = Math.min(unsaved.ms, Math.max(firstSaveMs, upMs))
  return since.bytes >= unsaved.bytes || (since.ms >= dueMs && since.bytes > 0)
}

/** `since` it was last told. More often than a disk should be written to: what is there is behind, and what is lost with it was told. */
export function isToldOften(since: Since): boolean {
  return since.ms < unsaved.ms
}
