// The newest value of each topic, in bounded memory: what was neither written nor read for longest goes first.

export interface Heard {
  readonly payload: Uint8Array
  /** Wall clock, ms. */
  readonly at: number
}

export interface RecentLimits {
  readonly topics: number
  /** Names and payloads. */
  readonly bytes: number
}

export class Recent {
  readonly #limits: RecentLimits
  /** In the order of their last use. */
  readonly #values = new Map<string, Heard>()
  #bytes = 0

  constructor(limits: RecentLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#values.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(topic: string): Heard | undefined {
    const value = this.#values.get(topic)
    if (value === undefined) return undefined
    this.#values.delete(topic)
    this.#values.set(topic, value)
    return value
  }

  /** Keeps a copy. */
  set(topic: string, { payload, at }: Heard): void {
    this.delete(topic)
    this.#values.set(topic, { payload: new Uint8Array(payload), at })
    this.#bytes += weigh(topic, payload)
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.#limits.topics && this.#bytes <= this.#limits.bytes) break
      this.delete(oldest)
    }
  }

  delete(topic: string): void {
    const value = this.#values.get(topic)
    if (value === undefined) return
    this.#values.delete(topic)
    this.#bytes -= weigh(topic, value.payload)
  }

  clear(): void {
    this.#values.clear()
    this.#bytes = 0
  }
}

function weigh(topic: string, payload: Uint8Array): number {
  return topic.length + payload.length
}
