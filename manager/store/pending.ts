// Devices that asked to join and wait for a person to decide, and those that were rejected.
import type { Facts } from '../../protocol/messages/status.js'
import type { Db } from './db.js'

export interface PendingRow {
  /** SHA-256 of the public key, base64url. */
  readonly key: string
  /** The id that it wants. */
  readonly device: string
  /** The public key (SPKI, DER). */
  readonly spki: Uint8Array
  readonly facts: Facts
  /** Wall clock, ms: its first request and its last. */
  readonly firstAt: number
  readonly lastAt: number
  readonly rejected: boolean
}

/** Longest waiting first. */
export function readPendings(db: Db): PendingRow[] {
  return db.all(pendings(db).orderBy('first_at').orderBy('key')).map(toPending)
}

export function readPendingJoin(db: Db, key: string): PendingRow | undefined {
  const row = db.first(pendings(db).where('key', '=', key))
  return row === undefined ? undefined : toPending(row)
}

/** How many wait; the rejected do not. */
export function countPending(db: Db): number {
  return Number(
    db.first(
      db.build
        .selectFrom('pending_joins')
        .select(build => build.fn.countAll().as('count'))
        .where('rejected', '=', 0),
    )?.count ?? 0,
  )
}

/** Keeps the newest request of a key; when it first came, and whether it was rejected, stays. */
export function savePending(db: Db, { key, device, spki, facts, firstAt, lastAt }: Omit<PendingRow, 'rejected'>): void {
  db.runSql(
    `insert into pending_joins (key, device, spki, facts, first_at, last_at, rejected) values (?, ?, ?, ?, ?, ?, 0)
     on conflict (key) do update set device = excluded.device, facts = excluded.facts, last_at = excluded.last_at`,
    [key, device, spki, JSON.stringify(facts), firstAt, lastAt],
  )
}

export function rejectPending(db: Db, key: string): void {
  db.run(db.build.updateTable('pending_joins').set({ rejected: 1 }).where('key', '=', key))
}

export function deletePending(db: Db, key: string): void {
  db.run(db.build.deleteFrom('pending_joins').where('key', '=', key))
}

/** Takes away whose last request is older, and the oldest of the rejected beyond `maxRejected`. */
export function prunePending(db: Db, before: number, maxRejected: number): void {
  db.run(db.build.deleteFrom('pending_joins').where('last_at', '<', before))
  db.runSql(
    `delete from pending_joins where rejected = 1 and key not in
     (select key from pending_joins where rejected = 1 order by last_at desc limit ?)`,
    [maxRejected],
  )
}

type Row = { key: string; device: string; spki: Uint8Array; facts: string; firstAt: number; lastAt: number; rejected: number }

function toPending(row: Row): PendingRow {
  return { ...row, spki: new Uint8Array(row.spki), facts: JSON.parse(row.facts) as Facts, rejected: row.rejected === 1 }
}

function pendings(db: Db) {
  return db.build
    .selectFrom('pending_joins')
    .select(['key', 'device', 'spki', 'facts', 'first_at as firstAt', 'last_at as lastAt', 'rejected'])
}
