// An estimate of what TCP and IP add to the bytes of a connection: a header for each segment, and acknowledgements that go alone.
import type { Flow } from '../../protocol/messages/usage.js'

/** RFC 9293 and RFC 791 without options, with the timestamps of RFC 7323, which Linux sends: 20 + 20 + 12; 20 more with IPv6. */
const headerBytes = { IPv4: 52, IPv6: 72 } as const
export type Family = keyof typeof headerBytes
/** The payload of a full segment on an Ethernet of 1500 bytes. */
const segmentBytes = { IPv4: 1448, IPv6: 1428 } as const
/** The three segments that open a connection: SYN and SYN-ACK with 8 bytes more of options each, ACK. */
const synBytes = 8
/** After so long without data of the same direction, Linux acknowledges at once. */
const idleMs = 200
/** Else it delays an acknowledgement so long, and data that goes meanwhile carries it. */
const ownDelayMs = 40
/** The same from the other end, whose data takes its time on the way. */
const otherDelayMs = 1_000

/** One direction: segments that are not acknowledged yet, and when the newest passed. */
interface Way {
  readonly segments: number
  readonly at: number
}

export interface Headers {
  readonly family: Family
  readonly bytes: Flow
  readonly received: Way
  readonly sent: Way
}

/** Bytes that have passed in one turn, and how many pieces those that came were in, at least. */
export interface Passing extends Flow {
  readonly pieces: number
}

const nothing: Way = { segments: 0, at: Number.NEGATIVE_INFINITY }

/** The connection is open. */
export function openHeaders(family: Family): Headers {
  const header = headerBytes[family]
  return { family, bytes: { sent: 2 * header + synBytes, received: header + synBytes }, received: nothing, sent: nothing }
}

/** What came is taken to have come first. */
export function passHeaders(headers: Headers, { sent, received, pieces }: Passing, at: number): Headers {
  const size = segmentBytes[headers.family]
  const came = pass(settle(headers, at), 'received', Math.max(pieces, Math.ceil(received / size)), at)
  return pass(came, 'sent', Math.ceil(sent / size), at)
}

/** The connection is closed: a FIN of each end, and an acknowledgement of each. */
export function closeHeaders(headers: Headers): Flow {
  const { bytes } = settle(headers, Number.POSITIVE_INFINITY)
  const header = headerBytes[headers.family]
  return { sent: bytes.sent + header, received: bytes.received + 2 * header }
}

/** What has not been acknowledged in time by data is acknowledged alone. */
function settle(headers: Headers, at: number): Headers {
  const { received, sent } = headers
  const isOwnLate = at - received.at >= ownDelayMs
  const isOtherLate = at - sent.at >= otherDelayMs
  return {
    ...withHeaders(headers, { sent: isOwnLate ? acksFor(received) : 0, received: isOtherLate ? acksFor(sent) : 0 }),
    received: isOwnLate ? { ...received, segments: 0 } : received,
    sent: isOtherLate ? { ...sent, segments: 0 } : sent,
  }
}

const opposite = { sent: 'received', received: 'sent' } as const

/** Segments of one direction pass: they carry what acknowledges the other, as far as there are enough of them. */
function pass(headers: Headers, way: keyof Flow, segments: number, at: number): Headers {
  if (segments === 0) return headers
  const back = opposite[way]
  const isIdle = at - headers[way].at >= idleMs
  const alone = Math.max(0, acksFor(headers[back]) - segments)
  const more = { [way]: segments + alone, [back]: isIdle ? acksFor({ segments }) : 0 }
  return {
    ...withHeaders(headers, { sent: 0, received: 0, ...more }),
    [way]: { segments: isIdle ? 0 : headers[way].segments + segments, at },
    [back]: { ...headers[back], segments: 0 },
  }
}

function withHeaders(headers: Headers, more: Flow): Headers {
  const { bytes, family } = headers
  const header = headerBytes[family]
  return { ...headers, bytes: { sent: bytes.sent + more.sent * header, received: bytes.received + more.received * header } }
}

/** RFC 9293, 3.8.6.3: every second segment, and the last. */
function acksFor({ segments }: Pick<Way, 'segments'>): number {
  return Math.ceil(segments / 2)
}
