// Rounds of steps with no look between them, as long as what they bring about is known without one.
import type { Memory, Wish } from './core/desired.js'
import { plan } from './core/plan.js'
import { foldSteps } from './core/simulate.js'
import type { Step } from './core/step.js'
import type { CreatedIds } from './execute.js'
import type { Look } from './look.js'

export interface Rounds {
  readonly wish: Wish
  /** Asked before each round. */
  readonly memory: () => Memory
  readonly now: () => number
  readonly take: (steps: readonly Step[]) => Promise<CreatedIds>
  /** True when this wish is no longer to be followed. */
  readonly isOver: () => boolean
}

/** What a pull brings, and whether something removed is gone, is only known by looking. */
const foreseeable: ReadonlySet<Step['kind']> = new Set(['createNetwork', 'createVolume', 'create', 'rename', 'start', 'stop'])

/** Whoever calls this looks again afterwards: only then is it known what has become of it. Throws what a step throws. */
export async function takeRounds({ observed, steps }: Look, { wish, memory, now, take, isOver }: Rounds): Promise<void> {
  let [state, next] = [observed, steps]
  while (next.length > 0 && !isOver()) {
    const ids = await take(next)
    if (!next.every(({ kind }) => foreseeable.has(kind))) return
    state = foldSteps(state, next, ids)
    next = plan(wish, state, memory(), now())
  }
}
