// Sessions at rest, by the hash of their secret: who reads the database cannot take one up.
import type { Db } from './db.js'

/** Of a browser, or of a program such as the command line. */
export type SessionKind = 'cookie' | 'token'

export interface SessionRow {
  readonly hash: string
  readonly user: string
  readonly kind: SessionKind
  readonly createdAt: number
  readonly seenAt: number
}

export function readSession(db: Db, hash: string): SessionRow | undefined {
  const row = db.first(db.build.selectFrom('sessions').selectAll().where('hash', '=', hash))
  return row && { hash, user: row.user, kind: row.kind, createdAt: row.created_at, seenAt: row.seen_at }
}

export function insertSession(db: Db, { hash, user, kind, createdAt, seenAt }: SessionRow): void {
  db.run(db.build.insertInto('sessions').values({ hash, user, kind, created_at: createdAt, seen_at: seenAt }))
}

export function sawSession(db: Db, hash: string, at: number): void {
  db.runSql('update sessions set seen_at = ? where hash = ?', [at, hash])
}

export function deleteSession(db: Db, hash: string): void {
  db.runSql('delete from sessions where hash = ?', [hash])
}

/** All of a user's, but for the one to keep. */
export function deleteSessionsOf(db: Db, user: string, keep = ''): void {
  db.runSql('delete from sessions where user = ? and hash <> ?', [user, keep])
}

/** Keeps the newest ones of a user. */
export function trimSessions(db: Db, user: string, kept: number): void {
  db.runSql(
    'delete from sessions where user = ? and hash not in (select hash from sessions where user = ? order by seen_at desc, rowid desc limit ?)',
    [user, user, kept],
  )
}

/** Those that were not used for too long, or are too old. */
export function deleteSessionsBefore(db: Db, kind: SessionKind, { seenAt, createdAt }: { seenAt: number; createdAt: number }): void {
  db.runSql('delete from sessions where kind = ? and (seen_at <= ? or created_at <= ?)', [kind, seenAt, createdAt])
}
