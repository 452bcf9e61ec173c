// What the broker still has to be told: derived from what is desired and what it has acknowledged, so nothing is forgotten by a crash.
import type { Link } from '../../protocol/messages/link.js'
import { linkOf } from '../core/links.js'
import type { Addressee, DesiredTarget, Target } from '../core/model.js'
import { readAppsOf, setManifest } from './apps.js'
import type { Db } from './db.js'
import { readGroupsOf } from './groups.js'
import { readImageList, wholeFleet } from './image-lists.js'
import { readLink } from './links.js'
import { nextRevision } from './meta.js'
import { readPurges } from './purges.js'
import { readSlow } from './usage.js'

export interface TargetRow extends Addressee {
  readonly revision: number
  /** The newest revision that the broker acknowledged. */
  readonly published: number
}

const fleetTarget = { kind: 'fleet', name: '' } as const
/** The chain of signing keys; its revision is the number of the newest key. */
const keysTarget = { kind: 'keys', name: '' } as const

/** Gives a target a new revision, to be published. Returns it. Call it in the transaction of the change. */
export function bumpTarget(db: Db, { kind, name }: Addressee): number {
  const revision = nextRevision(db)
  db.runSql(
    `insert into targets (kind, name, revision, published, gone) values (?, ?, ?, 0, 0)
     on conflict (kind, name) do update set revision = excluded.revision, gone = 0`,
    [kind, name, revision],
  )
  return revision
}

/** The same where something else is desired of one of its apps. */
export function bumpApp(db: Db, target: Target, app: string): void {
  setManifest(db, target, app, bumpTarget(db, target))
}

/** What holds for every device has changed. From the first time on, devices do nothing without it. Call it in the transaction of the change. */
export function bumpFleet(db: Db): void {
  const isFirst = !hasFleet(db)
  bumpTarget(db, fleetTarget)
  if (!isFirst) return
  for (const target of db.all(targets(db).where('kind', '=', 'device').where('gone', '=', 0))) bumpTarget(db, target)
}

function hasFleet(db: Db): boolean {
  return readTarget(db, fleetTarget) !== undefined
}

/** There is a new signing key: the chain is to be published, then everything once more, as it is but signed anew. */
export function renewSignatures(db: Db, number: number): void {
  const { kind, name } = keysTarget
  db.runSql('update targets set published = 0', [])
  db.runSql(
    `insert into targets (kind, name, revision, published, gone) values (?, ?, ?, 0, 0)
     on conflict (kind, name) do update set revision = excluded.revision`,
    [kind, name, number],
  )
}

/** The target is no more: its topic will be cleared. */
export function dropTarget(db: Db, { kind, name }: Addressee): void {
  db.runSql('update targets set gone = 1 where kind = ? and name = ?', [kind, name])
}

export function forgetTarget(db: Db, { kind, name }: Addressee): void {
  db.runSql('delete from targets where kind = ? and name = ? and gone = 1', [kind, name])
}

export function readTarget(db: Db, { kind, name }: Addressee): TargetRow | undefined {
  return db.first(targets(db).where('kind', '=', kind).where('name', '=', name).where('gone', '=', 0))
}

/** All targets, or those of some devices and groups and the fleet's. */
export function readTargets(db: Db, devices?: readonly string[], groups?: readonly string[]): TargetRow[] {
  const all = targets(db).where('gone', '=', 0)
  if (devices === undefined || groups === undefined) return db.all(all)
  const ofDevices = db.all(all.where('kind', '=', 'device').where('name', 'in', [...devices]))
  const ofAll = db.all(all.where('kind', '=', 'fleet'))
  return [...ofDevices, ...db.all(all.where('kind', '=', 'group').where('name', 'in', [...groups])), ...ofAll]
}

/** Targets whose newest revision the broker has not acknowledged, oldest revision first; the keys alone before all that they sign. */
export function readPending(db: Db, limit: number): TargetRow[] {
  const pending = targets(db).where('gone', '=', 0).whereRef('published', '<', 'revision').orderBy('revision').limit(limit)
  const keys = db.all(pending.where('kind', '=', 'keys'))
  return keys.length > 0 ? keys : db.all(pending)
}

export function readGone(db: Db, limit: number): TargetRow[] {
  return db.all(targets(db).where('gone', '=', 1).limit(limit))
}

/** Targets that the broker should have in full. */
export function readPublished(db: Db): TargetRow[] {
  return db.all(targets(db).where('gone', '=', 0).whereRef('published', '=', 'revision'))
}

export function markPublished(db: Db, { kind, name }: Addressee, revision: number): void {
  db.runSql('update targets set published = ? where kind = ? and name = ? and published < ?', [revision, kind, name, revision])
}

/** The broker has lost a target's manifest. No effect if a newer one was published meanwhile. */
export function markLost(db: Db, { kind, name }: Addressee, revision: number): void {
  db.runSql('update targets set published = 0 where kind = ? and name = ? and published = ?', [kind, name, revision])
}

