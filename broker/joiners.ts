// Connections of devices that ask to join. Whoever reaches the port may make them, so they are few, and none may stay in another's way.
import type { Duplex } from 'node:stream'
import type { Clock } from '../protocol/clock.js'
import type { BrokerLimits } from './limits.js'
import { ConnectRate } from './rate.js'

export class Joiners {
  /** In the order in which they came. */
  readonly #open = new Set<Duplex>()
  readonly #most: number
  readonly #rate: ConnectRate
  readonly #clock: Clock

  constructor({ joiners, joinRate, joinRatePerAddress }: BrokerLimits, clock: Clock) {
    this.#most = joiners
    this.#rate = new ConnectRate(joinRate, joinRatePerAddress)
    this.#clock = clock
  }

  admits(address: string): boolean {
    return this.#rate.allows(address, this.#clock.monotonic())
  }

  /** A device with a token needs a moment only, and one that waits for a person comes back: the one that has been there longest makes room. */
  enter(connection: Duplex): void {
    this.#open.add(connection)
    connection.once('close', () => this.#open.delete(connection))
    if (this.#open.size <= this.#most) return
    for (const oldest of this.#open) {
      this.#open.delete(oldest)
      oldest.destroy()
      return
    }
  }
}
