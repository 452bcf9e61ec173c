// The open connections: how many may come in, and how they are seen off.
import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from '../protocol/clock.js'
import type { BrokerLimits } from './limits.js'
import { ConnectRate } from './rate.js'
import type { Tally } from './tally.js'

/** How long connections may take what has been written to them. */
const farewellMs = 500

export class Entrance {
  readonly #open = new Set<Duplex>()
  readonly #limits: BrokerLimits
  readonly #rate: ConnectRate
  readonly #tally: Tally
  readonly #clock: Clock
  #closed = false

  constructor(limits: BrokerLimits, tally: Tally, clock: Clock) {
    this.#limits = limits
    this.#rate = new ConnectRate(limits.connectRate, limits.connectRatePerAddress)
    this.#tally = tally
    this.#clock = clock
  }

  get size(): number {
    return this.#open.size
  }

  /** Whether one more connection from this address may come in now. */
  admits(address: string): boolean {
    if (this.#closed) return false
    const full = this.#open.size >= this.#limits.connections
    const fits = !full && this.#rate.allows(address, this.#clock.monotonic())
    if (!fits) this.#tally.drop(full ? 'connections-full' : 'connect-rate', address)
    return fits
  }

  enter(connection: Duplex): void {
    this.#open.add(connection)
    connection.once('close', () => this.#open.delete(connection))
  }

  /** Acknowledgements that were just written still get out; then the connections are cut. */
  async close(): Promise<void> {
    this.#closed = true
    const connections = [...this.#open]
    const ended = connections.map(connection => new Promise<void>(resolve => connection.end(resolve)))
    let cancel = (): void => {}
    const late = new Promise<void>(resolve => {
      cancel = systemClock.after(farewellMs, resolve)
    })
    await Promise.race([Promise.allSettled(ended), late])
    cancel()
    for (const connection of connections) connection.destroy()
  }
}
