// Since when the device is held: of one and the same hold it is the same time, over restarts too.
import type { Hold } from '../protocol/messages/reported.js'

export interface HoldDatesOptions {
  readonly disk: { loadHold(): Hold | undefined; saveHold(hold: Hold | undefined): void }
  /** Whole seconds since 1970; undefined where the device's clock is certainly wrong. */
  readonly nowS: () => number | undefined
}

export class HoldDates {
  readonly #options: HoldDatesOptions
  #last: Hold | undefined
  #saved: Hold | undefined

  constructor(options: HoldDatesOptions) {
    this.#options = options
    this.#last = options.disk.loadHold()
    this.#saved = this.#last
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

  save(): void {
    if (this.#saved === this.#last) return
    this.#saved = this.#last
    this.#options.disk.saveHold(this.#last)
  }
}

function isSame(one: Hold, other: Hold): boolean {
  return one.by === other.by && one.group === other.group && one.why === other.why && one.who === other.who
}
