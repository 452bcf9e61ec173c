// What one app's loop needs of its surroundings, and what it tells them.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { SkerryError } from '../protocol/errors.js'
import type { Observed } from './core/observed.js'
import type { Verdict } from './core/trial.js'
import type { Engine } from './engine.js'
import type { UsedImage } from './images.js'
import type { Clearance } from './interlock.js'
import type { PullGate } from './pull-gate.js'
import type { PullBoard } from './pulls.js'
import type { Target } from './target.js'

/** The end of a trial. `touched`: containers of before have been stopped or removed for it. */
export type Outcome =
  | { readonly state: 'good'; readonly observed: Observed }
  | { readonly state: 'failed'; readonly error: SkerryError; readonly touched: boolean }

export interface LanePorts {
  readonly engine: Engine
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly pulls: PullBoard
  readonly gate: Pick<PullGate, 'isWaiting' | 'deferral'>
  /** Whether containers, networks and volumes may be changed now; asked before each round of steps. */
  readonly clearance: () => Clearance
  /** Puts the files of the target's spec where containers find them. Called before anything is made; throws why it cannot. */
  readonly prepare: (target: Target) => void
  /** Something that is reported may have changed. */
  readonly onChange: () => void
  /** A trial begins, and this is what there was before its first step. */
  readonly onTrial: (target: Target, observed: Observed) => void
  readonly onOutcome: (target: Target, outcome: Outcome) => void
  /** Images have been pulled or built. */
  readonly onImages: (images: readonly UsedImage[]) => void
  /** Nothing is left to do for this target. */
  readonly onConverged: (target: Target, observed: Observed) => void
  readonly onUnavailable: () => void
}

export function outcomeOf(verdict: Verdict, observed: Observed): Outcome {
  if (verdict.state !== 'failed') return { state: 'good', observed }
  const { code, message, path } = verdict.refusal
  return { state: 'failed', error: new SkerryError(code, message, { path, retryable: false }), touched: true }
}
