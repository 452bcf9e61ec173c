// What users do to apps: deploy, start, stop, delete, on a device or a group.

import { parseCompose } from '../protocol/compose/parse.js'
import { type Refusal, SkerryError, unwrap } from '../protocol/errors.js'
import { maxSpecBytes } from '../protocol/messages.js'
import { checkName } from '../protocol/names.js'
import { digestText, packSpec } from '../protocol/spec.js'
import { newEvent } from './core/events.js'
import type { App, Target } from './core/model.js'
import type { Fleet } from './fleet.js'
import * as apps from './store/apps.js'
import { bumpTarget, insertSpec } from './store/outbox.js'

/** As many as a manifest may name. */
const maxAppsOfTarget = 1000

/** Throws `app.unknown`. */
export function findApp(fleet: Fleet, target: Target, name: string): App {
  const app = apps.readApp(fleet.db, target, name)
  if (app !== undefined) return app
  throw new SkerryError('app.unknown', `there is no app ${JSON.stringify(name.slice(0, 64))} on ${target.kind} ${target.name}`)
}

export interface CheckedSpec {
  readonly services: readonly string[]
  readonly warnings: readonly Refusal[]
}

/** Throws `name.invalid`, `spec.too-large`, or every reason that the compose file gives, with its path. */
export function checkDeployment(name: string, compose: string): CheckedSpec {
  unwrap(checkName('app', name))
  if (Buffer.byteLength(compose) > maxSpecBytes) {
    throw new SkerryError('spec.too-large', `the compose file has more than ${maxSpecBytes} bytes`)
  }
  const { project, warnings } = unwrap(parseCompose(compose))
  return { services: Object.keys(project.services), warnings }
}

export interface Deployment {
  readonly target: Target
  readonly name: string
  readonly compose: string
  readonly origin: apps.RevisionRow['origin']
}

export interface Deployed {
  readonly created: boolean
  /** False if exactly this ran already as desired. */
  readonly changed: boolean
  readonly warnings: readonly Refusal[]
}

/** Makes a new revision, unless the text is that of the current one; running from now on. */
export function deployApp(fleet: Fleet, { target, name, compose, origin }: Deployment): Deployed {
  const { services, warnings } = checkDeployment(name, compose)
  const { digest, payload } = packSpec({ compose })
  if (payload.length > maxSpecBytes) throw new SkerryError('spec.too-large', 'the compose file does not compress to the size of a message')
  const current = apps.readApp(fleet.db, target, name)
  if (current !== undefined && current.digest === digestText(digest)) {
    return { created: false, changed: setAppRun(fleet, current, 'running', origin), warnings }
  }
  if (current === undefined && apps.readAppsOf(fleet.db, target).length >= maxAppsOfTarget) {
    throw new SkerryError('request.invalid', `${target.kind} ${target.name} has ${maxAppsOfTarget} apps already`)
  }
  fleet.journal.change(note => {
    insertSpec(fleet.db, { digest: digestText(digest), payload, compose })
    apps.insertRevision(fleet.db, { target, name, digest: digestText(digest), services, origin, at: fleet.clock.now() })
    bumpTarget(fleet.db, target)
    const { revision } = findApp(fleet, target, name)
    const message = `revision ${revision} of ${name} was deployed to ${target.kind} ${target.name}`
    note(newEvent('app.deployed', message, { ...about(target), app: name, data: { revision, digest: digestText(digest), services } }))
  })
  fleet.publisher.wake()
  return { created: current === undefined, changed: true, warnings }
}

/** Returns whether anything changed. */
export function setAppRun(fleet: Fleet, app: App, run: App['run'], origin?: apps.Origin): boolean {
  if (app.run === run) return false
  const { name, target, revision } = app
  fleet.journal.change(note => {
    apps.setRun(fleet.db, app, run, fleet.clock.now())
    bumpTarget(fleet.db, target)
    const verb = run === 'running' ? 'started' : 'stopped'
    const message = `${name} was ${verb} on ${target.kind} ${target.name}`
    note(
      newEvent(`app.${verb}`, message, { ...about(target), app: name, data: origin === undefined ? { revision } : { revision, origin } }),
    )
  })
  fleet.publisher.wake()
  return true
}

export function removeApp(fleet: Fleet, app: App): void {
  const { name, target, revision } = app
  fleet.journal.change(note => {
    apps.deleteApp(fleet.db, app, fleet.clock.now())
    bumpTarget(fleet.db, target)
    note(
      newEvent('app.deleted', `${name} was deleted from ${target.kind} ${target.name}`, {
        ...about(target),
        app: name,
        data: { revision },
      }),
    )
  })
  fleet.publisher.wake()
}

function about({ kind, name }: Target): { device: string } | { group: string } {
  return kind === 'device' ? { device: name } : { group: name }
}
