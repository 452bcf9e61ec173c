// What to connect to the broker with: a certificate that has ended, or that was refused, is replaced first if the broker lets it.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { Identity } from './identity/identity.js'
import { type BrokerAddress, withIdentity } from './reach.js'
import type { Renewal } from './renewal.js'

export interface ApproachOptions {
  readonly broker: BrokerAddress
  readonly identity: Identity | undefined
  readonly renewal: Renewal | undefined
  readonly clock: Clock
  readonly log: Logger
}

export class Approach {
  readonly #options: ApproachOptions
  #refused = false

  constructor(options: ApproachOptions) {
    this.#options = options
  }

  /** The broker has, or has not, taken the certificate the last time. */
  noteRefused(refused: boolean): void {
    this.#refused = refused
  }

  async next(): Promise<BrokerAddress> {
    const { broker, identity, renewal, clock, log } = this.#options
    const address = (): BrokerAddress => withIdentity(broker, identity?.credentials)
    if (renewal === undefined || identity === undefined) return address()
    if (!this.#refused && !identity.hasLapsed(clock.now())) return address()
    this.#refused = false
    await renewal.visit(address()).catch((error: unknown) => log.debug({ err: error }, 'no certificate could be had'))
    return address()
  }
}
