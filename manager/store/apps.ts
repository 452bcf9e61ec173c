// Apps, their revisions, and the specs that revisions are of. Revisions and specs stay for good.
import type { Insertable } from 'kysely'
import type { Policy, Refresh } from '../../protocol/messages/manifest.js'
import { type App, type Target, targetsOf } from '../core/model.js'
import type { Db } from './db.js'
import type { Tables } from './schema.js'
import { shownVersion } from './versions.js'

export interface RevisionRow {
  readonly revision: number
  /** The name that people gave it; null if nobody did. */
  readonly version: string | null
  readonly digest: string
  readonly createdAt: number
  readonly origin: Origin
}

/** Who made a revision: `api` from an address, or `mqtt` on a topic. */
export interface Origin {
  readonly via: string
  /** A user's name, or a token's. */
  readonly user?: string
  readonly from?: string
  readonly topic?: string
}

export function readApps(db: Db): App[] {
  return db.all(select(db)).map(toApp)
}

export function readAppsOf(db: Db, target: Target): App[] {
  return db.all(select(db).where('apps.kind', '=', target.kind).where('apps.target', '=', target.name)).map(toApp)
}

/** A device's own apps and those of its groups. */
export function readAppsFor(db: Db, device: string, groups: readonly string[]): App[] {
  return targetsOf(device, groups).flatMap(target => readAppsOf(db, target))
}

/** Apps of that name on any target. */
export function readAppsNamed(db: Db, name: string): App[] {
  return db.all(select(db).where('apps.name', '=', name)).map(toApp)
}

export function readApp(db: Db, target: Target, name: string): App | undefined {
  const row = db.first(select(db).where('apps.kind', '=', target.kind).where('apps.target', '=', target.name).where('apps.name', '=', name))
  return row === undefined ? undefined : toApp(row)
}

export interface NewRevision {
  readonly target: Target
  readonly name: string
  readonly digest: string
  readonly services: readonly string[]
  readonly origin: RevisionRow['origin']
  readonly policy: Policy
  readonly at: number
}

/** Makes the app if it is new, and its next revision; running, whatever it was before. */
export function insertRevision(db: Db, { target, name, digest, services, origin, policy, at }: NewRevision): void {
  const known = db.first(
    db.build
      .selectFrom('apps')
      .select(['id', 'revision', 'deleted_at'])
      .where('kind', '=', target.kind)
      .where('target', '=', target.name)
      .where('name', '=', name),
  )
  const revision = (known?.revision ?? 0) + 1
  const columns = { revision, run: 'running', policy: JSON.stringify(policy), updated_at: at, deleted_at: null } as const
  const id = known?.id ?? insertApp(db, { kind: target.kind, target: target.name, name, created_at: at, ...columns })
  if (known !== undefined) {
    const reborn = known.deleted_at === null ? {} : { created_at: at, refresh: null, refresh_services: null }
    if (known.deleted_at !== null) db.run(db.build.deleteFrom('versions').where('app', '=', known.id))
    db.run(
      db.build
        .updateTable('apps')
        .set({ ...columns, ...reborn })
        .where('id', '=', id),
    )
  }
  db.run(
    db.build.insertInto('revisions').values({
      app: id,
      revision,
      digest,
      services: JSON.stringify(services),
      origin: JSON.stringify(origin),
      created_at: at,
    }),
  )
}

export function setRun(db: Db, app: App, run: App['run'], at: number): void {
  db.run(db.build.updateTable('apps').set({ run, updated_at: at }).where('id', '=', app.id))
}

export function setPolicy(db: Db, app: App, policy: Policy, at: number): void {
  db.run(
    db.build
      .updateTable('apps')
      .set({ policy: JSON.stringify(policy), updated_at: at })
      .where('id', '=', app.id),
  )
}

export function setRefresh(db: Db, app: App, { generation, services }: Refresh, at: number): void {
  const refresh_services = services === undefined ? null : JSON.stringify(services)
  db.run(db.build.updateTable('apps').set({ refresh: generation, refresh_services, updated_at: at }).where('id', '=', app.id))
}

