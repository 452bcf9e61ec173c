// The bytes that a connection has passed on its socket, TLS included.
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Flow } from '../protocol/messages/usage.js'
import type { Family } from './core/headers.js'

interface Counters {
  readonly bytesRead: number
  readonly bytesWritten: number
}

export interface Wire {
  readonly family: Family
  /** So far; until it is closed, and when it says so. */
  passed(): Flow
}

/** Of a socket that is connected. */
export function wireOf(socket: Socket): Wire {
  const counters = socket instanceof TLSSocket ? belowTls(socket) : socket
  return {
    family: socket.remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4',
    passed: () => ({ sent: counters.bytesWritten, received: counters.bytesRead }),
  }
}

/** A TLS socket counts what is in its records. What they are made of passes below its handle, of which Node has no public form. */
function belowTls(socket: TLSSocket): Counters {
  const { _handle } = socket as unknown as { _handle?: { _parent?: Partial<Counters> } | null }
  const below = _handle?._parent
  return isCounters(below) ? below : socket
}

function isCounters(value: Partial<Counters> | undefined): value is Counters {
  return typeof value?.bytesRead === 'number' && typeof value.bytesWritten === 'number'
}
