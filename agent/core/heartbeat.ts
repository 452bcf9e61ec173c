// A heartbeat put together from what the device measures and what it last reported.
import { engineFlag, type Heartbeat, packStates } from '../../protocol/messages/heartbeat.js'
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

export interface Pulse {
  readonly epoch: number
  readonly sequence: number
  readonly intervalS: number
  readonly engine: boolean
  /** Revision of the newest manifest held, of the device or one of its groups. */
  readonly revision: number
}

/** As many as a heartbeat has room for; of more services it tells none. */
const maxStates = 4096

export function heartbeatOf(pulse: Pulse, metrics: Metrics, reported: Reported): Heartbeat {
  const states = reported.apps.flatMap(app => app.services.map(service => service.state))
  return {
    version: protocolVersion,
    epoch: pulse.epoch,
    sequence: pulse.sequence,
    intervalS: pulse.intervalS,
    flags: pulse.engine ? engineFlag : 0,
    ...metrics,
    revision: pulse.revision,
    reported: reported.sequence,
    states: packStates(states.length <= maxStates ? states : []),
  }
}
