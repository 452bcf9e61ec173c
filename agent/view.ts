// What one app's loop shows of itself.
import type { Refusal } from '../protocol/errors.js'
import type { Memory } from './core/desired.js'
import type { Observed } from './core/observed.js'
import type { Pulled } from './pulls.js'
import type { Target } from './target.js'

export interface LaneView {
  /** False until the Engine has been asked for the first time. */
  readonly known: boolean
  readonly target: Target
  readonly observed: Observed
  readonly memory: Memory
  /** True while there are steps left that have not failed. */
  readonly busy: boolean
  /** True once more than pulling has been done for the target. */
  readonly begun: boolean
  /** Services whose image is being pulled. */
  readonly pulling: ReadonlyMap<string, Pulled | undefined>
  /** Why images that have to be pulled are not, for now. */
  readonly deferred: Refusal | undefined
  /** Services in a crash loop, and how often they have ended. */
  readonly loops: ReadonlyMap<string, number>
  /** True while a new revision has neither proved itself nor failed. */
  readonly trying: boolean
  readonly fault: Refusal | undefined
  /** There are steps left that wait for a permit. */
  readonly held: boolean
}
