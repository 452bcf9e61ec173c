// Since when the device is held: of one and the same hold it is the same time, over restarts too.
import type { Clock } from '../protocol/clock.js'
import type { Hold } from '../protocol/messages/reported.js'
import { Timers } from './timers.js'

export interface HoldDatesOptions {
  readonly disk: { loadHold(): Hold | undefined; saveHold(hold: Hold | undefined): void }
  /** Whole seconds since 1970; undefined where the device's clock is certainly wrong. */
  readonly nowS: () => number | undefined
  /** The device has left its fleet: nothing is written down any more. */
  readonly isForgotten: () => boolean
  readonly clock: Clock
}

/** Flash wears out: a hold that comes and goes sooner is not written down. */
const standsMs = 60_000

export class HoldDates {
  readonly #options: HoldDatesOptions
  readonly #timers: Timers
  #last: Hold | undefined
  #saved: Hold | undefined
  /** What was there when it was last noted. */
  #noted: Hold | undefined

  constructor(options: HoldDatesOptions) {
    this.#options = options
    this.#timers = new Timers(options.clock)
    this.#last = options.disk.loadHold()
    this.#saved = this.#last
    this.#noted = this.#last
  }

  /** One that does not stand already begins now. */
  date(hold: Hold): Hold {
    if (this.#last === undefined || !isSame(this.#last, hold)) {
      const since = this.#options.nowS()
      this.#last = { ...hold, ...(since === undefined ? {} : { since }) }
    }
    return this.#last
  }

  /** The device may act: the next hold is another one. */
  end(): void {
    this.#last = undefined
  }

  /** What stands is written down when it has stood for a while; that nothing stands, too. */
  note(): void {
    if (this.#noted === this.#last) return
    this.#noted = this.#last
    this.#timers.after('save', standsMs, () => this.#save())
  }

  /** Writes down what is not yet. */
  stop(): void {
    this.#timers.close()
    this.#save()
  }

  #save(): void {
    if (this.#saved === this.#last || this.#options.isForgotten()) return
    this.#saved = this.#last
    this.#options.disk.saveHold(this.#last)
  }
}

function isSame(one: Hold, other: Hold): boolean {
  return one.by === other.by && one.group === other.group && one.why === other.why && one.who === other.who
}
