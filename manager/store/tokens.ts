// Join tokens: what they are good for and how often they were used. Their secrets are kept as hashes only.
import type { Db } from './db.js'

export interface TokenRow {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** How many devices may join with it, and how many have. */
  readonly uses: number
  readonly used: number
  /** Wall clock, ms. */
  readonly createdAt: number
  readonly expiresAt: number
}

export function insertToken(db: Db, token: TokenRow, hash: string): void {
  const { id, name, groups, labels, uses, used, createdAt, expiresAt } = token
  db.run(
    db.build.insertInto('join_tokens').values({
      id,
      hash,
      name,
      groups: JSON.stringify(groups),
      labels: JSON.stringify(labels),
      uses,
      used,
      created_at: createdAt,
      expires_at: expiresAt,
    }),
  )
}

/** Newest first. */
export function readTokens(db: Db): TokenRow[] {
  return db.all(tokens(db).orderBy('created_at', 'desc').orderBy('id')).map(toToken)
}

export function readToken(db: Db, id: string): TokenRow | undefined {
  const row = db.first(tokens(db).where('id', '=', id))
  return row === undefined ? undefined : toToken(row)
}

export function findToken(db: Db, hash: string): TokenRow | undefined {
  const row = db.first(tokens(db).where('hash', '=', hash))
  return row === undefined ? undefined : toToken(row)
}

/** Takes one use; false if there is none left. */
export function useToken(db: Db, id: string): boolean {
  return db.runSql('update join_tokens set used = used + 1 where id = ? and used < uses', [id]) > 0
}

export function deleteToken(db: Db, id: string): boolean {
  return db.run(db.build.deleteFrom('join_tokens').where('id', '=', id)) > 0
}

/** Takes away what ended before then. */
export function deleteTokensBefore(db: Db, at: number): void {
  db.run(db.build.deleteFrom('join_tokens').where('expires_at', '<', at))
}

type Row = Omit<TokenRow, 'groups' | 'labels'> & { readonly groups: string; readonly labels: string }

function toToken(row: Row): TokenRow {
  return { ...row, groups: JSON.parse(row.groups) as string[], labels: JSON.parse(row.labels) as Record<string, string> }
}

function tokens(db: Db) {
  return db.build
    .selectFrom('join_tokens')
    .select(['id', 'name', 'groups', 'labels', 'uses', 'used', 'created_at as createdAt', 'expires_at as expiresAt'])
}
