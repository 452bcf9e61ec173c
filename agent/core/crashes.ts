// How often a service has ended of late, by the Engine's restarts and the agent's own: what is a crash loop, and how long it waits.
import { type BackoffLimits, backoffMs } from './backoff.js'
import type { ObservedContainer } from './observed.js'

/** What is remembered of one service. Times are monotonic, ms. */
export interface Ends {
  /** When it ended, oldest first. */
  readonly at: readonly number[]
  /** The Engine's count of restarts when last seen, by container. */
  readonly restarts: Readonly<Record<string, number>>
}

export const noEnds: Ends = { at: [], restarts: {} }

/** So many ends without a calm time between them are a crash loop. */
const loopEnds = 5
/** Whoever has run this long is no longer said to loop. */
const shownMs = 30_000
/** Whoever has run this long starts with a clean slate. */
const forgiveMs = 5 * 60_000
const maxRemembered = 100

const againLimits: BackoffLimits = { firstMs: 1_000, maxMs: forgiveMs }
const loopLimits: BackoffLimits = { firstMs: 10_000, maxMs: forgiveMs }

/** Counts the Engine's restarts since the last look. A container that is seen for the first time is not blamed for its past. */
export function countRestarts({ at, restarts }: Ends, containers: readonly ObservedContainer[], now: number): Ends {
  const fresh = containers.reduce((sum, { id, restarts: count }) => sum + Math.max(0, count - (restarts[id] ?? count)), 0)
  const seen = Object.fromEntries(containers.map(({ id, restarts: count }) => [id, count]))
  const running = containers.length > 0 && containers.every(({ state }) => state === 'running')
  const calm = running && fresh === 0 && now - (at.at(-1) ?? now) >= forgiveMs
  return { at: calm ? [] : append(at, fresh, now), restarts: seen }
}

/** The agent has started it again: it had ended once more. */
export function countStart({ at, restarts }: Ends, now: number): Ends {
  return { at: append(at, 1, now), restarts }
}

function append(at: readonly number[], count: number, now: number): readonly number[] {
  return [...at, ...Array.from({ length: Math.min(count, maxRemembered) }, () => now)].slice(-maxRemembered)
}

export function isLooping({ at }: Ends): boolean {
  return at.length >= loopEnds
}

/** True while a crash loop is to be told of. */
export function showsLoop(ends: Ends, containers: readonly ObservedContainer[], now: number): boolean {
  const runs = containers.length > 0 && containers.every(({ state }) => state === 'running')
  return isLooping(ends) && !(runs && now - (ends.at.at(-1) ?? 0) >= shownMs)
}

/** How long a service that the agent starts again waits for its next start. */
export function againDelayMs({ at }: Ends, random: number): number {
  return backoffMs(at.length, againLimits, random)
}

/** How long a service in a crash loop, which the Engine would start at once, is kept stopped. */
export function loopDelayMs({ at }: Ends, random: number): number {
  return backoffMs(at.length - loopEnds + 1, loopLimits, random)
}
