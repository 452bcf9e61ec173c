// Group commit: whatever changed since the last one goes to disk in one transaction, and only then are acknowledgements due.
import type { Sql } from './database.js'

/** A part of the store that knows which of its rows differ from the disk. */
export interface Table {
  /** Writes the present state of every changed row. Called inside a transaction. */
  save(): void
  /** The transaction has been committed: nothing is changed any more. */
  saved(): void
}

/** Changes that nobody waits for (wills, deliveries acknowledged by subscribers) may stay in memory this long. */
const relaxedMs = 100
const retryMs = 1000
/** A slow disk must not hold the event loop: at most a third of the time is spent in commits. */
const restPerCommit = 2
const longestRestMs = 50

export class GroupCommit {
  readonly #sql: Sql
  readonly #tables: readonly Table[]
  readonly #onError: (error: unknown) => void
  #changed = false
  #waiting: (() => void)[] = []
  #cancel: (() => void) | undefined
  #urgent = false
  #lastMs = 0
  #closed = false

  constructor(sql: Sql, tables: readonly Table[], onError: (error: unknown) => void) {
    this.#sql = sql
    this.#tables = tables
    this.#onError = onError
  }

  /** Something changed that has to reach the disk soon, though nobody waits for it. */
  touch(): void {
    this.#changed = true
    if (this.#cancel === undefined) this.#schedule(relaxedMs)
  }

  /** Resolves when everything that changed so far is on disk. Stays pending, retrying, while the disk refuses. */
  settle(): Promise<void> {
    if (!this.#changed || this.#closed) return Promise.resolve()
    if (!this.#urgent) {
      this.#urgent = true
      this.#schedule(this.#lastMs < 1 ? 0 : Math.min(restPerCommit * this.#lastMs, longestRestMs))
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Whether `settle` would have to wait. */
  get pending(): boolean {
    return this.#changed
  }

  /** Commits at once; true if all is on disk. */
  flush(): boolean {
    this.#cancel?.()
    this.#cancel = undefined
    if (!this.#changed) return true
    const started = performance.now()
    try {
      this.#write()
    } catch (error) {
      this.#onError(error)
      if (!this.#closed) this.#schedule(retryMs)
      return false
    }
    this.#lastMs = performance.now() - started
    this.#changed = false
    this.#urgent = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const done of waiting) done()
    return true
  }

  /** The last commit; nothing is written after it. */
  close(): void {
    this.#closed = true
    this.flush()
    this.#cancel?.()
    this.#cancel = undefined
  }

  #write(): void {
    this.#sql.exec('begin immediate')
    try {
      for (const table of this.#tables) table.save()
      this.#sql.exec('commit')
    } catch (error) {
      rollBack(this.#sql)
      throw error
    }
    for (const table of this.#tables) table.saved()
  }

  #schedule(delayMs: number): void {
    if (this.#closed) return
    this.#cancel?.()
    const run = () => void this.flush()
    if (delayMs === 0) {
      const immediate = setImmediate(run)
      this.#cancel = () => clearImmediate(immediate)
    } else {
      const timer = setTimeout(run, delayMs)
      this.#cancel = () => clearTimeout(timer)
    }
  }
}

/** A full disk may have rolled the transaction back already. */
function rollBack(sql: Sql): void {
  try {
    sql.exec('rollback')
  } catch {
    // nothing is open any more
  }
}
