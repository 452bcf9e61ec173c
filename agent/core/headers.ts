// An estimate of what TCP and IP add to the bytes of a connection: a header for each segment, and acknowledgements that go alone.
import type { Flow } from '../../protocol/messages/usage.js'

/** RFC 9293 and RFC 791 without options, with the timestamps of RFC 7323, which Linux sends: 20 + 20 + 12; 20 more with IPv6. */
const headerBytes = { IPv4: 52, IPv6: 72 } as const
export type Family = keyof typeof headerBytes
/** The payload of a full segment on an Ethernet of 1500 bytes. */
const segmentBytes = { IPv4: 1448, IPv6: 1428 } as const
/** The three segments that open a connection: SYN, SYN-ACK with 8 bytes more of options each, ACK. */
const synBytes = 8
/** Data that goes this soon after what came acknowledges it: Linux delays an acknowledgement so long. */
const ownDelayMs = 40
/** The same from the other end, whose answer takes its time on the way. */
const otherDelayMs = 1_000

/** Segments that are not acknowledged yet, and when the newest of them passed. */
interface Debt {
  readonly segments: number
  readonly at: number
}

export interface Headers {
  readonly family: Family
  readonly bytes: Flow
  /** Of what came. */
  readonly owed: Debt
  /** Of what went. */
  readonly due: Debt
}

const noDebt: Debt = { segments: 0, at: 0 }

/** The connection is open. */
export function openHeaders(family: Family): Headers {
  const header = headerBytes[family]
  return { family, bytes: { sent: 2 * header + synBytes, received: header + synBytes }, owed: noDebt, due: noDebt }
}

/** Bytes have passed: what came is taken to have come first. */
export function passHeaders(headers: Headers, passed: Flow, at: number): Headers {
  return send(receive(settleHeaders(headers, at), passed.received, at), passed.sent, at)
}

/** Whatever is acknowledged late by now goes alone. */
function settleHeaders({ family, bytes, owed, due }: Headers, at: number): Headers {
  const header = headerBytes[family]
  const isOwedLate = at - owed.at >= ownDelayMs
  const isDueLate = at - due.at >= otherDelayMs
  return {
    family,
    bytes: {
      sent: bytes.sent + (isOwedLate ? header * acksFor(owed.segments) : 0),
      received: bytes.received + (isDueLate ? header * acksFor(due.segments) : 0),
    },
    owed: isOwedLate ? noDebt : owed,
    due: isDueLate ? noDebt : due,
  }
}

/** The connection is closed: a FIN of each end, and one acknowledgement of both. */
export function closeHeaders(headers: Headers): Flow {
  const { bytes, family } = settleHeaders(headers, Number.POSITIVE_INFINITY)
  const header = headerBytes[family]
  return { sent: bytes.sent + 2 * header, received: bytes.received + header }
}

function receive(headers: Headers, received: number, at: number): Headers {
  const { family, bytes, owed, due } = headers
  const segments = Math.ceil(received / segmentBytes[family])
  if (segments === 0) return headers
  const alone = Math.max(0, acksFor(due.segments) - segments)
  const header = headerBytes[family]
  return {
    family,
    bytes: { ...bytes, received: bytes.received + header * (segments + alone) },
    owed: { segments: owed.segments + segments, at },
    due: noDebt,
  }
}

function send(headers: Headers, sent: number, at: number): Headers {
  const { family, bytes, owed, due } = headers
  const segments = Math.ceil(sent / segmentBytes[family])
  if (segments === 0) return headers
  const alone = Math.max(0, acksFor(owed.segments) - segments)
  const header = headerBytes[family]
  return {
    family,
    bytes: { ...bytes, sent: bytes.sent + header * (segments + alone) },
    owed: noDebt,
    due: { segments: due.segments + segments, at },
  }
}

/** RFC 9293, 3.8.6.3: every second full segment, and the last. */
function acksFor(segments: number): number {
  return Math.ceil(segments / 2)
}
