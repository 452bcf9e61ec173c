// How the tries of one thing go: what failed last, how often in a row, and when to try again.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { type Refusal, SkerryError } from '../protocol/errors.js'
import { type BackoffLimits, backoffMs } from './core/backoff.js'

const usual: BackoffLimits = { firstMs: 2_000, maxMs: 5 * 60_000 }
/** For what is not likely to mend itself. */
const patient: BackoffLimits = { firstMs: 10_000, maxMs: 10 * 60_000 }

export interface TriesOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  /** What failed, for the log. */
  readonly failing: string
}

export class Tries {
  readonly #options: TriesOptions
  #fault: Refusal | undefined
  #failures = 0
  /** Monotonic time before which nothing is tried again. */
  #dueAt = 0

  constructor(options: TriesOptions) {
    this.#options = options
  }

  /** Why the last try failed, if not for want of an Engine. */
  get fault(): Refusal | undefined {
    return this.#fault
  }

  isDue(): boolean {
    return this.#options.clock.monotonic() >= this.#dueAt
  }

  /** Everything is tried again; what failed is gone, or of no account any more. */
  clear(): void {
    this.#fault = undefined
    this.#failures = 0
    this.#dueAt = 0
  }

  /** Returns when to try again, ms from now. An Engine that is away is nobody's fault: any sign of it ends the wait. */
  note(failure: SkerryError, hopeful = failure.retryable): number {
    const { clock, random } = this.#options
    const delay = backoffMs(++this.#failures, hopeful ? usual : patient, random())
    if (failure.code === 'engine.unavailable') return delay
    this.#dueAt = clock.monotonic() + delay
    this.#blame(failure)
    return delay
  }

  #blame({ refusal, cause }: SkerryError): void {
    const { log, failing } = this.#options
    const isKnown = JSON.stringify(refusal) === JSON.stringify(this.#fault)
    if (!isKnown) log.error({ ...refusal, ...(refusal.code === 'internal' ? { err: cause } : {}) }, failing)
    this.#fault = refusal
  }
}

export function asFailure(error: unknown): SkerryError {
  return error instanceof SkerryError ? error : new SkerryError('internal', String(error), { cause: error })
}
