// Going back to a stored revision: a new revision with the spec of an old one.
import { SkerryError } from '../protocol/errors.js'
import { findApp } from './apps.js'
import { newEvent } from './core/events.js'
import { type App, aboutTarget, titleOf } from './core/model.js'
import type { Fleet } from './fleet.js'
import { checkStoredImages } from './images.js'
import { insertRevision, type Origin, readSpecOf, setRun } from './store/apps.js'
import { bumpApp } from './store/outbox.js'

/** What to switch to; undefined if that is current. Throws `revision.unknown`, or `image.denied` with every image. */
export function checkSwitch(fleet: Fleet, app: App, revision: number): ReturnType<typeof readSpecOf> {
  const found = readSpecOf(fleet.db, app, revision)
  if (found === undefined)
    throw new SkerryError('revision.unknown', `${app.name} has no revision ${revision === 0 ? 'before 1' : revision}`)
  if (found.digest === app.digest) return undefined
  checkStoredImages(fleet, app, found.digest)
  return found
}

/**
 * Makes a stored revision, or the one before the current one, current again; what runs keeps running, what is stopped stays
 * so. Returns whether anything changed: the current spec again is no change. Throws what {@link checkSwitch} throws.
 */
export function switchRevision(fleet: Fleet, app: App, wanted: number | 'previous', origin: Origin): boolean {
  const { db, journal, clock, publisher } = fleet
  const { name, target, run, policy } = app
  const number = wanted === 'previous' ? app.revision - 1 : wanted
  const found = checkSwitch(fleet, app, number)
  if (found === undefined) return false
  const { version, ...spec } = found
  journal.change(note => {
    const at = clock.now()
    insertRevision(db, { target, name, ...spec, origin, policy, at })
    const { revision, ...made } = findApp(fleet, target, name)
    if (made.run !== run) setRun(db, app, run, at)
    bumpApp(db, target, name)
    const message = `${titleOf({ name, revision, version })}, which is revision ${number} again, was deployed to ${target.kind} ${target.name}`
    note(newEvent('app.deployed', message, { ...aboutTarget(target), app: name, data: { revision, version, from: number, ...spec } }))
  })
  publisher.wake()
  return true
}