/** `manifest` is the first of its target that tells what is desired of the app now. */
export function setManifest(db: Db, { kind, name }: Target, app: string, manifest: number): void {
  db.run(db.build.updateTable('apps').set({ manifest }).where('kind', '=', kind).where('target', '=', name).where('name', '=', app))
}

export function deleteApp(db: Db, app: App, at: number): void {
  db.run(db.build.updateTable('apps').set({ deleted_at: at }).where('id', '=', app.id))
}

export function deleteAppsOf(db: Db, target: Target, at: number): void {
  db.run(
    db.build
      .updateTable('apps')
      .set({ deleted_at: at })
      .where('kind', '=', target.kind)
      .where('target', '=', target.name)
      .where('deleted_at', 'is', null),
  )
}

/** Newest first. */
export function readRevisions(db: Db, app: App): RevisionRow[] {
  const rows = db.all(
    db.build.selectFrom('revisions').selectAll().select(shownVersion).where('app', '=', app.id).orderBy('revision', 'desc'),
  )
  return rows.map(toRevision)
}

/** What a revision is of, to be made current again. */
export function readSpecOf(
  db: Db,
  app: App,
  revision: number,
): (Pick<NewRevision, 'digest' | 'services'> & Pick<RevisionRow, 'version'>) | undefined {
  const row = db.first(
    db.build
      .selectFrom('revisions')
      .select(['digest', 'services'])
      .select(shownVersion)
      .where('app', '=', app.id)
      .where('revision', '=', revision),
  )
  return row === undefined ? undefined : { digest: row.digest, services: JSON.parse(row.services) as string[], version: row.version }
}

export function readRevision(db: Db, app: App, revision: number): (RevisionRow & { readonly payload: Uint8Array }) | undefined {
  const row = db.first(
    db.build
      .selectFrom('revisions')
      .innerJoin('specs', 'specs.digest', 'revisions.digest')
      .selectAll('revisions')
      .select('specs.payload')
      .select(shownVersion)
      .where('revisions.app', '=', app.id)
      .where('revisions.revision', '=', revision),
  )
  return row === undefined ? undefined : { ...toRevision(row), payload: new Uint8Array(row.payload) }
}

function insertApp(db: Db, values: Insertable<Tables['apps']>): number {
  const row = db.first(db.build.insertInto('apps').values(values).returning('id'))
  if (row === undefined) throw new Error('an inserted row gave no id')
  return row.id
}

interface AppRow {
  readonly id: number
  readonly kind: 'device' | 'group'
  readonly target: string
  readonly name: string
  readonly revision: number
  readonly run: 'running' | 'stopped'
  readonly refresh: number | null
  readonly refresh_services: string | null
  readonly policy: string
  readonly manifest: number
  readonly created_at: number
  readonly updated_at: number
  readonly digest: string
  readonly services: string
  readonly version: string | null
}

function select(db: Db) {
  return db.build
    .selectFrom('apps')
    .innerJoin('revisions', join => join.onRef('revisions.app', '=', 'apps.id').onRef('revisions.revision', '=', 'apps.revision'))
    .selectAll('apps')
    .select(['revisions.digest', 'revisions.services'])
    .select(shownVersion)
    .where('apps.deleted_at', 'is', null)
    .orderBy('apps.name')
}

function toApp(row: AppRow): App {
  return {
    id: row.id,
    target: { kind: row.kind, name: row.target },
    name: row.name,
    revision: row.revision,
    version: row.version,
    digest: row.digest,
    run: row.run,
    services: JSON.parse(row.services) as string[],
    refresh: refreshOf(row),
    policy: JSON.parse(row.policy) as Policy,
    manifest: row.manifest,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function refreshOf({ refresh, refresh_services }: AppRow): Refresh | null {
  if (refresh === null) return null
  return { generation: refresh, ...(refresh_services === null ? {} : { services: JSON.parse(refresh_services) as string[] }) }
}

function toRevision(row: { revision: number; version: string | null; digest: string; created_at: number; origin: string }): RevisionRow {
  return {
    revision: row.revision,
    version: row.version,
    digest: row.digest,
    createdAt: row.created_at,
    origin: JSON.parse(row.origin) as RevisionRow['origin'],
  }
}
