// Timers by name: setting one again moves it.
import type { Clock } from '../protocol/clock.js'

export class Timers {
  readonly #clock: Clock
  readonly #cancels = new Map<string, () => void>()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  after(name: string, delayMs: number, run: () => void): void {
    if (this.#closed) return
    this.cancel(name)
    const fire = () => {
      this.#cancels.delete(name)
      run()
    }
    this.#cancels.set(name, this.#clock.after(delayMs, fire))
  }

  cancel(name: string): void {
    this.#cancels.get(name)?.()
    this.#cancels.delete(name)
  }

  /** Cancels all, and takes no more. */
  close(): void {
    this.#closed = true
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
  }
}
