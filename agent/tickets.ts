// Tickets of TLS sessions: with one, the next connection to the same broker begins with fewer bytes and no certificates.
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { BrokerAddress } from './reach.js'

/** Of an earlier session, to begin the next one with. */
export interface Ticket {
  readonly session: Buffer
  /** TLS 1.3: what is left of older versions need not be offered with it. */
  readonly isNewest: boolean
}

export class Tickets {
  #ticket: Ticket | undefined
  /** Which broker it is of, and with which certificate it was had: it would bring the old one back. */
  #of = ''

  /** What to connect with. */
  use(broker: BrokerAddress): { ticket?: Ticket } {
    const of = `${broker.url} ${broker.cert ?? ''}`
    if (of !== this.#of) this.#ticket = undefined
    this.#of = of
    return this.#ticket === undefined ? {} : { ticket: this.#ticket }
  }

  /** Takes the tickets that come on a connection; each is good for one. */
  collect(stream: Duplex): void {
    if (!(stream instanceof TLSSocket)) return
    const of = this.#of
    stream.on('session', (session: Buffer) => {
      // Also of a server that has just been turned away.
      if (of === this.#of && !stream.destroyed) this.#ticket = { session, isNewest: stream.getProtocol() === 'TLSv1.3' }
    })
  }

  forget(): void {
    this.#ticket = undefined
  }
}
