// How long after the end of a session, or of an attempt at one, the next attempt comes.

import { leaseMs } from '../protocol/link.js'
import type { Link } from '../protocol/messages/link.js'
import { type BackoffLimits, backoffMs, withinLease } from './core/backoff.js'

export interface RetriesOptions {
  readonly retries: BackoffLimits
  /** How the link is to be used, now. */
  readonly settings: () => Pick<Link, 'intervalS'>
  readonly random: () => number
}

/** A session that lasted this long was a good one: the next attempts start from the shortest delay. */
const goodSessionMs = 30_000

export class Retries {
  readonly #options: RetriesOptions
  #failures = 0

  constructor(options: RetriesOptions) {
    this.#options = options
  }

  /** `lastedMs`: of the session; 0 if there was none. */
  nextMs(lastedMs: number, atLeastMs: number): number {
    const { retries, settings, random } = this.#options
    this.#failures = lastedMs >= goodSessionMs ? 1 : this.#failures + 1
    return Math.max(atLeastMs * (1 + random()), backoffMs(this.#failures, withinLease(retries, leaseMs(settings().intervalS)), random()))
  }
}
