// Wishes of users for an app that runs already: newer images under the same tags, another policy.
import { SkerryError } from '../protocol/errors.js'
import type { Policy } from '../protocol/messages/manifest.js'
import { newEvent } from './core/events.js'
import { type App, aboutTarget } from './core/model.js'
import { nextRefresh } from './core/wishes.js'
import type { Fleet } from './fleet.js'
import { checkStoredImages } from './images.js'
import { appOnDevices } from './queries.js'
import * as apps from './store/apps.js'
import { nextRevision } from './store/meta.js'
import { bumpApp } from './store/outbox.js'

/** Lets devices pull the images of the services (none: of all) anew. Throws `service.unknown`. */
export function updateApp(fleet: Fleet, app: App, services: readonly string[]): void {
  const { name, target } = app
  const strange = services.find(service => !app.services.includes(service))
  if (strange !== undefined) {
    const message = `app ${name} has no service ${JSON.stringify(strange.slice(0, 80))}: it has ${app.services.join(', ')}`
    throw new SkerryError('service.unknown', message)
  }
  checkStoredImages(fleet, app, app.digest)
  const done = appOnDevices(fleet, app).every(({ on }) => (on.refreshed ?? 0) >= (app.refresh?.generation ?? 0))
  fleet.journal.change(note => {
    const refresh = nextRefresh(app.refresh, done, nextRevision(fleet.db), services)
    apps.setRefresh(fleet.db, app, refresh, fleet.clock.now())
    bumpApp(fleet.db, target, name)
    const what = services.length === 0 ? 'all services' : services.join(', ')
    const message = `${name} on ${target.kind} ${target.name} is to get newer images: ${what}`
    note(newEvent('app.updated', message, { ...aboutTarget(target), app: name, data: { ...refresh } }))
  })
  fleet.publisher.wake()
}

/** Returns whether anything changed. */
export function setAppPolicy(fleet: Fleet, app: App, policy: Policy): boolean {
  if (JSON.stringify(policy) === JSON.stringify(app.policy)) return false
  const { name, target } = app
  fleet.journal.change(note => {
    apps.setPolicy(fleet.db, app, policy, fleet.clock.now())
    bumpApp(fleet.db, target, name)
    const message = `the policy of ${name} on ${target.kind} ${target.name} was changed`
    note(newEvent('app.changed', message, { ...aboutTarget(target), app: name, data: { policy } }))
  })
  fleet.publisher.wake()
  return true
}
