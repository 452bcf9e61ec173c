// Whether a service may start yet: what its dependencies must have become first.
import type { Dependency, Service } from '../../protocol/compose/project.js'
import type { Refusal } from '../../protocol/errors.js'
import type { Memory, RunningWish } from './desired.js'
import { judgeEnding } from './ended.js'
import { scaleOf } from './labels.js'
import { isRunning, type Match } from './match.js'
import type { ObservedContainer } from './observed.js'

export type Readiness = { readonly state: 'ready' | 'waiting' } | { readonly state: 'failed'; readonly refusal: Refusal }

const ready: Readiness = { state: 'ready' }
const waiting: Readiness = { state: 'waiting' }

export function judgeDependencies(wish: RunningWish, match: Match, memory: Memory, service: string): Readiness {
  const spec = wish.project.services[service]
  if (spec === undefined) return ready
  const outcomes = Object.entries(spec.dependsOn).map(([name, { condition, required }]) => {
    const outcome = judge(wish, match, memory, { service, name, condition })
    return outcome.state === 'failed' && !required ? ready : outcome
  })
  return worst(outcomes)
}

interface Edge {
  readonly service: string
  readonly name: string
  readonly condition: Dependency['condition']
}

function judge(wish: RunningWish, match: Match, memory: Memory, edge: Edge): Readiness {
  const spec = wish.project.services[edge.name]
  if (spec === undefined) return ready
  const containers = match.current.get(edge.name) ?? []
  if (containers.length < scaleOf(spec)) return waiting
  return worst(containers.map(container => judgeContainer(container, spec, edge, memory)))
}

function worst(outcomes: readonly Readiness[]): Readiness {
  return outcomes.find(({ state }) => state === 'failed') ?? outcomes.find(({ state }) => state === 'waiting') ?? ready
}

function judgeContainer(container: ObservedContainer, spec: Service, edge: Edge, memory: Memory): Readiness {
  if (container.state === 'created') return waiting
  const ending = container.state === 'exited' ? judgeEnding(container, spec.restart, memory) : undefined
  switch (edge.condition) {
    case 'started':
      return ending === 'start' || !(isRunning(container) || ending !== undefined) ? waiting : ready
    case 'completed':
      if (ending === 'failed') return failed(edge, `ended with exit code ${container.exitCode}`)
      return ending === 'completed' ? ready : waiting
    case 'healthy':
      if (ending !== undefined && ending !== 'start') return failed(edge, `ended with exit code ${container.exitCode}`)
      if (ending === 'start' || container.state !== 'running') return waiting
      if (container.health === 'none') return failed(edge, 'has no health check')
      if (container.health === 'unhealthy') return failed(edge, 'is unhealthy')
      return container.health === 'healthy' ? ready : waiting
  }
}

function failed({ service, name }: Edge, why: string): Readiness {
  const message = `${service} cannot start: ${name}, which it depends on, ${why}`
  return { state: 'failed', refusal: { code: 'dependency.failed', message, path: `services.${service}.depends_on.${name}` } }
}
