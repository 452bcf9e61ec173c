// Lists of the images that may run, of the fleet and of groups. An empty list allows nothing; one that is absent allows all.
import type { Db } from './db.js'

export interface ListOwner {
  readonly kind: 'fleet' | 'group'
  /** Empty for the fleet. */
  readonly name: string
}

export interface ImageListRow extends ListOwner {
  readonly patterns: readonly string[]
}

export const wholeFleet: ListOwner = { kind: 'fleet', name: '' }

/** The fleet's first, then by group. */
export function readImageLists(db: Db): ImageListRow[] {
  const rows = db.all(db.build.selectFrom('image_lists').select(['kind', 'name', 'patterns']).orderBy('kind').orderBy('name'))
  return rows.map(({ kind, name, patterns }) => ({ kind, name, patterns: JSON.parse(patterns) as string[] }))
}

export function readImageList(db: Db, { kind, name }: ListOwner): readonly string[] | undefined {
  const row = db.firstSql<{ patterns: string }>('select patterns from image_lists where kind = ? and name = ?', [kind, name])
  return row && (JSON.parse(row.patterns) as string[])
}

export function writeImageList(db: Db, { kind, name }: ListOwner, patterns: readonly string[], at: number): void {
  db.runSql(
    `insert into image_lists (kind, name, patterns, changed_at) values (?, ?, ?, ?)
     on conflict (kind, name) do update set patterns = excluded.patterns, changed_at = excluded.changed_at`,
    [kind, name, JSON.stringify(patterns), at],
  )
}

export function deleteImageList(db: Db, { kind, name }: ListOwner): void {
  db.runSql('delete from image_lists where kind = ? and name = ?', [kind, name])
}
