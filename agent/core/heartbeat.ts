// A heartbeat put together from what the device measures and what it last reported, or a short one where that says nothing new.
import { engineFlag, type FullHeartbeat, packStates, type ShortHeartbeat } from '../../protocol/messages/heartbeat.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import type { Reported } from '../../protocol/messages/reported.js'

/** What the device measures of itself, in the units of the heartbeat. */
export interface Metrics {
  readonly uptimeS: number
  readonly cpuPermille: number
  readonly memoryUsedMiB: number
  readonly diskUsedPermille: number
  readonly loadCentis: number
  readonly temperatureDeci: number | null
}

/** Which one it is, of those that tell something. */
export interface Mark {
  readonly epoch: number
  readonly sequence: number
}

/** What a heartbeat tells besides metrics. */
export type Standing = Pick<FullHeartbeat, 'intervalS' | 'flags' | 'revision' | 'reported' | 'states'>

/** What the device knows of itself now. */
export interface Condition {
  readonly intervalS: number
  /** Undefined while the Engine does not answer. */
  readonly engineVersion: string | undefined
}

/** As many as a heartbeat has room for; of more services it tells none. */
const maxStates = 4096

/** `revision` is that of the newest manifest held, of the device or one of its groups. */
export function standingOf({ intervalS, engineVersion }: Condition, revision: number, reported: Reported): Standing {
  const states = reported.apps.flatMap(app => app.services.map(service => service.state))
  return {
    intervalS,
    flags: engineVersion === undefined ? 0 : engineFlag,
    revision,
    reported: reported.sequence,
    states: packStates(states.length <= maxStates ? states : []),
  }
}

export function fullHeartbeat(mark: Mark, standing: Standing, metrics: Metrics): FullHeartbeat {
  return { version: protocolVersion, ...mark, ...standing, ...metrics }
}

export function shortHeartbeat(epoch: number): ShortHeartbeat {
  return { version: protocolVersion, epoch }
}

/** What the newest full heartbeat told, and when: monotonic, ms. */
export interface Told {
  readonly standing: Standing
  readonly at: number
}

/** Whether a short heartbeat would hide something: metrics that are due, or anything else that has changed. */
export function hasNews(next: Standing, told: Told | undefined, { metricsS, now }: { metricsS: number; now: number }): boolean {
  // The heartbeat nearest to the time: timers are never quite on it.
  if (told === undefined || now - told.at >= (metricsS - next.intervalS / 2) * 1000) return true
  const { intervalS, flags, revision, reported, states } = told.standing
  const isSame = next.intervalS === intervalS && next.flags === flags && next.revision === revision && next.reported === reported
  return !isSame || Buffer.compare(next.states, states) !== 0
}
