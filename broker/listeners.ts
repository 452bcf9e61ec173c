// Listens for MQTT over TCP and WebSocket, with TLS where there is a certificate.
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { SkerryError } from '../protocol/errors.js'

export interface ListenerOptions {
  readonly kind: 'tcp' | 'ws'
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer; readonly ca?: string | Buffer }
}

export interface BrokerAddress {
  readonly kind: 'tcp' | 'ws'
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

export interface Visitors {
  /** Whether a connection from this address may come in; asked before a byte is read. */
  readonly admits: (address: string) => boolean
  readonly enter: (connection: Duplex, address: string) => void
  readonly onTlsFault: (address: string) => void
  /** Largest WebSocket message, in bytes. */
  readonly frameBytes: number
  /** Time for TLS handshake and HTTP upgrade. */
  readonly timeoutMs: number
}

export interface Listener {
  readonly address: BrokerAddress
  /** Takes no more connections. Those that are open are not touched. */
  close(): void
  /** Ends every connection, those that never got beyond a handshake too. */
  cut(): void
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** Throws `port.in-use` if another process listens there. */
export async function listen(options: ListenerOptions, visitors: Visitors): Promise<Listener> {
  const server = options.kind === 'tcp' ? makeTcpServer(options, visitors) : makeWebSocketServer(options, visitors)
  // Before any other listener, which then finds the socket destroyed.
  const sockets = new Set<Socket>()
  server.prependListener('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.setNoDelay(true)
    if (!visitors.admits(addressOf(socket))) socket.destroy()
  })
  server.on('tlsClientError', (_error: Error, socket: Socket) => visitors.onTlsFault(addressOf(socket)))
  const port = await bind(server, options)
  return {
    address: { kind: options.kind, host: options.host, port, tls: options.tls !== undefined },
    close: () => void server.close(),
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function makeTcpServer({ tls }: ListenerOptions, { enter, timeoutMs }: Visitors): Server {
  const take = (socket: Socket): void => {
    if (!socket.destroyed) enter(socket, addressOf(socket))
  }
  return tls === undefined ? createTcpServer(take) : createTlsServer({ ...tls, handshakeTimeout: timeoutMs }, take)
}

/** MQTT 6: binary messages under the subprotocol `mqtt`; a frame may start and end anywhere in them. */
function makeWebSocketServer({ tls }: ListenerOptions, { enter, frameBytes, timeoutMs }: Visitors): HttpServer {
  const refuse: RequestListener = (_request, response) => {
    response.writeHead(426, { upgrade: 'websocket', 'content-type': 'text/plain' }).end('MQTT over WebSocket only\n')
  }
  const timeouts = { headersTimeout: timeoutMs, requestTimeout: timeoutMs, connectionsCheckingInterval: timeoutMs }
  const server = tls === undefined ? createHttpServer(timeouts, refuse) : createHttpsServer({ ...tls, ...timeouts }, refuse)
  const sockets = new WebSocketServer({
    server,
    maxPayload: frameBytes,
    perMessageDeflate: false,
    handleProtocols: offered => (offered.has('mqtt') ? 'mqtt' : offered.has('mqttv3.1') ? 'mqttv3.1' : false),
  })
  sockets.on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket)
    stream.on('error', () => socket.terminate())
    enter(stream, addressOf(request.socket))
  })
  return server
}

function addressOf(socket: Socket): string {
  return socket.remoteAddress ?? 'unknown'
}

async function bind(server: Server, { host, port }: ListenerOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4096 }, resolve)
  }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'EADDRINUSE') throw error
    throw new SkerryError('port.in-use', `${host}:${port} is in use by another process`, { cause: error })
  })
  return (server.address() as AddressInfo).port
}
