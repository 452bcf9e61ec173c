// Whether what a device tells of what runs is news, and whether what is known is what it told last. Pure.
import type { Changes } from '../../protocol/messages/changes.js'
import { type Heartbeat, isFull } from '../../protocol/messages/heartbeat.js'
import type { Reported } from '../../protocol/messages/reported.js'
import { startOf } from '../../protocol/messages/status.js'

/** What is known of a device. */
export interface Known {
  readonly reported: Reported | null
  readonly reportStamp: Uint8Array | null
}

/** How a report came. */
export interface Origin {
  /** Of its message. */
  readonly stamp: Uint8Array
  /** False: the broker had kept it. */
  readonly live: boolean
}

/**
 * Reports are ordered by start and sequence. One that came before is old, but not where it comes live and what is known is in doubt:
 * a device whose state folder went back in time counts anew. Agents of before number no starts: they tell everything each time.
 */
export function judgeReport(
  { reported, reportStamp }: Known,
  next: Reported,
  { stamp, live }: Origin,
  sure: boolean,
): 'news' | 'same' | 'old' {
  if (reported === null) return 'news'
  if (isStamp(reportStamp, stamp)) return 'same'
  if (reported.start === undefined || next.start === undefined || (live && !sure)) return 'news'
  const ahead = next.start - reported.start || next.sequence - reported.sequence
  return ahead >= 0 ? 'news' : 'old'
}

/** Changes count only for whoever has taken in the very message that they follow. */
export function judgeChanges({ reported, reportStamp }: Known, changes: Changes, stamp: Uint8Array): 'news' | 'same' | 'gap' {
  if (reported === null) return 'gap'
  if (isStamp(reportStamp, changes.base)) return 'news'
  return isStamp(reportStamp, stamp) ? 'same' : 'gap'
}

/** Whether the number in a heartbeat is that of this report. */
export function isToldOf(reported: Reported, { start, sequence }: { readonly start: number; readonly sequence: number }): boolean {
  return reported.sequence === sequence && (reported.start ?? start) === start
}

/** What a heartbeat says of what is known. */
export function judgeBeat({ reported }: Known, beat: Heartbeat): 'right' | 'wrong' | 'nothing-told' | 'unsaid' {
  if (!isFull(beat)) return 'unsaid'
  const { epoch, reported: sequence } = beat
  if (sequence === 0) return 'nothing-told'
  return reported !== null && isToldOf(reported, { start: startOf(epoch), sequence }) ? 'right' : 'wrong'
}

/** Whether both were made with the same manifests at hand. */
export function holdsTheSame(one: Reported | null, other: Reported): boolean {
  const held = ({ revision, groups }: Reported) => JSON.stringify([revision, groups])
  return one !== null && held(one) === held(other)
}

function isStamp(one: Uint8Array | null, other: Uint8Array): boolean {
  return one !== null && Buffer.compare(one, other) === 0
}
