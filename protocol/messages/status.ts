// Birth and will: agent → manager, retained.
import { createHash } from 'node:crypto'
import { bytes, encodeMessage, field, flag, list, type Of, oneOf, optional, record, text, uint } from '../shape.js'
import { codec, version } from './message.js'

/** What a device says of itself. Written by the agent. */
export const facts = record({
  name: field(1, text(128)),
  addresses: field(2, list(text(64), 16)),
  os: field(3, text(128)),
  architecture: field(4, text(32)),
  processor: field(5, text(128)),
  cores: field(6, uint(4096)),
  memoryMiB: field(7, uint()),
  /** Empty while the engine does not answer. */
  engineVersion: field(8, text(64)),
  agentVersion: field(9, text(64)),
})
export type Facts = Of<typeof facts>

/** Why a device is offline by its own word: its will (`Disconnected`), a clean stop, or its release from the fleet. */
export const offlineReasons = ['Disconnected', 'Stopped', 'Released'] as const
export type OfflineReason = (typeof offlineReasons)[number]

/** An epoch is the number of the agent's start times this, plus the number of its session in that start. */
export const sessionsPerStart = 0x10000

/** The number of the start that an epoch is of. */
export function startOf(epoch: number): number {
  return Math.floor(epoch / sessionsPerStart)
}

/** Birth (`online`) and death notice. `epoch` grows with each connect; a notice with an older epoch than the newest known says nothing. */
const status = record({
  version: field(0, version),
  epoch: field(1, uint()),
  online: field(2, flag),
  reason: optional(3, oneOf(offlineReasons, 'Disconnected')),
  /** Present in the first birth of an agent's start, and where something of it has changed. */
  facts: optional(4, facts),
  /** Present in births: the interval between heartbeats, in seconds. */
  intervalS: optional(5, uint(86_400)),
  /** Present in births: whether the Docker Engine answers. */
  engine: optional(6, flag),
  /** Present in births that say something anew in their session: their number, counted with those of the full heartbeats. */
  sequence: optional(7, uint()),
  /** In the place of `facts`, where a birth of this start of the agent has had them: which they were. */
  stamp: optional(8, bytes(4, 4)),
})
export type Status = Of<typeof status>

export const statusCodec = codec(status, 8 * 1024)

/** What tells facts from others: the first four bytes of the SHA-256 of their encoded form. */
export function stampOfFacts(told: Facts): Uint8Array {
  return createHash('sha256').update(encodeMessage(facts, told)).digest().subarray(0, 4)
}
