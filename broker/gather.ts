// The answers to what a device says first, as one TLS record in one segment: on a thin link the records and acknowledgements of a reconnect cost more than what is in them.
import type { Duplex } from 'node:stream'

/** What comes in after a CONNECT: the filters, the birth, and what that leads to. */
const arrivals = 8
/** The birth is acknowledged when it is on disk, and the retained messages follow one another. After 40 ms TCP would acknowledge with a packet of its own. */
const gatherMs = 30

/** Whoever reads the connection does so by `read()`, as Aedes does. What has come behind the CONNECT is answered with it. After its first arrivals the connection is as it was. */
export function gatherFirst(connection: Duplex): void {
  const { read } = connection
  let left = arrivals
  let held = false
  connection.read = size => {
    const chunk: unknown = read.call(connection, size)
    if (chunk === null || held) return chunk
    if (left-- === 0) connection.read = read
    else hold()
    return chunk
  }
  const hold = (): void => {
    held = true
    connection.cork()
    setTimeout(() => {
      held = false
      connection.uncork()
    }, gatherMs).unref()
  }
  if (connection.readableLength > 0) hold()
}
