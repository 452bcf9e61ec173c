// Whether a new revision has proved itself: good, failed, or not yet known. Until it is good, the one before may come back.
import type { Healthcheck } from '../../protocol/compose/project.js'
import type { Refusal } from '../../protocol/errors.js'
import type { Memory, RunningWish } from './desired.js'
import { judgeEnding } from './ended.js'
import { scaleOf } from './labels.js'
import { type Match, matchContainers } from './match.js'
import type { Observed, ObservedContainer } from './observed.js'
import { dependencyFault, serviceFault } from './report.js'

/** What the Engine does not know of a trial. */
export interface TrialTimes {
  /** Since the last step of the agent's own, ms: for a trial that is the last start. */
  readonly elapsedMs: number
  /** Since the containers have stayed as they are, with no end in between, ms. */
  readonly steadyMs: number
  /** Asked for: how long it may take, and how long it must then have lasted. */
  readonly settleMs: number | undefined
  /** How often each service has ended in this trial. */
  readonly ends: Readonly<Record<string, number>>
}

export type Verdict = { readonly state: 'good' } | { readonly state: 'waiting' } | { readonly state: 'failed'; readonly refusal: Refusal }

/** A revision without health checks is good once it has run this long. */
export const steadyEnoughMs = 10_000
/** Whoever ends again and again has this long to stop doing so: it may wait for another service. */
const loopLimitMs = 30_000
/** So many ends in that time are a crash loop. */
const loopEnds = 3
/** Beyond what the Engine itself needs to call a container unhealthy. */
const healthMarginMs = 30_000

export function judgeTrial(wish: RunningWish, observed: Observed, memory: Memory, times: TrialTimes): Verdict {
  const match = matchContainers(wish, observed)
  if (match.obsolete.length > 0) return { state: 'waiting' }
  const verdicts = Object.keys(wish.project.services).map(name => judgeService(wish, match, memory, { ...times, name }))
  const verdict = worst(verdicts)
  if (verdict.state !== 'good') return verdict
  const enough = times.settleMs === undefined ? times.steadyMs >= steadyEnoughMs : times.elapsedMs >= times.settleMs
  return enough ? { state: 'good' } : { state: 'waiting' }
}

/** When to look again though nothing has happened, ms from now. */
export function nextJudgementMs({ elapsedMs, steadyMs, settleMs }: TrialTimes): number {
  const moments = [steadyEnoughMs - steadyMs, (settleMs ?? loopLimitMs) - elapsedMs].filter(ms => ms > 0)
  return moments.length === 0 ? 5_000 : Math.min(...moments) + 5
}

type Part = TrialTimes & { readonly name: string }

function judgeService(wish: RunningWish, match: Match, memory: Memory, part: Part): Verdict {
  const unmet = dependencyFault(wish, match, memory, part.name)
  if (unmet !== undefined) return { state: 'failed', refusal: unmet }
  const containers = match.current.get(part.name) ?? []
  const spec = wish.project.services[part.name]
  if (spec === undefined || containers.length < scaleOf(spec)) {
    return late(part) ? failed(part, 'service.exited', 'has not been started') : { state: 'waiting' }
  }
  return worst(containers.map(container => judgeContainer(wish, container, memory, part)))
}

function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.find(({ state }) => state === 'failed') ?? verdicts.find(({ state }) => state === 'waiting') ?? { state: 'good' }
}

function judgeContainer(wish: RunningWish, container: ObservedContainer, memory: Memory, part: Part): Verdict {
  const spec = wish.project.services[part.name]
  const healthcheck = spec?.healthcheck
  switch (container.state) {
    case 'running':
      if (container.health === 'unhealthy') return judgeUnhealthy(wish, container, memory, part)
      if (container.health !== 'starting') return judgeSteady(part)
      return part.elapsedMs < (part.settleMs ?? healthLimitMs(healthcheck)) ? { state: 'waiting' } : notHealthy(part)
    case 'exited': {
      const ending = spec === undefined ? 'failed' : judgeEnding(container, spec.restart, memory)
      if (ending === 'completed') return { state: 'good' }
      const refusal = ending === 'failed' ? serviceFault(wish, container, memory) : undefined
      return refusal === undefined ? judgeSteady({ ...part, steadyMs: 0 }) : { state: 'failed', refusal }
    }
    case 'restarting':
      return judgeSteady({ ...part, steadyMs: 0 })
    default:
      return late(part) ? failed(part, 'service.exited', `is ${container.state}`) : { state: 'waiting' }
  }
}

/** What the Engine calls unhealthy may still get well in the time that was asked for. */
function judgeUnhealthy(wish: RunningWish, container: ObservedContainer, memory: Memory, part: Part): Verdict {
  const refusal = serviceFault(wish, container, memory)
  if (refusal === undefined || (part.settleMs !== undefined && !late(part))) return { state: 'waiting' }
  return { state: 'failed', refusal }
}

/** Whoever has ended in the trial must run for a while before it counts as running. */
function judgeSteady(part: Part): Verdict {
  const ends = part.ends[part.name] ?? 0
  if (ends === 0 && part.steadyMs > 0) return { state: 'good' }
  if (ends > 0 && part.steadyMs >= Math.min(steadyEnoughMs, part.settleMs ?? steadyEnoughMs)) return { state: 'good' }
  const over = part.elapsedMs >= (part.settleMs ?? loopLimitMs)
  return over && ends >= loopEnds ? failed(part, 'service.crash-loop', `has ended ${ends} times since its start`) : { state: 'waiting' }
}

function late({ elapsedMs, settleMs }: Part): boolean {
  return settleMs !== undefined && elapsedMs >= settleMs
}

function notHealthy(part: Part): Verdict {
  const limitMs = Math.round(part.elapsedMs / 1000)
  return failed(part, 'service.unhealthy', `has not become healthy within ${limitMs} s`, '.healthcheck')
}

function failed({ name }: Part, code: Refusal['code'], what: string, more = ''): Verdict {
  return { state: 'failed', refusal: { code, message: `${name} ${what}`, path: `services.${name}${more}` } }
}

/** As long as the Engine may take to call a container unhealthy, by its defaults where the file says nothing, and a little more. */
function healthLimitMs(check: Healthcheck | undefined): number {
  const { startPeriodMs = 0, intervalMs = 30_000, timeoutMs = 30_000, retries = 3 } = check ?? {}
  return startPeriodMs + (retries + 1) * (intervalMs + timeoutMs) + healthMarginMs
}
