// A clock that moves only when a test says so.
import type { Clock } from '../../protocol/clock.js'

export class ManualClock implements Clock {
  #now = Date.parse('2026-01-01T00:00:00Z')
  #monotonic = 1_000_000
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>()

  /** Handed on by itself, too, as the system's is. */
  readonly now = (): number => this.#now
  readonly monotonic = (): number => this.#monotonic

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#monotonic + delayMs, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Moves on by `ms`, running what falls due on the way, in order. */
  advance(ms: number): void {
    const end = this.#monotonic + ms
    for (;;) {
      const [next] = [...this.#timers].filter(timer => timer.at <= end).sort((one, other) => one.at - other.at)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#move(Math.max(this.#monotonic, next.at))
      next.run()
    }
    this.#move(end)
  }

  #move(to: number): void {
    this.#now += to - this.#monotonic
    this.#monotonic = to
  }
}
