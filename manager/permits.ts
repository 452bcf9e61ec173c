// What users and programs do to permits: given over the API, or heard at the broker and kept in mind.
import { SkerryError } from '../protocol/errors.js'
import type { Permit } from '../protocol/permit.js'
import { isOther, type PermitRecord, permitEvent } from './core/held.js'
import type { Target } from './core/model.js'
import type { Fleet } from './fleet.js'
import { findGroup } from './groups.js'
import * as store from './store/permits.js'

/** Who gives a permit, by which way; `tell`: the broker has to hear of it from the manager. */
export interface Giver extends Pick<PermitRecord, 'user' | 'address' | 'via'> {
  readonly tell?: boolean
}

/**
 * Gives a permit in a user's name, or takes it back; the manager publishes it. Throws `broker.unavailable` while it cannot: what is said now
 * must not come behind what others will have said by then.
 */
export function givePermit(fleet: Fleet, target: Target, said: Permit | null, giver: Pick<Giver, 'user' | 'address'>): boolean {
  if (!fleet.permits.isUp) throw new SkerryError('broker.unavailable', 'the broker is away: the permit is as it was')
  const by = said?.by ?? giver.user
  const changed = recordPermit(fleet, target, said && { ...said, ...(by === null ? {} : { by }) }, { ...giver, via: 'http', tell: true })
  // A lease counts anew from each time that it is given.
  if (!changed && said !== null) fleet.journal.change(() => store.renewPermit(fleet.db, target, fleet.clock.now()))
  fleet.permits.wake()
  return changed
}

/** Keeps in mind what somebody has said; false if it was so already. */
export function recordPermit({ db, journal, clock }: Fleet, target: Target, said: Permit | null, giver: Giver): boolean {
  const before = store.readPermit(db, target)
  const { tell = false, ...from } = giver
  const isSameGiver = before === undefined || from.user === null || before.user === from.user
  if (!isOther(before, said) && isSameGiver) return false
  journal.change(note => {
    if (said === null) {
      store.deletePermit(db, target, tell)
      note(permitEvent(target, null))
      return
    }
    const { value, leaseS = null, by = null } = said
    const now = clock.now()
    const since = before?.value === value ? before.since : now
    const record = { target, value, leaseS, by, ...from, since, given: now }
    store.writePermit(db, record, tell)
    note(permitEvent(target, record))
  })
  return true
}

/** Throws `group.unknown`, or `device.unknown`: of a device, the id alone is heard by it. */
export function checkPermitTarget(fleet: Fleet, { kind, name }: Target): void {
  if (kind === 'group') return void findGroup(fleet, name)
  if (fleet.inventory.devices.has(name)) return
  throw new SkerryError('device.unknown', `there is no device of the id ${name}: its name cannot be used here`)
}
