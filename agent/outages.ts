// When the Engine was away, so that what ended then is not taken for what ended by itself.
import type { Outage } from './core/desired.js'

/** Containers end a little before the Engine's stream does. */
const leadMs = 15_000
const most = 20

/** Times are wall clock, ms. */
export class Outages {
  readonly #list: Outage[]
  #downSince: number | undefined

  /** Until `bootedAtMs` containers may have ended with the device. */
  constructor(bootedAtMs: number) {
    this.#list = [{ fromMs: 0, toMs: bootedAtMs }]
  }

  get list(): readonly Outage[] {
    return this.#list
  }

  begin(nowMs: number): void {
    this.#downSince ??= nowMs
  }

  /** True if there was one. The device's start is never forgotten. */
  end(nowMs: number): boolean {
    if (this.#downSince === undefined) return false
    this.#list.push({ fromMs: this.#downSince - leadMs, toMs: nowMs })
    if (this.#list.length > most) this.#list.splice(1, 1)
    this.#downSince = undefined
    return true
  }
}
