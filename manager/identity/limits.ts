// How often somebody may be wrong: counted for each key and for all together, a minute at a time.
import type { Clock } from '../../protocol/clock.js'

const minuteMs = 60_000

export interface Limits {
  readonly each: number
  readonly all: number
}

export class Counts {
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #counts = new Map<string, number>()
  #since: number
  #sum = 0

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock
    this.#limits = limits
    this.#since = clock.monotonic()
  }

  /** Counts one; true if it is the first of this name in this minute. Beyond the limits nothing is counted, so memory is bounded. */
  add(name: string): boolean {
    this.#turn()
    const count = this.#counts.get(name) ?? 0
    if (this.#sum >= this.#limits.all || count >= this.#limits.each) return false
    this.#counts.set(name, count + 1)
    this.#sum++
    return count === 0
  }

  isFull(name: string): boolean {
    this.#turn()
    return (this.#counts.get(name) ?? 0) >= this.#limits.each
  }

  get areFull(): boolean {
    this.#turn()
    return this.#sum >= this.#limits.all
  }

  #turn(): void {
    const now = this.#clock.monotonic()
    if (now - this.#since < minuteMs) return
    this.#since = now
    this.#sum = 0
    this.#counts.clear()
  }
}
