// A relay between a client and a server that can be stalled (nothing passes, sockets stay open) or closed.

import { rmSync } from 'node:fs'
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net'

export interface Relay {
  /** Port, for relays on TCP. */
  readonly port: number
  /** Lets nothing through any more, without closing anything. */
  stall(): void
  /** The same, and for connections to come too, until it is plugged in again: then all that was held up passes. */
  pull(): void
  plug(): void
  /** Ends all connections; the next ones are let through. */
  cut(): void
  close(): Promise<void>
}

/** Who is told of what passes. */
interface Watchers {
  /** Of each connection that comes. */
  readonly onClient?: (socket: Socket) => void
  /** Of all that passes, in either direction. */
  readonly onData?: (chunk: Buffer) => void
}

/** Listens on a socket's path or any free loopback port, and passes on to `target`. */
export async function startRelay(target: NetConnectOpts, path?: string, { onClient, onData = () => {} }: Watchers = {}): Promise<Relay> {
  const sockets = new Set<Socket>()
  const pairs = new Set<() => void>()
  let pulled = false
  const server = createServer(socket => {
    onClient?.(socket)
    const far = connect(target)
    const part = (): void => {
      pairs.delete(join)
      socket.destroy()
      far.destroy()
    }
    for (const end of [socket, far]) {
      sockets.add(end)
      end.on('error', () => {})
      end.on('close', () => {
        sockets.delete(end)
        // What one end does is not seen at the other without a cable.
        if (!pulled) part()
      })
    }
    const join = (): void => {
      if (socket.destroyed || far.destroyed) {
        part()
        return
      }
      for (const end of [socket, far]) end.off('data', onData).on('data', onData)
      socket.pipe(far).pipe(socket)
    }
    pairs.add(join)
    if (!pulled) join()
  })
  await new Promise<void>(resolve => (path === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve)))
  const stall = (): void => {
    for (const socket of sockets) socket.unpipe().pause()
  }
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    stall,
    pull: () => {
      pulled = true
      stall()
    },
    plug: () => {
      pulled = false
      for (const join of [...pairs]) join()
    },
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    close: () => closeAll(server, sockets, path),
  }
}

function closeAll(server: Server, sockets: ReadonlySet<Socket>, path: string | undefined): Promise<void> {
  for (const socket of sockets) socket.destroy()
  return new Promise(resolve =>
    server.close(() => {
      if (path !== undefined) rmSync(path, { force: true })
      resolve()
    }),
  )
}
