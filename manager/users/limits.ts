// How often somebody may guess: by account and address, by address, and by account, in bounded memory.

interface Allowance {
  /** Guesses that may come at once. */
  readonly burst: number
  /** After which one more may come. */
  readonly refillMs: number
}

const allowances = {
  pair: { burst: 10, refillMs: 30_000 },
  address: { burst: 50, refillMs: 5_000 },
  account: { burst: 100, refillMs: 10_000 },
} as const satisfies Readonly<Record<string, Allowance>>

const maxKeys = 10_000

/** Guesses by key; the least recently used key is forgotten first. */
class Buckets {
  readonly #allowance: Allowance
  readonly #used = new Map<string, { used: number; at: number }>()

  constructor(allowance: Allowance) {
    this.#allowance = allowance
  }

  /** How long until one more may come, ms; 0 if it may now. */
  wait(key: string, now: number): number {
    const { burst, refillMs } = this.#allowance
    const excess = this.#level(key, now) + 1 - burst
    return excess <= 0 ? 0 : Math.ceil(excess * refillMs)
  }

  add(key: string, count: number, now: number): void {
    const used = Math.max(0, this.#level(key, now) + count)
    this.#used.delete(key)
    if (used > 0) this.#used.set(key, { used, at: now })
    const [oldest] = this.#used.keys()
    if (this.#used.size > maxKeys && oldest !== undefined) this.#used.delete(oldest)
  }

  #level(key: string, now: number): number {
    const { used = 0, at = now } = this.#used.get(key) ?? {}
    return Math.max(0, used - (now - at) / this.#allowance.refillMs)
  }
}

export class LoginLimits {
  readonly #buckets = {
    pair: new Buckets(allowances.pair),
    address: new Buckets(allowances.address),
    account: new Buckets(allowances.account),
  }
  /** Accounts and addresses that belong together: what others guess does not shut them out. */
  readonly #known = new Set<string>()

  /** How long somebody has to wait, ms; 0 if they may try now. */
  wait(name: string, address: string, now: number): number {
    const { pair, source } = keysOf(name, address)
    const own = this.#buckets.pair.wait(pair, now)
    if (this.#known.has(pair)) return own
    return Math.max(own, this.#buckets.address.wait(source, now), this.#buckets.account.wait(name, now))
  }

  /** Counts a guess that is about to be tried, or takes it back. */
  count(name: string, address: string, { guesses, now }: { guesses: 1 | -1; now: number }): void {
    const { pair, source } = keysOf(name, address)
    this.#buckets.pair.add(pair, guesses, now)
    this.#buckets.address.add(source, guesses, now)
    this.#buckets.account.add(name, guesses, now)
  }

  /** They have logged in. */
  know(name: string, address: string): void {
    const { pair } = keysOf(name, address)
    this.#known.delete(pair)
    this.#known.add(pair)
    const [oldest] = this.#known
    if (this.#known.size > maxKeys && oldest !== undefined) this.#known.delete(oldest)
  }
}

/** Whoever has an IPv6 network of their own has all of its addresses. */
function keysOf(name: string, address: string): { pair: string; source: string } {
  const source = address.includes(':') ? address.split(':').slice(0, 4).join(':') : address
  return { pair: `${source} ${name}`, source }
}
