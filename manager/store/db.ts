// The database: one SQLite file, opened for this process alone. Queries are built and typed by kysely and run at once:
// libsql is synchronous, so a transaction is one function call and nothing can come between its statements.
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs'
import { type Compilable, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import Libsql from 'libsql'
import { SkerryError } from '../../protocol/errors.js'
import { migrations } from './migrations.js'
import type { Tables } from './schema.js'

type Value = string | number | Uint8Array | null
type Statement = ReturnType<Libsql.Database['prepare']>

const maxStatements = 300

export class Db {
  /** Builds queries; {@link all}, {@link first} and {@link run} run them. */
  readonly build: Kysely<Tables>
  readonly #libsql: Libsql.Database
  readonly #statements = new Map<string, Statement>()
  readonly #unlock: () => void
  #open = true

  constructor(libsql: Libsql.Database, unlock: () => void) {
    this.#libsql = libsql
    this.#unlock = unlock
    this.build = new Kysely<Tables>({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createDriver: () => new DummyDriver(),
        createIntrospector: db => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
    })
  }

  all<O>(query: Compilable<O>): O[] {
    const { sql, parameters } = query.compile()
    return this.#statement(sql).all(checked(parameters)) as O[]
  }

  first<O>(query: Compilable<O>): O | undefined {
    return this.all(query)[0]
  }

  /** Runs a change; returns how many rows it changed. */
  run(query: Compilable): number {
    const { sql, parameters } = query.compile()
    return this.runSql(sql, parameters)
  }

  /** For statements that run thousands of times a second, where building the query would cost more than running it. */
  runSql(sql: string, parameters: readonly unknown[]): number {
    return this.#statement(sql).run(checked(parameters)).changes
  }

  /** The same of what is read. */
  firstSql<O>(sql: string, parameters: readonly unknown[]): O | undefined {
    return this.allSql<O>(sql, parameters)[0]
  }

  allSql<O>(sql: string, parameters: readonly unknown[]): O[] {
    return this.#statement(sql).all(checked(parameters)) as O[]
  }

  /** Runs an insert; returns the id that the row got. */
  insertSql(sql: string, parameters: readonly unknown[]): number {
    return Number(this.#statement(sql).run(checked(parameters)).lastInsertRowid)
  }

  /** One transaction that survives a power cut from the moment this returns. For what a user was told is done. */
  durably<T>(change: () => T): T {
    this.#libsql.exec('PRAGMA synchronous = FULL')
    try {
      return this.quickly(change)
    } finally {
      this.#libsql.exec('PRAGMA synchronous = NORMAL')
    }
  }

  /** One transaction that survives the process, and a power cut once a durable one has followed it. For what devices said. */
  quickly<T>(change: () => T): T {
    this.#libsql.exec('BEGIN IMMEDIATE')
    try {
      const result = change()
      this.#libsql.exec('COMMIT')
      return result
    } catch (error) {
      this.#libsql.exec('ROLLBACK')
      throw error
    }
  }

  /** A part of the transaction under way, undone alone if it throws. */
  nested<T>(change: () => T): T {
    this.#libsql.exec('SAVEPOINT part')
    try {
      return change()
    } catch (error) {
      this.#libsql.exec('ROLLBACK TO part')
      throw error
    } finally {
      this.#libsql.exec('RELEASE part')
    }
  }

  get isOpen(): boolean {
    return this.#open
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#statements.clear()
    this.#libsql.close()
    this.#unlock()
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    if (this.#statements.size >= maxStatements) this.#statements.clear()
    const made = this.#libsql.prepare(sql)
    this.#statements.set(sql, made)
    return made
  }
}

/** SQLite's name for a database that is no file, so that nobody else can open it. */
const inMemory = ':memory:'

/** Opens or makes the file. Throws `state.in-use` if another process has it open. */
export function openDb(file: string): Db {
  makePrivate(file)
  const unlock = lock(file)
  const libsql = new Libsql(file)
  try {
    libsql.exec('PRAGMA journal_mode = WAL')
    libsql.exec('PRAGMA synchronous = FULL')
    migrate(libsql)
    libsql.exec('PRAGMA synchronous = NORMAL')
  } catch (error) {
    libsql.close()
    unlock()
    throw error
  }
  return new Db(libsql, unlock)
}

/** It holds hashes of passwords, the signing key, and what apps are given. SQLite's files beside it get the mode of this one. */
function makePrivate(file: string): void {
  if (file === inMemory) return
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    // Not opened: to close it would end the locks that this process has on it.
    chmodSync(file, 0o600)
  }
}

/** What the file holds just now, whoever has it open; nothing can be written. Throws `config.invalid` if it is no database of this version. */
export function openForReading(file: string): Db {
  if (!existsSync(file)) throw new SkerryError('config.invalid', `there is no ${file}`)
  const libsql = new Libsql(file)
  try {
    libsql.exec('PRAGMA query_only = ON')
    if (versionOf(libsql) !== migrations.length)
      throw new SkerryError('config.invalid', `${file} is of another version: start the server once`)
    libsql.exec('BEGIN')
  } catch (error) {
    libsql.close()
    throw error
  }
  return new Db(libsql, () => undefined)
}

/**
 * Holds a transaction open on a file beside the database; the system ends it with the process, however that ends. The
 * database itself is not locked: libsql keeps it open until its statements are collected, long after it is closed.
 */
function lock(file: string): () => void {
  if (file === inMemory) return () => undefined
  const guard = new Libsql(`${file}-lock`)
  try {
    guard.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    guard.close()
    if (isBusy(error)) throw new SkerryError('state.in-use', `another process has ${file} open`, { cause: error })
    throw error
  }
  return () => {
    guard.exec('ROLLBACK')
    guard.close()
  }
}

function migrate(libsql: Libsql.Database): void {
  const version = versionOf(libsql)
  if (version > migrations.length) {
    throw new SkerryError('config.invalid', `the database is of version ${version}, newer than the ${migrations.length} known here`)
  }
  for (const [n, sql] of migrations.entries()) {
    if (n >= version) libsql.exec(`BEGIN; ${sql}; PRAGMA user_version = ${n + 1}; COMMIT`)
  }
}

function versionOf(libsql: Libsql.Database): number {
  const [row] = libsql.prepare('PRAGMA user_version').all() as { user_version: number }[]
  return row?.user_version ?? 0
}

/** libsql ends the whole process when it is given a boolean, so nothing but what SQLite knows may reach it. */
function checked(parameters: readonly unknown[]): Value[] {
  return parameters.map(value => {
    if (value === null || typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array) return value
    throw new TypeError(`a ${typeof value} is no SQL value`)
  })
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('SQLITE_BUSY')
}
