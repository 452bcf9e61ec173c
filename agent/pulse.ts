// The heart: one beat in each interval, and one at once where something is to be told.
import type { Clock } from '../protocol/clock.js'

export interface PulseOptions {
  readonly clock: Clock
  /** Time to the next beat, ms. */
  readonly spacingMs: () => number
  readonly beat: () => void
}

export class Pulse {
  readonly #options: PulseOptions
  #cancel = () => {}
  #stopped = false

  constructor(options: PulseOptions) {
    this.#options = options
  }

  /** Beats now, and from now on in every interval. */
  beat(): void {
    if (this.#stopped) return
    this.#options.beat()
    this.rest()
  }

  /** The next beat comes an interval from now. */
  rest(): void {
    this.#cancel()
    if (this.#stopped) return
    const { clock, spacingMs } = this.#options
    this.#cancel = clock.after(spacingMs(), () => this.beat())
  }

  /** For good. */
  stop(): void {
    this.#stopped = true
    this.#cancel()
  }
}
