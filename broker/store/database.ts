// The broker's SQLite file: opened for one process alone, and the statements that write it.
import { chmodSync, closeSync, openSync } from 'node:fs'
import Database from 'libsql'
import { SkerryError } from '../../protocol/errors.js'

const schema = `
  create table if not exists retained (topic text primary key, qos integer not null, payload blob not null);
  create table if not exists session (client text primary key, seen_at integer not null) without rowid;
  create table if not exists subscription (client text, filter text, qos integer not null, primary key (client, filter)) without rowid;
  create table if not exists message (
    seq integer primary key, client text not null, cmd text not null, topic text, payload blob, qos integer not null, retain integer not null,
    message_id integer, broker_id text, broker_counter integer
  );
  create table if not exists incoming (client text, message_id integer, primary key (client, message_id)) without rowid;
  create table if not exists will (client text primary key, topic text not null, payload blob not null, qos integer not null, retain integer not null);
`

/** Bumped when the schema changes; a file of another version is refused rather than misread. */
const schemaVersion = 1

export type Row = Readonly<Record<string, unknown>>

/** A prepared statement: `run` writes, `all` reads. */
export interface Statement {
  run(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
}

export interface Sql {
  prepare(text: string): Statement
  exec(text: string): unknown
  close(): void
}

/**
 * Opens (or makes) the file. Locked exclusively: two brokers on one file would lose each other's messages.
 * `synchronous=FULL`: a commit has reached the disk when it returns, so what follows it may be acknowledged.
 * Throws `state.in-use` if another process has it open.
 */
export function openDatabase(file: string): Sql {
  makePrivate(file)
  const db = new Database(file)
  try {
    db.exec('pragma locking_mode=exclusive')
    db.pragma('journal_mode=wal')
    db.exec('pragma synchronous=full')
    db.exec('begin immediate; commit')
    checkVersion(db, file)
    db.exec(schema)
    return db
  } catch (error) {
    db.close()
    throw explain(error, file)
  }
}

/**
 * libsql's `close` waits for the garbage collector to find the statements, and holds the lock meanwhile. A lock taken before
 * the first use of the write-ahead log can only be given back by leaving that mode (sqlite.org/wal.html, "Heap-Memory").
 */
export function closeDatabase(sql: Sql): void {
  sql.exec('pragma journal_mode=delete')
  sql.exec('pragma locking_mode=normal')
  sql.prepare('select count(*) from sqlite_schema').all()
  sql.close()
}

function checkVersion(db: Database.Database, file: string): void {
  const row = db.prepare('pragma user_version').get() as Row
  const found = Number(row.user_version)
  if (found === 0) db.exec(`pragma user_version=${schemaVersion}`)
  else if (found !== schemaVersion)
    throw new SkerryError('config.invalid', `${file} was written by another version of Skerry (schema ${found})`)
}

function explain(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('SQLITE_BUSY')
    ? new SkerryError('state.in-use', `${file} is in use by another process`, { cause: error, retryable: false })
    : error
}

/** libsql gives blobs as ArrayBuffer. */
export function toBuffer(value: unknown): Buffer {
  if (value instanceof ArrayBuffer) return Buffer.from(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return Buffer.alloc(0)
}

/** Retained messages may hold what apps are given. SQLite's files beside it get the mode of this one. */
function makePrivate(file: string): void {
  if (file === ':memory:') return
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    // Not opened: to close it would end the locks that this process has on it.
    chmodSync(file, 0o600)
  }
}
