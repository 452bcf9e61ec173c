// How many connections may come in, from everywhere and from one address: token buckets.
import type { Rate } from './limits.js'

export interface Bucket {
  readonly tokens: number
  /** Monotonic ms. */
  readonly at: number
}

/** The bucket after one token was taken, or undefined if it has none. */
export function take(bucket: Bucket | undefined, rate: Rate, now: number): Bucket | undefined {
  const tokens = bucket === undefined ? rate.burst : Math.min(rate.burst, bucket.tokens + ((now - bucket.at) * rate.perSecond) / 1000)
  return tokens < 1 ? undefined : { tokens: tokens - 1, at: now }
}

/** Addresses remembered at most; beyond, the one that has been quiet longest starts afresh. */
const mostAddresses = 10_000

export class ConnectRate {
  readonly #all: Rate
  readonly #each: Rate
  #bucket: Bucket | undefined
  readonly #addresses = new Map<string, Bucket>()

  constructor(all: Rate, each: Rate) {
    this.#all = all
    this.#each = each
  }

  /** Whether one more connection may come from this address now. */
  allows(address: string, now: number): boolean {
    const each = take(this.#addresses.get(address), this.#each, now)
    const all = each && take(this.#bucket, this.#all, now)
    if (each === undefined || all === undefined) return false
    this.#bucket = all
    this.#addresses.delete(address)
    this.#addresses.set(address, each)
    this.#forgetOldest()
    return true
  }

  #forgetOldest(): void {
    if (this.#addresses.size <= mostAddresses) return
    for (const oldest of this.#addresses.keys()) {
      this.#addresses.delete(oldest)
      return
    }
  }
}
