// The heartbeat: one a beat while connected, and one at once when the interval or the Engine's state changes.
import type { Clock } from '../protocol/clock.js'

export interface PulseOptions {
  readonly clock: Clock
  readonly intervalS: () => number
  readonly beat: () => void
}

export class Pulse {
  readonly #options: PulseOptions
  #cancel = () => {}
  #intervalS = 0
  #stopped = false

  constructor(options: PulseOptions) {
    this.#options = options
  }

  /** Beats now, and from now on every interval. */
  beat(): void {
    if (this.#stopped) return
    this.#cancel()
    this.#intervalS = this.#options.intervalS()
    this.#options.beat()
    this.#cancel = this.#options.clock.after(this.#intervalS * 1000, () => this.beat())
  }

  /** Beats if the interval has changed. */
  adjust(): void {
    if (this.#intervalS !== 0 && this.#intervalS !== this.#options.intervalS()) this.beat()
  }

  /** For good. */
  stop(): void {
    this.#stopped = true
    this.#cancel()
  }
}
