// One app's loop while there is no permit: what waits, what is refused, and the time that a trial gets back.
import { SkerryError } from '../protocol/errors.js'
import { describeHold } from './core/hold.js'
import type { Step } from './core/step.js'
import type { Clearance } from './interlock.js'
import type { Restarts } from './restart.js'
import type { Trial } from './trial.js'

/** Steps that need no permit. */
const free: readonly Step['kind'][] = ['pull', 'refuse']

export class Rest {
  readonly #clearance: () => Clearance
  readonly #restarts: Restarts
  #resting = false
  /** It was held, and not only waiting to know, since it last might act. */
  #wasHeld = false
  #waits = false

  constructor(clearance: () => Clearance, restarts: Restarts) {
    this.#clearance = clearance
    this.#restarts = restarts
  }

  /** Whether the loop found no permit when it last looked. */
  get resting(): boolean {
    return this.#resting
  }

  /** Something is left to do that is not done for want of a permit. */
  get holdsBack(): boolean {
    return this.#waits && this.#clearance().hold !== undefined
  }

  /** Why a restart is not done; undefined if it may be. */
  refusal(): SkerryError | undefined {
    const { hold } = this.#clearance()
    return hold && new SkerryError('device.held', describeHold(hold))
  }

  mayAct(): boolean {
    return this.#clearance().mayAct
  }

  /** Of what is left to do, what may be done. What was asked for besides is refused, and a trial has all its time when there is a permit again. */
  look(steps: readonly Step[], isMore: boolean, trial: Trial | undefined): readonly Step[] {
    const refusal = this.refusal()
    if (refusal !== undefined) this.#restarts.refuse(refusal)
    const mayAct = this.mayAct()
    if (mayAct && this.#wasHeld) trial?.resume()
    this.#wasHeld = !mayAct && (this.#wasHeld || refusal !== undefined)
    this.#resting = !mayAct
    this.#waits = !mayAct && isMore
    return mayAct ? steps : steps.filter(({ kind }) => free.includes(kind))
  }
}
