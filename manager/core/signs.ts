// What heartbeats, births and wills say of a device: its signs of life, and its metrics in people's units.
import { engineFlag, type FullHeartbeat, type Heartbeat, isFull } from '../../protocol/messages/heartbeat.js'
import type { Status } from '../../protocol/messages/status.js'
import { defaultIntervalS, type Sign } from './liveness.js'
import type { Metrics } from './model.js'

export function heartbeatSign(beat: Heartbeat, at: number): Sign {
  if (!isFull(beat)) return { kind: 'pulse', epoch: beat.epoch, at }
  const { epoch, sequence, intervalS, flags } = beat
  return { kind: 'heartbeat', epoch, sequence, intervalS, engine: (flags & engineFlag) !== 0, at }
}

export function statusSign(status: Status, live: boolean, at: number): Sign {
  const { epoch, online, sequence = -1, reason = 'Disconnected', intervalS = defaultIntervalS, engine = true } = status
  return online ? { kind: 'birth', epoch, sequence, intervalS, engine, live, at } : { kind: 'end', epoch, reason }
}

export function metricsOf(beat: FullHeartbeat): Metrics {
  return {
    uptimeS: beat.uptimeS,
    cpuPercent: beat.cpuPermille / 10,
    memoryUsedMiB: beat.memoryUsedMiB,
    diskUsedPercent: beat.diskUsedPermille / 10,
    load: beat.loadCentis / 100,
    temperatureC: beat.temperatureDeci === null ? null : beat.temperatureDeci / 10,
  }
}
