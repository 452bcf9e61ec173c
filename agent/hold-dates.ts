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
/** How often to look whether a clock that was wrong has been set. */
const lookMs = 60_000

export class HoldDates {
  readonly #options: HoldDatesOptions
  readonly #timers: Timers
  readonly #onLook: () => void
  #last: Hold | undefined
  /** When it began, or was read: boards without a battery learn the date later. Monotonic ms. */
  #begunMs: number
  #saved: Hold | undefined
  /** What was there when it was last noted. */
  #noted: Hold | undefined

  /** `onLook`: a hold without a date may have one by now. */
  constructor(options: HoldDatesOptions, onLook: () => void) {
    this.#options = options
    this.#onLook = onLook
    this.#timers = new Timers(options.clock)
    this.#last = options.disk.loadHold()
    this.#saved = this.#last
    this.#noted = this.#last
    this.#begunMs = options.clock.monotonic()
  }

  /** One that does not stand already begins now. */
  date(hold: Hold): Hold {
    if (this.#last === undefined || !isSame(this.#last, hold)) {
      this.#last = hold
      this.#begunMs = this.#options.clock.monotonic()
    }
    this.#last = this.#dated(this.#last)
    return this.#last
  }

  /** The device may act: the next hold is another one. */
  end(): void {
    this.#last = undefined
  }

  /** What stands is written down when it has stood for a while; that nothing stands, too. */
  note(): void {
    if (this.#last === undefined || this.#last.since !== undefined) this.#timers.cancel('look')
    else this.#timers.after('look', lookMs, this.#onLook)
    if (this.#noted === this.#last) return
    this.#noted = this.#last
    this.#timers.after('save', standsMs, () => this.#save())
  }

  /** Writes down what is not yet. */
  stop(): void {
    this.#timers.close()
    this.#save()
  }

  #dated(hold: Hold): Hold {
    const { nowS, clock } = this.#options
    const now = hold.since === undefined ? nowS() : undefined
    return now === undefined ? hold : { ...hold, since: now - Math.floor((clock.monotonic() - this.#begunMs) / 1000) }
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
