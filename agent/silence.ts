// How long the broker has been silent, and when that is too long.
import type { Clock } from '../protocol/clock.js'

export interface SilenceOptions {
  readonly clock: Clock
  /** How long it may be silent, now. */
  readonly patienceMs: () => number
  readonly onTooLong: () => void
}

export class Silence {
  readonly #options: SilenceOptions
  #heardAt = 0
  #cancel = () => {}

  constructor(options: SilenceOptions) {
    this.#options = options
  }

  /** Since the broker last sent anything, ms. */
  get ms(): number {
    return this.#options.clock.monotonic() - this.#heardAt
  }

  noteSign(): void {
    this.#heardAt = this.#options.clock.monotonic()
  }

  /** Looks again when the broker's time is over. */
  watch(): void {
    const { clock, patienceMs, onTooLong } = this.#options
    this.#cancel()
    this.#cancel = clock.after(Math.max(0, patienceMs() - this.ms), () => {
      if (this.ms < patienceMs()) this.watch()
      else onTooLong()
    })
  }

  stop(): void {
    this.#cancel()
  }
}
