// Things that are told once in a while however often they happen, in bounded number.

export class Once {
  readonly #againMs: number
  readonly #atMost: number
  readonly #told = new Map<string, number>()

  /** At most so many different things within the time. */
  constructor({ againMs, atMost }: { readonly againMs: number; readonly atMost: number }) {
    this.#againMs = againMs
    this.#atMost = atMost
  }

  isNew(key: string, now: number): boolean {
    for (const [each, at] of this.#told) {
      if (now - at < this.#againMs) break
      this.#told.delete(each)
    }
    if (this.#told.has(key) || this.#told.size >= this.#atMost) return false
    this.#told.set(key, now)
    return true
  }
}
