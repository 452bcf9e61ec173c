// Limits the size of MQTT frames before anything of them is kept, and lets nothing but CONNECT come first.
import type { Duplex } from 'node:stream'

export interface FrameLimits {
  /** Whole PUBLISH frames, in bytes. */
  readonly frameBytes: number
  /** Frames of every other kind, CONNECT among them. */
  readonly controlBytes: number
}

export type FrameFault = 'frame-too-large' | 'not-mqtt'

const connectType = 1
const publishType = 3
/** MQTT 2.2.3: the remaining length takes at most four bytes of seven bits. */
const longestLength = 4

/** Follows the frames of one connection through its chunks, reading only their headers. */
export class FrameScanner {
  limits: FrameLimits
  #connected = false
  #type = 0
  #lengthBytes = 0
  #length = 0
  /** Bytes of the present frame's body still to come; -1 while its length is being read, undefined between frames. */
  #left: number | undefined

  constructor(limits: FrameLimits) {
    this.limits = limits
  }

  /** The first fault in the chunk; else how much of it was taken, which is all but what follows a CONNECT. */
  take(chunk: Uint8Array): FrameFault | number {
    let at = 0
    while (at < chunk.length) {
      if (this.#left !== undefined && this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at)
        this.#left -= skipped
        at += skipped
        if (this.#left === 0) this.#left = undefined
      } else {
        const fault = this.#header(chunk[at++] ?? 0)
        if (fault !== undefined) return fault
      }
      if (this.hasConnect) return at
    }
    return at
  }

  /** Whether the last frame taken was a whole CONNECT. */
  get hasConnect(): boolean {
    return this.#type === connectType && this.#left === undefined
  }

  #header(byte: number): FrameFault | undefined {
    if (this.#left !== undefined) return this.#lengthByte(byte)
    this.#type = byte >> 4
    this.#left = -1
    this.#length = 0
    this.#lengthBytes = 0
    const isConnect = this.#type === connectType
    if (isConnect === this.#connected) return 'not-mqtt'
    this.#connected = true
    return undefined
  }

  #lengthByte(byte: number): FrameFault | undefined {
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes
    this.#lengthBytes++
    if (byte >= 0x80) return this.#lengthBytes === longestLength ? 'not-mqtt' : undefined
    const limit = this.#type === publishType ? this.limits.frameBytes : this.limits.controlBytes
    if (this.#length + 1 + this.#lengthBytes > limit) return 'frame-too-large'
    this.#left = this.#length === 0 ? undefined : this.#length
    return undefined
  }
}

export interface Sluice {
  /** Lets through what follows the CONNECT, from now on with these limits. */
  open(limits: FrameLimits): void
}

/**
 * Puts the scanner between a connection and whoever reads it by `read()`, as Aedes does. At a fault the connection is
 * destroyed and the reader gets nothing. What follows a CONNECT stays unread until somebody has decided about that: so nothing
 * of it is kept in memory or overtakes anything, however long a password takes. Cheaper than a stream in between: it adds no buffer and no event.
 */
export function limitFrames(connection: Duplex, limits: FrameLimits, onFault: (fault: FrameFault) => void): Sluice {
  const scanner = new FrameScanner(limits)
  const read = connection.read
  let held = false
  connection.read = size => {
    const chunk: unknown = held ? null : read.call(connection, size)
    if (!(chunk instanceof Uint8Array)) return chunk
    const taken = scanner.take(chunk)
    if (typeof taken === 'number') {
      held = scanner.hasConnect
      if (taken === chunk.length) return chunk
      connection.unshift(chunk.subarray(taken))
      return chunk.subarray(0, taken)
    }
    onFault(taken)
    connection.destroy()
    return null
  }
  return {
    open(wider) {
      held = false
      scanner.limits = wider
    },
  }
}
