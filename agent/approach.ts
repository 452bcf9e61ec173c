// What to connect to the broker with: a certificate that has ended, or that was refused, is replaced first if the broker lets it.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { Identity } from './identity/identity.js'
import { type BrokerAddress, type ServerMemory, withIdentity } from './reach.js'
import type { Renewal } from './renewal.js'

export interface ApproachOptions {
  readonly broker: BrokerAddress
  readonly identity: Identity | undefined
  readonly renewal: Renewal | undefined
  readonly memory: ServerMemory
  readonly clock: Clock
  readonly log: Logger
}

/** A certificate that has just come is not refused for its age. */
const freshMs = 24 * 60 * 60_000

export class Approach {
  readonly #options: ApproachOptions
  #refused = false
  /** Monotonic time until which the certificate is young. */
  #freshUntil = 0

  constructor(options: ApproachOptions) {
    this.#options = options
  }

  /** The broker has, or has not, taken the certificate the last time. */
  noteRefused(refused: boolean): void {
    this.#refused = refused
  }

  /** The broker keeps from the device what is its own, as it does when by its clock the certificate has ended. True if another session is to be tried. */
  noteDenied(): boolean {
    const { renewal, clock } = this.#options
    if (renewal === undefined || clock.monotonic() < this.#freshUntil) return false
    this.#refused = true
    return true
  }

  async next(): Promise<BrokerAddress> {
    const { broker, identity, renewal, memory, clock, log } = this.#options
    const address = (): BrokerAddress => ({ ...withIdentity(broker, identity?.credentials), memory })
    if (renewal === undefined || identity === undefined) return address()
    if (!this.#refused && !identity.hasLapsed(clock.now())) return address()
    this.#refused = false
    const before = identity.membership?.certificate
    await renewal.visit(address()).catch((error: unknown) => log.debug({ err: error }, 'no certificate could be had'))
    if (identity.membership?.certificate !== before) this.#freshUntil = clock.monotonic() + freshMs
    return address()
  }
}
