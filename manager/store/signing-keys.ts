// Signing keys at rest: all public ones, and the private one of the newest.
import type { Db } from './db.js'

export interface KeyRow {
  /** Counted from 1. */
  readonly number: number
  readonly publicKey: Uint8Array
  /** The announcement by the key before; null for the first. */
  readonly link: Uint8Array | null
  readonly createdAt: number
}

/** Oldest first. */
export function readKeys(db: Db): KeyRow[] {
  const rows = db.all(db.build.selectFrom('signing_keys').select(['number', 'public_key', 'link', 'created_at']).orderBy('number'))
  return rows.map(({ number, public_key, link, created_at }) => ({
    number,
    publicKey: new Uint8Array(public_key),
    link: link === null ? null : new Uint8Array(link),
    createdAt: created_at,
  }))
}

/** PKCS#8 in DER; undefined before the first key. */
export function readPrivateKey(db: Db): Uint8Array | undefined {
  const row = db.first(db.build.selectFrom('signing_keys').select('private_key').where('private_key', 'is not', null))
  return row?.private_key == null ? undefined : new Uint8Array(row.private_key)
}

/** The keys before it can sign no more. */
export function insertKey(db: Db, { number, publicKey, link, createdAt }: KeyRow, privateKey: Uint8Array): void {
  db.runSql('update signing_keys set private_key = null', [])
  db.runSql('insert into signing_keys (number, public_key, private_key, link, created_at) values (?, ?, ?, ?, ?)', [
    number,
    publicKey,
    privateKey,
    link,
    createdAt,
  ])
}
