// What the manager knows of itself: its instance, and the counter that every manifest's revision comes from.
import { randomBytes } from 'node:crypto'
import type { Db } from './db.js'

/** The 8 bytes that name this database to agents. Revisions compare only within one instance. */
export function readInstance(db: Db): Buffer {
  const known = readMeta(db, 'instance')
  if (known !== undefined) return Buffer.from(known, 'hex')
  const made = randomBytes(8)
  db.durably(() => writeMeta(db, 'instance', made.toString('hex')))
  return made
}

/** The next revision, never given before. Call it within a transaction. */
export function nextRevision(db: Db): number {
  const next = Number(readMeta(db, 'revision') ?? 0) + 1
  writeMeta(db, 'revision', String(next))
  return next
}

/** Makes the next revision greater than `held`. */
export function raiseRevision(db: Db, held: number): void {
  if (held > Number(readMeta(db, 'revision') ?? 0)) writeMeta(db, 'revision', String(held))
}

function readMeta(db: Db, key: string): string | undefined {
  return db.first(db.build.selectFrom('meta').select('value').where('key', '=', key))?.value
}

function writeMeta(db: Db, key: string, value: string): void {
  db.run(
    db.build
      .insertInto('meta')
      .values({ key, value })
      .onConflict(conflict => conflict.column('key').doUpdateSet({ value })),
  )
}
