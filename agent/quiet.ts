// The link's quiet hours, by the device's clock: whether they are now, and whether that clock can be asked at all.
import type { Clock } from '../protocol/clock.js'
import type { Link } from '../protocol/messages/link.js'
import type { Fault } from '../protocol/messages/message.js'
import { quietForMs } from '../protocol/quiet.js'

export interface QuietOptions {
  readonly clock: Clock
  /** The hours that are set, now. */
  readonly hours: () => Link['quiet']
  /** A time that has certainly come, ms since 1970. */
  readonly floorMs: () => number
}

export class Quiet {
  readonly #options: QuietOptions

  constructor(options: QuietOptions) {
    this.#options = options
  }

  /** How long the quiet goes on, ms; 0 if there is none now, or if nobody knows what time it is. */
  forMs(): number {
    const { clock, hours } = this.#options
    return this.#isClockWrong() ? 0 : quietForMs(hours(), clock.now())
  }

  /** Quiet hours that cannot be kept. */
  faults(): Fault[] {
    const { clock, hours } = this.#options
    if ((hours() ?? []).length === 0 || !this.#isClockWrong()) return []
    const shown = new Date(clock.now()).toISOString().slice(0, 10)
    return [{ code: 'clock.wrong', message: `quiet hours are not kept: the device's clock is wrong, it says ${shown}` }]
  }

  #isClockWrong(): boolean {
    return this.#options.clock.now() < this.#options.floorMs()
  }
}
