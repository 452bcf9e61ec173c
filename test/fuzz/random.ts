// Random choices that are the same for the same seed, part and case.

export class Random {
  #state: number

  constructor(...seeds: readonly (number | string)[]) {
    this.#state = hash(seeds.join(' '))
  }

  /** mulberry32. A whole number from 0 to `most - 1`. */
  below(most: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % most
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(list: readonly T[]): T {
    const [first] = list
    if (first === undefined) throw new Error('nothing to pick from')
    return list[this.below(list.length)] ?? first
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let n = 0; n < length; n++) bytes[n] = this.below(256)
    return bytes
  }

  /** Mostly small, sometimes near a limit that somebody may have forgotten. */
  length(): number {
    return this.once(200) ? this.pick([255, 256, 4096, 65_535, 65_536]) : this.below(this.once(4) ? 200 : 12)
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let n = 0; n < text.length; n++) value = Math.imul(value ^ text.charCodeAt(n), 0x01000193)
  return value
}
