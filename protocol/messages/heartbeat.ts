// Signs of life: agent → manager, not retained.
import { bytes, integer, nullable, type Of, type Shape, tuple, uint } from '../shape.js'
import { codec, version } from './message.js'

/** States of a service, one byte each on the wire. Written by the agent. */
export const serviceStates = [
  'unknown',
  'pending',
  'pulling',
  'created',
  'starting',
  'running',
  'healthy',
  'unhealthy',
  'completed',
  'exited',
  'restarting',
  'stopped',
] as const
export type ServiceState = (typeof serviceStates)[number]

const sign = { version, epoch: uint() }

/**
 * A sign of life, as an array of scaled integers. `states` holds one byte a service, in the order in which the services
 * stand in the reported state with the sequence number `reported`.
 */
const full = tuple({
  ...sign,
  /** Grows by 1 with each full heartbeat of an epoch, and each birth of it but the first. */
  sequence: uint(),
  /** The interval that holds from this heartbeat on, in seconds. */
  intervalS: uint(86_400),
  /** Bit 0: the Docker Engine answers. */
  flags: uint(255),
  uptimeS: uint(),
  cpuPermille: uint(1000),
  memoryUsedMiB: uint(),
  diskUsedPermille: uint(1000),
  /** Load average of one minute, times 100. */
  loadCentis: uint(),
  /** Tenths of a degree Celsius; null where there is no sensor. */
  temperatureDeci: nullable(integer(-2730, 20_000)),
  /** Revision of the newest manifest that the agent holds. */
  revision: uint(),
  /** Sequence number of the newest reported state. */
  reported: uint(),
  states: bytes(0, 4096),
})
export type FullHeartbeat = Of<typeof full>

/** Ends after its second item: nothing is new but that the device is there. */
const short = tuple(sign)
export type ShortHeartbeat = Of<typeof short>

export type Heartbeat = FullHeartbeat | ShortHeartbeat

const heartbeat: Shape<Heartbeat> = {
  write: value => (isFull(value) ? full.write(value) : short.write(value)),
  read: (raw, path) => (Array.isArray(raw) && raw.length === Object.keys(sign).length ? short : full).read(raw, path),
}

export function isFull(heartbeat: Heartbeat): heartbeat is FullHeartbeat {
  return 'states' in heartbeat
}

export const engineFlag = 1

export function packStates(states: readonly ServiceState[]): Uint8Array {
  return Uint8Array.from(states, state => serviceStates.indexOf(state))
}

export function unpackStates(packed: Uint8Array): ServiceState[] {
  return Array.from(packed, byte => serviceStates[byte] ?? 'unknown')
}

export const heartbeatCodec = codec(heartbeat, 4 * 1024 + 128)
