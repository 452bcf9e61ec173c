// Names for revisions of an app, such as 1.4.0: given, moved, taken away, and made current again.
import { SkerryError, unwrap } from '../protocol/errors.js'
import { checkName } from '../protocol/names.js'
import { newEvent } from './core/events.js'
import { type App, aboutTarget } from './core/model.js'
import type { Fleet } from './fleet.js'
import type { Note } from './journal.js'
import { checkSwitch, switchRevision } from './revisions.js'
import { type Origin, readSpecOf } from './store/apps.js'
import { countVersions, deleteVersion, putVersion, readVersion, type VersionRow } from './store/versions.js'

/** A name as somebody wants to give it. */
export interface Naming {
  readonly name: string
  /** It may be taken from another text. */
  readonly move?: boolean
}

/** As many as an app may have. */
const maxVersions = 10_000

/** Throws `version.unknown`. */
export function findVersion({ db }: Fleet, app: App, name: string): VersionRow {
  const found = readVersion(db, app, name)
  if (found !== undefined) return found
  throw new SkerryError('version.unknown', `${app.name} has no version ${JSON.stringify(name.slice(0, 64))}`)
}

/** Throws `name.invalid`, or `version.exists` if it is the name of another text and is not to be moved. */
export function checkNaming({ db }: Fleet, app: App | undefined, { name, move = false }: Naming, digest: string): void {
  unwrap(checkName('version', name))
  if (app === undefined) return
  const known = readVersion(db, app, name)
  if (known === undefined && countVersions(db, app) >= maxVersions) {
    throw new SkerryError('request.invalid', `${app.name} has ${maxVersions} versions already`)
  }
  if (known === undefined || known.digest === digest || move) return
  throw new SkerryError('version.exists', `${name} is revision ${known.revision} of ${app.name}: choose another name, or move it`)
}

/** Gives a stored revision a name. Returns whether anything changed. Throws `revision.unknown`, and what {@link checkNaming} throws. */
export function nameRevision(fleet: Fleet, app: App, naming: Naming & { readonly revision: number }, origin: Origin): boolean {
  const { name, revision } = naming
  const spec = readSpecOf(fleet.db, app, revision)
  if (spec === undefined) throw new SkerryError('revision.unknown', `${app.name} has no revision ${revision}`)
  checkNaming(fleet, app, naming, spec.digest)
  if (readVersion(fleet.db, app, name)?.digest === spec.digest && spec.version === name) return false
  fleet.journal.change(note => giveName(fleet, app, { name, revision, digest: spec.digest, origin }, note))
  return true
}

/** Within a change. The same text under the name already: the name is only the one that is shown again. */
export function giveName(fleet: Fleet, app: App, wanted: Omit<VersionRow, 'createdAt'>, note: Note): void {
  const known = readVersion(fleet.db, app, wanted.name)
  const isMoved = known !== undefined && known.digest !== wanted.digest
  const given = known === undefined || isMoved ? { ...wanted, createdAt: fleet.clock.now() } : known
  putVersion(fleet.db, app, given)
  const before = isMoved ? `, it was ${known.revision}` : ''
  const message = `${given.name} is revision ${given.revision} of ${app.name} on ${app.target.kind} ${app.target.name}${before}`
  const data = { version: given.name, revision: given.revision, ...(isMoved ? { before: known.revision } : {}) }
  note(newEvent('version.set', message, { ...aboutTarget(app.target), app: app.name, data }))
}

/** Makes the revision of that name current again. Returns whether anything changed. Throws `version.unknown` or `image.denied`. */
export function switchVersion(fleet: Fleet, app: App, name: string, origin: Origin): boolean {
  const version = findVersion(fleet, app, name)
  // What is refused leaves the name that is shown as it is.
  checkSwitch(fleet, app, version.revision)
  const isShownNow = nameRevision(fleet, app, version, origin)
  return switchRevision(fleet, app, version.revision, origin) || isShownNow
}

/** Its revision stays. Throws `version.unknown`. */
export function removeVersion(fleet: Fleet, app: App, name: string): void {
  const { revision } = findVersion(fleet, app, name)
  fleet.journal.change(note => {
    deleteVersion(fleet.db, app, name)
    const message = `revision ${revision} of ${app.name} on ${app.target.kind} ${app.target.name} is ${name} no longer`
    note(newEvent('version.deleted', message, { ...aboutTarget(app.target), app: app.name, data: { version: name, revision } }))
  })
}
