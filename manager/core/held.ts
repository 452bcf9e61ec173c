// Permits as they were given, and what follows from them for a device: by whom it is held, and since when. Pure.
import type { Hold } from '../../protocol/messages/reported.js'
import type { Permit } from '../../protocol/permit.js'
import { type NewEvent, newEvent } from './events.js'
import { aboutTarget, type Device, type Target } from './model.js'

/** The last word on a target's permit. */
export interface PermitRecord {
  readonly target: Target
  readonly value: boolean
  readonly leaseS: number | null
  /** In the giver's own words. */
  readonly by: string | null
  /** Who that is to the broker or the API, and from where; null if nobody could tell. */
  readonly user: string | null
  readonly address: string | null
  /** `http`: through the manager, which keeps it at the broker. `mqtt`: its giver does. */
  readonly via: 'http' | 'mqtt'
  /** Wall clock, ms: since when the value has been so. */
  readonly since: number
  /** Wall clock, ms: when the manager was given it. A lease counts from then. */
  readonly given: number
}

/** A device that changes no container, as people are told. */
export interface Held extends Pick<Hold, 'by' | 'why'> {
  readonly group: string | null
  readonly who: string | null
  /** Wall clock, ms. */
  readonly since: number
}

/** Null while it may do what is desired. */
export function heldOf({ reported, heldSince, since }: Device, permits: readonly PermitRecord[]): Held | null {
  const hold = reported?.hold
  if (hold === undefined) return null
  const { by, group, why, who } = hold
  const record = permits.find(permit => isCauseOf(permit, hold))
  return { by, group: group ?? null, why, who: (record && whoGave(record)) ?? who ?? null, since: heldSince ?? since }
}

/** Not what was said since the device has told of its hold. */
function isCauseOf({ target, value, leaseS }: PermitRecord, { by, group, why }: Hold): boolean {
  const isWhose = target.kind === by && (by === 'device' || target.name === group)
  return isWhose && (why === 'lapsed' ? value && leaseS !== null : why === 'withheld' && !value)
}

function whoGave({ by, user, address }: PermitRecord): string | null {
  return by ?? user ?? address
}

/** What holds of it by now: of a lease what is left, and a 0 once it is over, which holds whoever it held. */
export function permitAt({ value, leaseS, by, given }: PermitRecord, now: number): Permit {
  // A clock that was set back proves nothing: the lease is shorter then, and never begins anew.
  const goneS = Math.abs(now - given) / 1000
  const leftS = leaseS === null || goneS < 1 ? leaseS : Math.floor(leaseS - goneS)
  const isOver = leftS !== null && leftS < 1
  return { value: value && !isOver, ...(leftS === null || isOver ? {} : { leaseS: leftS }), ...(by === null ? {} : { by }) }
}

/** The record of what holds by now; the same one while that is what was given. */
export function recordAt(record: PermitRecord, now: number): PermitRecord {
  const permit = permitAt(record, now)
  if (!isOther(record, permit)) return record
  const since = permit.value === record.value ? record.since : now
  return { ...record, value: permit.value, leaseS: permit.leaseS ?? null, since, given: now }
}

/** Whether what was said last says something else than the record. */
export function isOther(record: PermitRecord | undefined, said: Permit | null): boolean {
  if (record === undefined || said === null) return record !== undefined || said !== null
  return record.value !== said.value || record.leaseS !== (said.leaseS ?? null) || record.by !== (said.by ?? null)
}

export function permitEvent(target: Target, record: PermitRecord | null): NewEvent {
  const whose = `${target.kind} ${target.name}`
  if (record === null)
    return newEvent('permit.changed', `no permit is asked for of ${whose} any more`, { ...aboutTarget(target), data: { value: null } })
  const { value, leaseS, by, user, address } = record
  const lease = leaseS === null ? '' : ` for ${leaseS} s at a time`
  const who = whoGave(record)
  const message = `the permit of ${whose} is ${value ? 1 : 0}${lease}${who === null ? '' : `, by ${who}`}`
  return newEvent('permit.changed', message, { ...aboutTarget(target), data: { value, leaseS, by, user, address } })
}

/** Undefined while the same holds the device, or nothing does, and where a hold only has its date by now. */
export function holdEvent(device: string, before: Hold | undefined, after: Hold | undefined): NewEvent | undefined {
  if (isSameHold(before, after) || isDated(before, after)) return undefined
  if (after === undefined) return newEvent('device.freed', `${device} may change its containers again`, { device })
  const { by, group, why, who } = after
  const whose = by === 'owner' ? 'its owner, who wants a permit' : by === 'group' ? `the permit of group ${group}` : 'its own permit'
  const message = `${device} is held by ${whose}: it is ${why}${who === undefined ? '' : ` (${who})`}`
  return newEvent('device.held', message, { device, data: { by, group: group ?? null, why, who: who ?? null } })
}

/** The device's clock has been set. */
function isDated(before: Hold | undefined, after: Hold | undefined): boolean {
  if (before === undefined || before.since !== undefined || after?.since === undefined) return false
  return isSameHold({ ...before, since: after.since }, after)
}

/** A device that goes from one holder to another, or is held for another reason, is held anew. */
export function isSameHold(one: Hold | undefined, other: Hold | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.by === other.by && one.group === other.group && one.why === other.why && one.who === other.who && one.since === other.since
}
