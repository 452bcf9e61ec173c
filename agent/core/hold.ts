// Whether the device may change its containers: by its permits, and by what its owner makes of their absence. Pure.
import type { Hold } from '../../protocol/messages/reported.js'
import type { Permit } from '../../protocol/permit.js'
import type { PermitTopic } from '../../protocol/permit-topics.js'

/** The owner's choice. `required`: nothing is changed without somebody's 1, nor while the broker is away. */
export type PermitMode = 'optional' | 'required'

/** What is known of a permit. */
export interface Standing extends Pick<Permit, 'value' | 'by'> {
  /** Of a 1 with a lease: the monotonic time at which it lapses, ms. */
  readonly untilMs?: number
}

/** A 1 with a lease whose publisher has not been heard. */
export const lapsed = Number.NEGATIVE_INFINITY

/** What a permit that has come makes of the one before. `live`: from its publisher just now, not a copy that the broker has kept. */
export function foldPermit(
  before: Standing | undefined,
  permit: Permit | null,
  { live, nowMs }: { live: boolean; nowMs: number },
): Standing | undefined {
  if (permit === null) return undefined
  const { value, leaseS, by } = permit
  const said = { value, ...(by === undefined ? {} : { by }) }
  if (leaseS === undefined) return said
  // A copy proves nothing about its publisher: what runs here runs on.
  return { ...said, untilMs: live ? nowMs + leaseS * 1000 : (before?.untilMs ?? lapsed) }
}

/** `isGood`: a 1 is not only what was known once; it matters only where the owner wants a permit. */
export interface KnownPermit {
  readonly of: PermitTopic
  readonly standing: Standing | undefined
  readonly isGood: boolean
}

export interface Premises {
  readonly mode: PermitMode
  /** Of the device and of each of its groups; without a standing where none is known. */
  readonly permits: readonly KnownPermit[]
  /** There is a broker that permits could come from, or was a moment ago. */
  readonly isReachable: boolean
  /** Monotonic. */
  readonly nowMs: number
}

/** Why nothing may be changed; undefined if it may. The device's own permit is named first, then groups by name. */
export function judgeHold({ mode, permits, isReachable, nowMs }: Premises): Hold | undefined {
  const ordered = [...permits].sort((one, other) => (orderOf(one.of) < orderOf(other.of) ? -1 : 1))
  for (const { of, standing } of ordered) {
    const why = standing === undefined ? undefined : objection(standing, nowMs)
    if (why === undefined) continue
    const who = standing?.by
    return { by: of.kind, ...(of.kind === 'group' ? { group: of.name } : {}), why, ...(who === undefined ? {} : { who }) }
  }
  if (mode === 'optional') return undefined
  const isGiven = isReachable && permits.some(({ standing, isGood }) => standing !== undefined && isGood)
  return isGiven ? undefined : { by: 'owner', why: 'missing' }
}

/** When the judgement may change though nothing is heard: monotonic ms; undefined: never. */
export function nextLapseMs(standings: readonly Standing[], nowMs: number): number | undefined {
  const ends = standings.flatMap(({ value, untilMs }) => (value && untilMs !== undefined && untilMs > nowMs ? [untilMs] : []))
  return ends.length === 0 ? undefined : Math.min(...ends)
}

export function describeHold({ by, group, why, who }: Hold): string {
  if (by === 'owner') return 'the device is held: its owner wants a permit, and none is given'
  const whose = by === 'group' ? `the permit of group ${group ?? ''}` : "the device's permit"
  const what = why === 'lapsed' ? 'has lapsed' : 'is 0'
  return `the device is held: ${whose} ${what}${who === undefined ? '' : ` (${who})`}`
}

function objection({ value, untilMs }: Standing, nowMs: number): 'withheld' | 'lapsed' | undefined {
  if (!value) return 'withheld'
  return untilMs !== undefined && untilMs <= nowMs ? 'lapsed' : undefined
}

function orderOf({ kind, name }: PermitTopic): string {
  return `${kind === 'device' ? 0 : 1}${name}`
}
