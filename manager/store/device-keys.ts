// Which key each device is registered with, and until when its newest certificate holds.
import type { Db } from './db.js'

export interface KeyRow {
  readonly device: string
  /** SHA-256 of the public key (SPKI), base64url. */
  readonly key: string
  /** Wall clock, ms. */
  readonly joinedAt: number
  readonly via: 'token' | 'approval'
  /** When its newest certificate ends; null before the first. */
  readonly endsAt: number | null
}

export function readKeys(db: Db): KeyRow[] {
  return db.all(db.build.selectFrom('device_keys').select(['device', 'key', 'joined_at as joinedAt', 'via', 'ends_at as endsAt']))
}

export function insertKey(db: Db, { device, key, joinedAt, via, endsAt }: KeyRow): void {
  db.run(db.build.insertInto('device_keys').values({ device, key, joined_at: joinedAt, via, ends_at: endsAt }))
}

export function saveEnd(db: Db, device: string, endsAt: number): void {
  db.run(db.build.updateTable('device_keys').set({ ends_at: endsAt }).where('device', '=', device))
}

export function deleteKey(db: Db, device: string): void {
  db.run(db.build.deleteFrom('device_keys').where('device', '=', device))
}
