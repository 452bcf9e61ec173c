// Permits, and what is held for want of one, as people read them.
import type { Held, Permit } from '../api/permits.js'
import { ageOf, clean } from '../table.js'

export function formatPermit(permit: Permit | null, now: number): string | undefined {
  if (permit === null) return undefined
  const { value, leaseS, since } = permit
  const who = permit.by ?? permit.user ?? permit.address
  const lease = leaseS === null ? '' : `, for ${leaseS} s at a time`
  return `${value ? 'allows' : 'holds'}${lease}${who === null ? '' : `, by ${clean(who)}`}, for ${ageOf(since, now)}`
}

export function formatHeld({ by, group, why, who, since }: Held, now: number): string {
  const whose = by === 'owner' ? 'its owner, who wants a permit' : by === 'group' ? `the permit of group ${group}` : 'its own permit'
  return `by ${whose} (${why}${who === null ? '' : `, ${clean(who)}`}) for ${ageOf(since, now)}`
}
