// Commands that wait for their turn, in the order of their arrival and in bounded memory.
import type { Arrival } from './senders.js'

/** What may wait: beyond it commands are refused at once. */
const maxWaiting = 20_000
const maxWaitingBytes = 64 * 1024 * 1024

export class Arrivals {
  #waiting: Arrival[] = []
  #bytes = 0

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** False if there is no room for it. */
  add(arrival: Arrival): boolean {
    const { length } = arrival.payload
    if (this.#waiting.length >= maxWaiting || this.#bytes + length > maxWaitingBytes) return false
    this.#waiting.push(arrival)
    this.#bytes += length
    return true
  }

  first(count: number): readonly Arrival[] {
    return this.#waiting.slice(0, count)
  }

  /** The first ones no longer wait. */
  drop(count: number): void {
    for (const { payload } of this.#waiting.splice(0, count)) this.#bytes -= payload.length
  }

  /** The others no longer wait. */
  keep(stays: (arrival: Arrival) => boolean): void {
    this.#waiting = this.#waiting.filter(stays)
    this.#bytes = this.#waiting.reduce((sum, { payload }) => sum + payload.length, 0)
  }
}
