// What is asked of a device and what it answers: not state, never retained.
import { bytes, field, flag, integer, list, type Of, oneOf, optional, record, text, uint } from '../shape.js'
import { appName, codec, fault, version } from './message.js'

/** What can be asked of an agent. `credit` and `cancel` belong to a request under way, on its own topic. */
const requestKinds = ['unknown', 'logs', 'restart', 'credit', 'cancel', 'report'] as const

/** Asked by the manager, on `request/{rid}`. */
const request = record({
  version: field(0, version),
  kind: field(1, oneOf(requestKinds, 'unknown')),
  /** The session that it is for: an agent refuses one of another session, or of none, as expired, so none is done late. Absent in `credit` and `cancel`. */
  epoch: optional(2, uint()),
  app: optional(3, appName),
  /** None or absent: all. */
  services: optional(4, list(text(255), 1000)),
  /** logs: go on as more is written. */
  follow: optional(5, flag),
  /** logs: lines from the end, of each service. */
  tail: optional(6, uint()),
  /** logs: nothing older, in seconds since 1970 by the device's clock. */
  sinceS: optional(7, uint(Number.MAX_SAFE_INTEGER)),
  /** logs: with the time of each line. */
  timestamps: optional(8, flag),
  /** logs, credit: bytes of data that may be sent from the beginning of the request on; each credit names a new, higher sum. */
  creditBytes: optional(9, uint(Number.MAX_SAFE_INTEGER)),
  /** How long the agent may work at it without a sign from the one who asked, in seconds. */
  patienceS: optional(10, integer(1, 3600)),
  /** report: the stamp of the newest message that the asker has taken in of what runs; nothing is told again to whoever has the newest. */
  holds: optional(11, bytes(4, 4)),
})
export type Request = Of<typeof request>

/** Answered by the agent, on `response/{rid}`: any number of parts, the last of them marked. The first, without data, says that it is at it. */
const response = record({
  version: field(0, version),
  /** Counted from 0 within a request. */
  part: field(1, uint()),
  last: optional(2, flag),
  fault: optional(3, fault),
  /** logs: the service and the stream that the data are from. */
  service: optional(4, text(255)),
  stream: optional(5, oneOf(['out', 'err'], 'out')),
  data: optional(6, bytes(1, 64 * 1024)),
})
export type Response = Of<typeof response>

export const requestCodec = codec(request, 32 * 1024)
export const responseCodec = codec(response, 66 * 1024)
