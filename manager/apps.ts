// What users do to apps: deploy, start, stop, delete, on a device or a group.

import type { Bundle, Spec } from '../protocol/bundle.js'
import { type Refusal, SkerryError, unwrap } from '../protocol/errors.js'
import type { Purge } from '../protocol/messages/manifest.js'
import { digestText, openFile, openSpec } from '../protocol/spec.js'
import { newEvent } from './core/events.js'
import { type App, aboutTarget, type Target, titleOf } from './core/model.js'
import { type PolicyPatch, patchPolicy } from './core/wishes.js'
import type { Fleet } from './fleet.js'
import { checkImages, checkStoredImages } from './images.js'
import { checkDeployment, contentsOf, pack } from './specs.js'
import * as apps from './store/apps.js'
import { bumpApp, bumpTarget, hasBody, insertBody, insertSpecFiles, readBody } from './store/outbox.js'
import { deletePurge, insertPurge } from './store/purges.js'
import { checkNaming, giveName, type Naming, nameRevision } from './versions.js'
import { setAppPolicy } from './wishes.js'

/** As many as a manifest may name. */
const maxAppsOfTarget = 1000

/** Throws `app.unknown`. */
export function findApp(fleet: Fleet, target: Target, name: string): App {
  const app = apps.readApp(fleet.db, target, name)
  if (app !== undefined) return app
  throw new SkerryError('app.unknown', `there is no app ${JSON.stringify(name.slice(0, 64))} on ${target.kind} ${target.name}`)
}

export interface Deployment {
  readonly target: Target
  readonly name: string
  readonly bundle: Bundle
  readonly origin: apps.RevisionRow['origin']
  readonly policy: PolicyPatch
  /** The name that the text is to have. */
  readonly version?: Naming
}

export interface Deployed {
  readonly created: boolean
  /** False if exactly this ran already as desired. */
  readonly changed: boolean
  readonly warnings: readonly Refusal[]
}

/** What is to be deployed, checked and packed. Throws what {@link deployApp} throws, and changes nothing. */
export function checkDeploy(fleet: Fleet, { target, name, bundle, version }: Pick<Deployment, 'target' | 'name' | 'bundle' | 'version'>) {
  const { spec, services, images, warnings } = checkDeployment(name, bundle)
  checkImages(fleet, target, images)
  const body = pack(spec)
  const current = apps.readApp(fleet.db, target, name)
  if (version !== undefined) checkNaming(fleet, current, version, body.digest)
  return { spec, body, services, warnings, current }
}

/** Makes a new revision, unless everything is as in the current one; running from now on. */
export function deployApp(fleet: Fleet, deployment: Deployment): Deployed {
  const { target, name, bundle, origin, policy: patch, version } = deployment
  const { spec, body, services, warnings, current } = checkDeploy(fleet, deployment)
  const { digest } = body
  const policy = patchPolicy(current?.policy ?? {}, patch)
  if (current !== undefined && current.digest === digest) {
    const changes = [
      setAppPolicy(fleet, current, policy),
      version !== undefined && nameRevision(fleet, current, { ...version, revision: current.revision }, origin),
      setAppRun(fleet, current, 'running', origin),
    ]
    return { created: false, changed: changes.includes(true), warnings }
  }
  if (current === undefined && apps.readAppsOf(fleet.db, target).length >= maxAppsOfTarget) {
    throw new SkerryError('request.invalid', `${target.kind} ${target.name} has ${maxAppsOfTarget} apps already`)
  }
  const files = contentsOf(spec, bundle)
  const news = [...files].filter(([file]) => !hasBody(fleet.db, file)).map(([, contents]) => pack(contents))
  fleet.journal.change(note => {
    for (const each of [body, ...news]) insertBody(fleet.db, each)
    insertSpecFiles(fleet.db, digest, [...files.keys()])
    apps.insertRevision(fleet.db, { target, name, digest, services, origin, policy, at: fleet.clock.now() })
    deletePurge(fleet.db, target, name)
    bumpApp(fleet.db, target, name)
    const made = findApp(fleet, target, name)
    const { revision } = made
    if (version !== undefined) giveName(fleet, made, { name: version.name, revision, digest, origin }, note)
    const deployed = findApp(fleet, target, name)
    const message = `${titleOf(deployed)} was deployed to ${target.kind} ${target.name}`
    const data = { revision, version: deployed.version, digest, services }
    note(newEvent('app.deployed', message, { ...aboutTarget(target), app: name, data }))
  })
  fleet.publisher.wake()
  return { created: current === undefined, changed: true, warnings }
}

export interface ShownSpec extends Spec {
  readonly row: apps.RevisionRow
}

/** A revision with its spec. Throws `revision.unknown`. */
export function findRevision(fleet: Fleet, app: App, revision: number): ShownSpec {
  const found = apps.readRevision(fleet.db, app, revision)
  if (found === undefined) throw new SkerryError('revision.unknown', `${app.name} has no revision ${revision}`)
  const { payload, ...row } = found
  return { ...unwrap(openSpec(payload, Buffer.from(row.digest, 'base64url'))), row }
}

/** A file's contents. Throws `file.unknown`. */
export function readFileOf(fleet: Fleet, { row, files = [] }: ShownSpec, path: string): Uint8Array {
  const file = files.find(each => each.path === path)
  const payload = file && readBody(fleet.db, digestText(file.digest))
  if (file === undefined || payload === undefined)
    throw new SkerryError('file.unknown', `revision ${row.revision} has no file ${JSON.stringify(path.slice(0, 200))}`)
  return unwrap(openFile(payload, file.digest))
}

/** Returns whether anything changed. */
export function setAppRun(fleet: Fleet, app: App, run: App['run'], origin?: apps.Origin): boolean {
  if (app.run === run) return false
  const { name, target, revision } = app
  if (run === 'running') checkStoredImages(fleet, app, app.digest)
  fleet.journal.change(note => {
    apps.setRun(fleet.db, app, run, fleet.clock.now())
    bumpApp(fleet.db, target, name)
    const verb = run === 'running' ? 'started' : 'stopped'
    const message = `${name} was ${verb} on ${target.kind} ${target.name}`
    note(
      newEvent(`app.${verb}`, message, {
        ...aboutTarget(target),
        app: name,
        data: origin === undefined ? { revision } : { revision, origin },
      }),
    )
  })
  fleet.publisher.wake()
  return true
}

/** What goes with the app beyond its containers and networks, where nothing else uses it. */
export type Extras = Omit<Purge, 'name'>

export function removeApp(fleet: Fleet, app: App, extras: Extras = {}): void {
  const { name, target, revision } = app
  const { volumes = false, images = false } = extras
  fleet.journal.change(note => {
    apps.deleteApp(fleet.db, app, fleet.clock.now())
    if (volumes || images) insertPurge(fleet.db, target, { name, volumes, images })
    bumpTarget(fleet.db, target)
    note(
      newEvent('app.deleted', `${name} was deleted from ${target.kind} ${target.name}`, {
        ...aboutTarget(target),
        app: name,
        data: { revision, volumes, images },
      }),
    )
  })
  fleet.publisher.wake()
}
