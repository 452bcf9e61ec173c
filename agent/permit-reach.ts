// Whether there is a broker that permits could come from: in a session, and for a lease after the end of one in which all of them were heard.
import type { Clock } from '../protocol/clock.js'

export interface PermitReachOptions {
  readonly clock: Clock
  readonly leaseMs: () => number
}

export class PermitReach {
  readonly #options: PermitReachOptions
  #inSession = false
  /** When the last session ended in which all was heard. */
  #lostAtMs: number | undefined

  constructor(options: PermitReachOptions) {
    this.#options = options
  }

  get inSession(): boolean {
    return this.#inSession
  }

  get isReachable(): boolean {
    const endsAtMs = this.endsAtMs
    return this.#inSession || (endsAtMs !== undefined && this.#options.clock.monotonic() < endsAtMs)
  }

  /** When the lease ends, monotonic ms; undefined while none runs or has run. */
  get endsAtMs(): number | undefined {
    return this.#inSession || this.#lostAtMs === undefined ? undefined : this.#lostAtMs + this.#options.leaseMs()
  }

  /** The lease of the session before runs on: this one may end before anything is heard. */
  begin(): void {
    this.#inSession = true
  }

  noteAllHeard(): void {
    if (this.#inSession) this.#lostAtMs = undefined
  }

  end(isAllHeard: boolean): void {
    if (this.#inSession && isAllHeard) this.#lostAtMs = this.#options.clock.monotonic()
    this.#inSession = false
  }
}
