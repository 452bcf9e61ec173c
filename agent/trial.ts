// The trial of a new revision as it goes on: how long it has lasted, and how often something went wrong.
import type { Clock } from '../protocol/clock.js'
import type { SkerryError } from '../protocol/errors.js'
import type { Memory, RunningWish } from './core/desired.js'
import type { Observed } from './core/observed.js'
import { judgeTrial, nextJudgementMs, type TrialTimes, type Verdict } from './core/trial.js'
import type { Target } from './target.js'

/** Steps that fail so often in a row have failed for good; what is not likely to mend itself, sooner. */
const tries = 3
const hopelessTries = 2

export class Trial {
  readonly #clock: Clock
  readonly #settleMs: number | undefined
  readonly #tries: number | undefined
  #actedAt: number
  #steadyAt: number
  #seen = ''
  #failures = 0
  #times: TrialTimes | undefined

  /** `tries`: how often a step may fail, if not as usual. */
  constructor(clock: Clock, { settleMs, tries }: { settleMs: number | undefined; tries?: number }) {
    this.#clock = clock
    this.#settleMs = settleMs
    this.#tries = tries
    this.#actedAt = clock.monotonic()
    this.#steadyAt = this.#actedAt
  }

  /** A step has been taken: the time begins anew. */
  noteStep(): void {
    this.#actedAt = this.#clock.monotonic()
    this.#failures = 0
  }

  /** Nothing was allowed to be done meanwhile: the time begins anew. */
  resume(): void {
    this.#actedAt = this.#clock.monotonic()
  }

  /** True if it has failed with this. */
  noteFailure({ retryable }: SkerryError): boolean {
    return ++this.#failures >= (this.#tries ?? (retryable ? tries : hopelessTries))
  }

  judge(wish: RunningWish, observed: Observed, memory: Memory, ends: TrialTimes['ends']): Verdict {
    const now = this.#clock.monotonic()
    const seen = JSON.stringify(observed.containers.map(({ id, state, restarts }) => [id, state, restarts]).sort())
    if (seen !== this.#seen) this.#steadyAt = now
    this.#seen = seen
    const steadyMs = now - Math.max(this.#steadyAt, this.#actedAt)
    this.#times = { elapsedMs: now - this.#actedAt, steadyMs, settleMs: this.#settleMs, ends }
    return judgeTrial(wish, observed, memory, this.#times)
  }

  /** When to judge again though nothing has happened, ms from now. */
  nextMs(): number {
    return this.#times === undefined ? 0 : nextJudgementMs(this.#times)
  }
}

/** What failed before is tried but once more. */
export function openTrial(clock: Clock, { trial, failed }: Target): Trial | undefined {
  if (trial === undefined) return undefined
  return new Trial(clock, { settleMs: trial.settleMs, ...(failed === undefined ? {} : { tries: 1 }) })
}
