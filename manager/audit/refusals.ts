// Refusals on their way into the trail: each kind once, its repeats as a number, and of a flood no more than the disk can bear.
import type { Clock } from '../../protocol/clock.js'
import type { AuditEntry } from '../core/audit.js'

interface RefusalsOptions {
  readonly clock: Clock
  /** Takes entries to be written soon. */
  readonly write: (entries: readonly AuditEntry[]) => void
}

/** Rows that may be written at once, and how many more come free in a minute. */
export const burstRows = 500
export const rowsPerMinute = 20
const windowMs = 60_000

interface Repeated {
  readonly entry: AuditEntry
  more: number
}

export class Refusals {
  readonly #options: RefusalsOptions
  /** What was written in this window. */
  readonly #known = new Map<string, Repeated>()
  #allowance = burstRows
  #others = 0
  #cancel: (() => void) | undefined

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  note(entry: AuditEntry): void {
    const { who, via, from, action, target, outcome, code, detail } = entry
    const key = JSON.stringify([who, via, from, action, target, outcome, code, detail])
    const known = this.#known.get(key)
    if (known !== undefined) {
      known.more++
    } else if (this.#take()) {
      this.#known.set(key, { entry, more: 0 })
      this.#options.write([entry])
    } else {
      this.#others++
    }
    this.#cancel ??= this.#options.clock.after(windowMs, () => this.#endWindow())
  }

  /** Writes what has only been counted so far. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#summarise()
  }

  #endWindow(): void {
    this.#allowance = Math.min(burstRows, this.#allowance + rowsPerMinute)
    const isBusy = this.#known.size > 0 || this.#others > 0
    this.#summarise()
    const isFull = this.#allowance === burstRows
    this.#cancel = isBusy || !isFull ? this.#options.clock.after(windowMs, () => this.#endWindow()) : undefined
  }

  /** Who repeats gets a row with the number of times; all that found no room are one row together. */
  #summarise(): void {
    const at = this.#options.clock.now()
    const rows: AuditEntry[] = []
    for (const { entry, more } of this.#known.values()) {
      if (more === 0) continue
      if (this.#take()) rows.push({ ...entry, at, count: more })
      else this.#others += more
    }
    if (this.#others > 0) rows.push({ ...manyOthers, at, count: this.#others })
    this.#known.clear()
    this.#others = 0
    if (rows.length > 0) this.#options.write(rows)
  }

  #take(): boolean {
    if (this.#allowance === 0) return false
    this.#allowance--
    return true
  }
}

const manyOthers: Omit<AuditEntry, 'at' | 'count'> = {
  who: '',
  via: 'manager',
  from: '',
  action: 'refusals',
  target: '',
  outcome: 'refused',
  code: null,
  detail: 'more refusals than are written one by one',
}
