// Reads what a capture of a cable holds: the bytes that each end sent in each TCP connection, in order, and whether they are TLS.
import { readFileSync } from 'node:fs'

export interface Direction {
  /** `address:port`. */
  readonly from: string
  readonly to: string
  readonly bytes: Buffer
}

interface Segment {
  readonly sequence: number
  readonly payload: Buffer
}

/** Of a file in pcap form (little-endian) with Ethernet frames. Everything but TCP over IPv4 is left out; see {@link otherProtocols}. */
export function readStreams(file: string): Direction[] {
  const streams = new Map<string, { from: string; to: string; segments: Segment[] }>()
  for (const frame of frames(file)) {
    const packet = tcpOf(frame)
    if (packet === undefined) continue
    const key = `${packet.from} ${packet.to}`
    const stream = streams.get(key) ?? { from: packet.from, to: packet.to, segments: [] }
    streams.set(key, stream)
    if (packet.payload.length > 0) stream.segments.push(packet)
  }
  return [...streams.values()].map(({ from, to, segments }) => ({ from, to, bytes: join(segments) }))
}

/** Numbers of the protocols above IPv4 that are not TCP (RFC 790), each once. */
export function otherProtocols(file: string): number[] {
  const numbers = frames(file).flatMap(frame => (isIpv4(frame) && frame[23] !== 6 ? [frame[23] ?? 0] : []))
  return [...new Set(numbers)]
}

/** The types of the TLS records (RFC 8446, 5.1) that these bytes are, or where they stop being such. The last may be cut off. */
export function readTlsRecords(bytes: Buffer): { readonly types: readonly number[]; readonly endsAt?: number } {
  const types: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const [type = 0, major, minor = 0] = bytes.subarray(at, at + 3)
    const length = at + 5 <= bytes.length ? bytes.readUInt16BE(at + 3) : 0
    if (type < 20 || type > 23 || major !== 3 || minor > 4 || length > 2 ** 14 + 256) return { types, endsAt: at }
    types.push(type)
    at += 5 + length
  }
  return { types }
}

function frames(file: string): Buffer[] {
  const bytes = readFileSync(file)
  if (bytes.length < 24 || bytes.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error(`${file} is no capture`)
  const found: Buffer[] = []
  for (let at = 24; at + 16 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 8)
    found.push(bytes.subarray(at + 16, at + 16 + length))
    at += 16 + length
  }
  return found
}

function isIpv4(frame: Buffer): boolean {
  return frame.length >= 34 && frame.readUInt16BE(12) === 0x0800
}

function tcpOf(frame: Buffer): (Segment & { from: string; to: string }) | undefined {
  if (!isIpv4(frame) || frame[23] !== 6) return undefined
  const packet = frame.subarray(14, 14 + frame.readUInt16BE(16))
  const tcp = packet.subarray(((packet[0] ?? 0) & 0x0f) * 4)
  const end = (offset: number, port: number) => `${packet.subarray(offset, offset + 4).join('.')}:${tcp.readUInt16BE(port)}`
  return {
    from: end(12, 0),
    to: end(16, 2),
    sequence: tcp.readUInt32BE(4),
    payload: tcp.subarray(((tcp[12] ?? 0) >> 4) * 4),
  }
}

/** In order of their numbers, what came twice once. A gap ends it: a capture from the start has none. */
function join(segments: readonly Segment[]): Buffer {
  const [first] = segments
  if (first === undefined) return Buffer.alloc(0)
  const start = Math.min(...segments.map(({ sequence }) => (sequence - first.sequence) | 0))
  const placed = segments.map(({ sequence, payload }) => ({ at: ((sequence - first.sequence) | 0) - start, payload }))
  const parts: Buffer[] = []
  let end = 0
  for (const { at, payload } of placed.sort((one, other) => one.at - other.at)) {
    if (at > end) throw new Error(`the capture lacks ${at - end} bytes`)
    if (at + payload.length <= end) continue
    parts.push(payload.subarray(end - at))
    end = at + payload.length
  }
  return Buffer.concat(parts)
}
