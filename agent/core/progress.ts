// Whether an app with nothing left to plan is done, is waited for, or will not come.
import type { Refusal } from '../../protocol/errors.js'
import type { Memory, RunningWish, Wish } from './desired.js'
import { judgeEnding } from './ended.js'
import { scaleOf } from './labels.js'
import { type Match, matchContainers } from './match.js'
import type { Observed } from './observed.js'
import { dependencyFault, serviceFault } from './report.js'

export type Outcome = { readonly state: 'done' | 'waiting' } | { readonly state: 'failed'; readonly refusal: Refusal }

/** `healthy`: done means healthy, not only started. */
export function judgeProgress(wish: Wish, observed: Observed, memory: Memory, healthy: boolean): Outcome {
  if (wish.run !== 'running') return { state: observed.containers.some(({ state }) => state === 'removing') ? 'waiting' : 'done' }
  const match = matchContainers(wish, observed)
  const outcomes = Object.keys(wish.project.services).map(name => judgeService(wish, match, memory, { name, healthy }))
  if (match.obsolete.length > 0) outcomes.push({ state: 'waiting' })
  return worstOutcome(outcomes)
}

function judgeService(wish: RunningWish, match: Match, memory: Memory, { name, healthy }: { name: string; healthy: boolean }): Outcome {
  const containers = match.current.get(name) ?? []
  const spec = wish.project.services[name]
  if (spec === undefined || containers.length < scaleOf(spec)) return { state: 'waiting' }
  const unmet = dependencyFault(wish, match, memory, name)
  if (unmet !== undefined) return { state: 'failed', refusal: unmet }
  const outcomes = containers.map((container): Outcome => {
    const refusal = healthy ? serviceFault(wish, container, memory) : undefined
    if (refusal !== undefined) return { state: 'failed', refusal }
    if (container.state === 'created') return { state: 'waiting' }
    if (container.state === 'exited' && judgeEnding(container, spec.restart, memory) === 'start') return { state: 'waiting' }
    return { state: healthy && container.health === 'starting' ? 'waiting' : 'done' }
  })
  return worstOutcome(outcomes)
}

function worstOutcome(outcomes: readonly Outcome[]): Outcome {
  return outcomes.find(({ state }) => state === 'failed') ?? outcomes.find(({ state }) => state === 'waiting') ?? { state: 'done' }
}
