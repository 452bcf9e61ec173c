// Who may come to the broker: devices by their keys, people and programs by whoever keeps them.

import type { Access, Groups, Notice } from '../protocol/access.js'
import type { Audit } from './audit/audit.js'
import { type Claims, recordNotice } from './audit/notices.js'
import { newEvent } from './core/events.js'
import type { Keys } from './identity/keys.js'
import type { Journal } from './journal.js'
import type { Db } from './store/db.js'
import { readMemberships } from './store/groups.js'

/** What people and programs are asked for. */
export type People = Pick<Access, 'logIn' | 'user' | 'onChange'>

export interface AccessOptions {
  readonly db: Db
  readonly keys: Keys
  readonly journal: Journal
  readonly audit: Audit
  readonly people: People
}

export function openAccess({ db, keys, journal, audit, people }: AccessOptions): Access {
  const groupsOf = followGroups(db, journal)
  const claims: Claims = name => (people.user(name) !== undefined ? 'users' : keys.of(name) === undefined ? undefined : 'devices')
  return {
    device: (id, key) => keys.check(id, key),
    leaving: (id, key) => keys.isLeaving(id, key),
    groupsOf,
    logIn: (name, password, address) => people.logIn(name, password, address),
    user: name => people.user(name),
    onChange(listener) {
      const stops = [keys.onChange(listener), people.onChange(listener)]
      return () => stops.forEach(stop => void stop())
    },
    note(notice) {
      recordNotice(audit, notice, claims)
      noteNotice(journal, notice)
    },
  }
}

/** Each device's groups, read again when any has changed. */
function followGroups(db: Db, journal: Journal): (device: string) => Groups {
  let memberships: Map<string, Set<string>> | undefined
  journal.subscribe(events => {
    if (events.some(({ type }) => type.startsWith('group.') || type === 'device.released')) memberships = undefined
  })
  const read = () => new Map([...readMemberships(db)].map(([device, groups]) => [device, new Set(groups)]))
  return device => ({
    has(group) {
      memberships ??= read()
      return memberships.get(device)?.has(group) === true
    },
  })
}

function noteNotice(journal: Journal, notice: Notice): void {
  if (notice.kind !== 'identity.conflict') return
  const { device, addresses } = notice
  const [holder, other] = addresses
  const message = `two devices use the identity of ${device}: the one at ${holder} stays, the one at ${other} was turned away`
  journal.note(newEvent('device.conflict', message, { device, data: { holder, other } }))
}
