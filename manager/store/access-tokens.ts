// Tokens of programs at rest: only the hash of a token's secret.
import type { Role } from '../../protocol/access.js'
import type { Db } from './db.js'
import type { Tables } from './schema.js'
import { formatGroups, type Groups, parseGroups } from './users.js'

export interface AccessTokenRow {
  readonly id: string
  readonly hash: string
  readonly name: string
  readonly role: Role
  readonly groups: Groups
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt: number
  /** To about a minute. */
  readonly lastSeen: number | null
}

export function readAccessTokens(db: Db): AccessTokenRow[] {
  return db.all(db.build.selectFrom('access_tokens').selectAll().orderBy('name')).map(toToken)
}

export function readAccessToken(db: Db, id: string): AccessTokenRow | undefined {
  const row = db.first(db.build.selectFrom('access_tokens').selectAll().where('id', '=', id))
  return row && toToken(row)
}

export function readAccessTokenNamed(db: Db, name: string): AccessTokenRow | undefined {
  const row = db.first(db.build.selectFrom('access_tokens').selectAll().where('name', '=', name))
  return row && toToken(row)
}

export function insertAccessToken(db: Db, token: Omit<AccessTokenRow, 'lastSeen'>): void {
  const { id, hash, name, role, groups, createdAt, createdBy, expiresAt } = token
  const values = { id, hash, name, role, groups: formatGroups(groups), created_at: createdAt, created_by: createdBy, expires_at: expiresAt }
  db.run(db.build.insertInto('access_tokens').values({ ...values, last_seen: null }))
}

export function deleteAccessToken(db: Db, id: string): void {
  db.run(db.build.deleteFrom('access_tokens').where('id', '=', id))
}

export function sawAccessToken(db: Db, id: string, at: number): void {
  db.runSql('update access_tokens set last_seen = ? where id = ?', [at, id])
}

function toToken({ groups, created_at, created_by, expires_at, last_seen, ...row }: Tables['access_tokens']): AccessTokenRow {
  return { ...row, groups: parseGroups(groups), createdAt: created_at, createdBy: created_by, expiresAt: expires_at, lastSeen: last_seen }
}
