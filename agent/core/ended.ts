// What to make of a container that has ended: start it again, or take its word for it.
import type { Restart } from '../../protocol/compose/project.js'
import type { Memory } from './desired.js'
import type { ObservedContainer } from './observed.js'

/** Ended by a signal, by hand or with the Engine: not by its own decision. */
const killedCodes: readonly number[] = [137, 143, 255]

export type Ending = 'start' | 'completed' | 'failed'

export function judgeEnding(container: ObservedContainer, restart: Restart, memory: Memory): Ending {
  const { finishedAt } = container
  if (memory.outages.some(({ fromMs, toMs }) => finishedAt >= fromMs && finishedAt <= toMs)) return 'start'
  const policy = restart.policy === 'no' ? memory.restart : restart.policy
  if (policy === 'always' || policy === 'unless-stopped') return 'start'
  if (container.exitCode === 0) return 'completed'
  if (finishedAt < memory.sinceMs) return 'start'
  if (policy === 'on-failure') return isSpent(container, restart) ? 'failed' : 'start'
  return killedCodes.includes(container.exitCode) ? 'start' : 'failed'
}

function isSpent({ restarts }: ObservedContainer, { maxRetries }: Restart): boolean {
  return maxRetries !== undefined && maxRetries > 0 && restarts >= maxRetries
}
