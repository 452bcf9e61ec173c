// How far the pulls of all apps are, as it is reported: seldom enough for a thin link.
import type { Clock } from '../protocol/clock.js'
import type { PullProgress } from './engine.js'

export interface Pulled {
  readonly bytes: number
  readonly total: number
}

/** Progress alone is reported no more often, and only when it has moved so far. */
const spacingMs = 5_000
const stepPercent = 5

export class PullBoard {
  readonly #clock: Clock
  readonly #onChange: () => void
  readonly #newest = new Map<string, Pulled>()
  #shown = new Map<string, Pulled>()
  #shownAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  note({ image, currentBytes, totalBytes }: PullProgress): void {
    if (totalBytes === 0) return
    this.#newest.set(image, { bytes: Math.min(currentBytes, totalBytes), total: totalBytes })
    const now = this.#clock.monotonic()
    if (now - this.#shownAt < spacingMs || !this.#hasMoved(image)) return
    this.#shownAt = now
    this.#shown = new Map(this.#newest)
    this.#onChange()
  }

  /** What is reported of an image's pull; undefined before anything is known. */
  shown(image: string): Pulled | undefined {
    return this.#shown.get(image)
  }

  end(image: string): void {
    this.#newest.delete(image)
    this.#shown.delete(image)
  }

  #hasMoved(image: string): boolean {
    const shown = this.#shown.get(image)
    const newest = this.#newest.get(image)
    return shown === undefined || newest === undefined || Math.abs(percentOf(newest) - percentOf(shown)) >= stepPercent
  }
}

function percentOf({ bytes, total }: Pulled): number {
  return (bytes / total) * 100
}
