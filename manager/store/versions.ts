// Names that people gave to revisions of apps. Of several names of one text the newest is the one that is shown.
import type { ExpressionBuilder } from 'kysely'
import type { App } from '../core/model.js'
import type { Origin } from './apps.js'
import type { Db } from './db.js'
import type { Tables } from './schema.js'

export interface VersionRow {
  readonly name: string
  readonly revision: number
  readonly digest: string
  readonly createdAt: number
  readonly origin: Origin
}

/** The name of a revision, for queries that read revisions; null if it has none. */
export function shownVersion(eb: ExpressionBuilder<Tables, 'revisions'>) {
  return eb
    .selectFrom('versions')
    .whereRef('versions.app', '=', 'revisions.app')
    .whereRef('versions.digest', '=', 'revisions.digest')
    .orderBy('versions.number', 'desc')
    .limit(1)
    .select('versions.name')
    .as('version')
}

export function readVersion(db: Db, app: App, name: string): VersionRow | undefined {
  const row = db.first(select(db, app).where('name', '=', name))
  return row === undefined ? undefined : toVersion(row)
}

/** Newest first. */
export function readVersions(db: Db, app: App): VersionRow[] {
  return db.all(select(db, app).orderBy('number', 'desc')).map(toVersion)
}

export function countVersions(db: Db, app: App): number {
  const row = db.first(
    db.build
      .selectFrom('versions')
      .select(eb => eb.fn.countAll<number>().as('count'))
      .where('app', '=', app.id),
  )
  return row?.count ?? 0
}

/** Gives the name, or moves it. It is the newest then. */
export function putVersion(db: Db, app: App, { name, revision, digest, createdAt, origin }: VersionRow): void {
  deleteVersion(db, app, name)
  const values = { app: app.id, name, revision, digest, created_at: createdAt, origin: JSON.stringify(origin) }
  db.run(db.build.insertInto('versions').values(values))
}

export function deleteVersion(db: Db, app: App, name: string): void {
  db.run(db.build.deleteFrom('versions').where('app', '=', app.id).where('name', '=', name))
}

function select(db: Db, app: App) {
  return db.build.selectFrom('versions').selectAll().where('app', '=', app.id)
}

function toVersion(row: { name: string; revision: number; digest: string; created_at: number; origin: string }): VersionRow {
  const { name, revision, digest } = row
  return { name, revision, digest, createdAt: row.created_at, origin: JSON.parse(row.origin) as Origin }
}
