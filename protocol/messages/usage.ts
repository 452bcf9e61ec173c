// What a device's connection to the broker has cost: agent → manager, not retained. Sums, so that a lost one loses nothing.
import { type Of, type Shape, tuple, uint } from '../shape.js'
import { codec, version } from './message.js'

/** What bytes are for. The headers are an estimate; everything else is counted. */
export const purposes = ['heartbeat', 'report', 'state', 'log', 'connection', 'headers'] as const
export type Purpose = (typeof purposes)[number]

const bytes = uint(Number.MAX_SAFE_INTEGER)
/** Bytes, as the device sees them. */
const flow = tuple({ sent: bytes, received: bytes })
export type Flow = Of<typeof flow>

export type Traffic = Readonly<Record<Purpose, Flow>>

const flows = { heartbeat: flow, report: flow, state: flow, log: flow, connection: flow, headers: flow } satisfies Record<Purpose, unknown>
export const trafficShape: Shape<Traffic> = tuple(flows)

const usage = tuple({
  version,
  /** Which count this is: a later one has a higher number, and begins at 0. */
  count: uint(),
  ...flows,
})
/** All of one count so far. Written by the agent. */
export type Usage = Of<typeof usage>

export const usageCodec = codec(usage, 256)

export const noTraffic: Traffic = mapTraffic(() => ({ sent: 0, received: 0 }))

export function mapTraffic(flowOf: (purpose: Purpose) => Flow): Traffic {
  return {
    heartbeat: flowOf('heartbeat'),
    report: flowOf('report'),
    state: flowOf('state'),
    log: flowOf('log'),
    connection: flowOf('connection'),
    headers: flowOf('headers'),
  }
}

export function addTraffic(one: Traffic, other: Traffic): Traffic {
  return mapTraffic(purpose => addFlow(one[purpose], other[purpose]))
}

/** May be below 0: what was taken for one purpose may turn out to be for another. */
export function lessTraffic(one: Traffic, other: Traffic): Traffic {
  return mapTraffic(purpose => ({
    sent: one[purpose].sent - other[purpose].sent,
    received: one[purpose].received - other[purpose].received,
  }))
}

export function addFlow(one: Flow, other: Flow): Flow {
  return { sent: one.sent + other.sent, received: one.received + other.received }
}

/** All of it, both ways. */
export function totalBytes(traffic: Traffic): number {
  return purposes.reduce((sum, purpose) => sum + traffic[purpose].sent + traffic[purpose].received, 0)
}