/** What a target's manifest is made of, now. */
export function readDesired(db: Db, target: TargetRow): DesiredTarget {
  const { kind, name, revision } = target
  const nothing = {
    groups: [],
    intervalS: null,
    epochFloor: null,
    release: null,
    givenName: null,
    labels: {},
    images: null,
    link: null,
    slow: null,
    fleet: false,
  }
  if (kind === 'fleet' || kind === 'keys') {
    const images = kind === 'fleet' ? (readImageList(db, wholeFleet) ?? null) : null
    return { target: { kind, name }, revision, apps: [], purges: [], ...nothing, images }
  }
  const common = {
    target: { kind, name },
    revision,
    apps: readAppsOf(db, { kind, name }),
    purges: readPurges(db, { kind, name }),
    ...nothing,
    link: linkFor(db, { kind, name }),
  }
  if (kind === 'group') return { ...common, images: readImageList(db, { kind, name }) ?? null }
  const device = db.first(db.build.selectFrom('devices').select(['name', 'labels', 'interval_s', 'epoch_floor']).where('id', '=', name))
  const tombstone = db.first(db.build.selectFrom('tombstones').select('mode').where('device', '=', name))
  return {
    ...common,
    fleet: hasFleet(db),
    slow: readSlow(db, name),
    groups: readGroupsOf(db, name),
    intervalS: device?.interval_s ?? null,
    epochFloor: device?.epoch_floor ?? null,
    givenName: device?.name ?? null,
    labels: JSON.parse(device?.labels ?? '{}') as Record<string, string>,
    release: tombstone?.mode ?? null,
  }
}

function linkFor(db: Db, target: Target): Link | null {
  const setting = readLink(db, target)
  return setting === undefined ? null : linkOf(setting)
}

/** `clearing`: the broker may have the spec or not, as after a crash. It is needed: publish it; it is not: clear it. */
const standing = { absent: 0, there: 1, clearing: 2 } as const
type SpecStanding = keyof typeof standing

export interface SpecRow {
  readonly digest: string
  readonly payload: Uint8Array
}

/** Keeps a spec, or a file of one, unless it is kept already. */
export function insertBody(db: Db, { digest, payload }: SpecRow): void {
  db.runSql('insert into specs (digest, published, payload) values (?, ?, ?) on conflict do nothing', [digest, standing.absent, payload])
}

/** The files that travel with a spec. */
export function insertSpecFiles(db: Db, spec: string, files: readonly string[]): void {
  for (const file of files) db.runSql('insert into spec_files (spec, file) values (?, ?) on conflict do nothing', [spec, file])
}

export function hasBody(db: Db, digest: string): boolean {
  return db.first(db.build.selectFrom('specs').select('digest').where('digest', '=', digest)) !== undefined
}

/** A spec or a file as it travels. */
export function readBody(db: Db, digest: string): Uint8Array | undefined {
  const row = db.first(db.build.selectFrom('specs').select('payload').where('digest', '=', digest))
  return row === undefined ? undefined : new Uint8Array(row.payload)
}

/** Specs, and files of them, that a current revision names and the broker lacks. */
export function readSpecsToPublish(db: Db, limit: number): string[] {
  const query = db.build
    .selectFrom('specs')
    .select('digest')
    .where('published', '!=', standing.there)
    .where('digest', 'in', needed(db))
    .limit(limit)
  return db.all(query).map(row => row.digest)
}

/** Specs and files that the broker has, or may have, and no current revision names. */
export function readSpecsToClear(db: Db, limit: number): string[] {
  const query = db.build
    .selectFrom('specs')
    .select('digest')
    .where('published', '!=', standing.absent)
    .where('digest', 'not in', needed(db))
    .limit(limit)
  return db.all(query).map(row => row.digest)
}

export function markSpecs(db: Db, digests: readonly string[], to: SpecStanding): void {
  for (const digest of digests) db.runSql('update specs set published = ? where digest = ?', [standing[to], digest])
}

/** The broker has lost its retained messages. */
export function markSpecsLost(db: Db): void {
  db.runSql('update specs set published = 0', [])
}

function targets(db: Db) {
  return db.build.selectFrom('targets').select(['kind', 'name', 'revision', 'published'])
}

/** Digests of the current revisions' specs, and of their files. */
function needed(db: Db) {
  const files = db.build.selectFrom('spec_files').select('spec_files.file as digest').where('spec_files.spec', 'in', current(db))
  return current(db).union(files)
}

function current(db: Db) {
  return db.build
    .selectFrom('apps')
    .innerJoin('revisions', join => join.onRef('revisions.app', '=', 'apps.id').onRef('revisions.revision', '=', 'apps.revision'))
    .select('revisions.digest')
    .where('apps.deleted_at', 'is', null)
}
