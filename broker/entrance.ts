// The open connections: how many may come in, and how they are seen off.
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from '../protocol/clock.js'
import type { BrokerLimits } from './limits.js'
import type { Arrival } from './listeners.js'
import { ConnectRate } from './rate.js'
import type { DropReason, Tally } from './tally.js'
import { Waiting } from './waiting.js'

/** How long connections may take what has been written to them. */
const farewellMs = 500

export class Entrance {
  readonly #open = new Set<Duplex>()
  /** Every socket, those in a handshake too. */
  #sockets = 0
  readonly #waiting: Waiting
  readonly #limits: BrokerLimits
  readonly #rate: ConnectRate
  readonly #tally: Tally
  readonly #clock: Clock
  #closed = false

  constructor(limits: BrokerLimits, tally: Tally, clock: Clock) {
    this.#limits = limits
    this.#rate = new ConnectRate(limits.connectRate, limits.connectRatePerAddress)
    this.#waiting = new Waiting(limits.waiting, limits.waitingPerAddress)
    this.#tally = tally
    this.#clock = clock
  }

  get size(): number {
    return this.#open.size
  }

  /** Whether one more connection from this address may come in now. `name` tells it from all others that are open. */
  admits(socket: Socket, { address, socket: name }: Pick<Arrival, 'address' | 'socket'>): boolean {
    if (this.#closed) return false
    const fault = this.#fault(address, name)
    if (fault !== undefined) {
      this.#tally.drop(fault, address)
      return false
    }
    this.#sockets++
    socket.once('close', () => {
      this.#sockets--
      this.#waiting.leave(name)
    })
    return true
  }

  #fault(address: string, name: string): DropReason | undefined {
    if (this.#sockets >= this.#limits.connections) return 'connections-full'
    if (!this.#rate.allows(address, this.#clock.monotonic())) return 'connect-rate'
    return this.#waiting.enter(name, address) ? undefined : 'waiting-full'
  }

  /** The client of this connection has been let in. */
  settle(name: string): void {
    this.#waiting.leave(name)
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
