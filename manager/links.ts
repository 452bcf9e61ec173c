// How devices and groups are to use their links: set and cleared by users, and told to agents in their manifests.
import { unwrap } from '../protocol/errors.js'
import { newEvent } from './core/events.js'
import { checkLink, type LinkSetting } from './core/links.js'
import { aboutTarget, type Target } from './core/model.js'
import type { Fleet } from './fleet.js'
import { readMembers } from './store/groups.js'
import { deleteLink, readLink, writeLink } from './store/links.js'
import { bumpTarget } from './store/outbox.js'

/** In place of what was set before. Throws `request.invalid`. */
export function setLink(fleet: Fleet, target: Target, setting: LinkSetting): void {
  unwrap(checkLink(setting))
  if (JSON.stringify(readLink(fleet.db, target)) === JSON.stringify(setting)) return
  change(fleet, target, setting)
}

/** From now on the target says nothing of its link. */
export function clearLink(fleet: Fleet, target: Target): void {
  if (readLink(fleet.db, target) !== undefined) change(fleet, target, null)
}

function change({ db, journal, clock, publisher, accounts }: Fleet, target: Target, setting: LinkSetting | null): void {
  const what = setting === null ? 'is not set any more' : `is used as ${setting.profile}`
  journal.change(note => {
    if (setting === null) deleteLink(db, target)
    else writeLink(db, target, setting, clock.now())
    bumpTarget(db, target)
    note(newEvent('link.changed', `the link of ${target.kind} ${target.name} ${what}`, { ...aboutTarget(target), data: { link: setting } }))
  })
  publisher.wake()
  accounts.reassess(target.kind === 'device' ? [target.name] : readMembers(db, target.name))
}
