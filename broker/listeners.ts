// Listens for MQTT over TCP and WebSocket, with TLS where there is a certificate.
import type { X509Certificate } from 'node:crypto'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, TLSSocket, type Server as TlsServer } from 'node:tls'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { SkerryError } from '../protocol/errors.js'
import { readAuthorities, readShown, type Shown } from './certificate.js'
import { type TlsMaterial, tlsOptions } from './tls.js'

export interface ListenerOptions {
  readonly kind: 'tcp' | 'ws'
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Without it everything can be read on the way, and only users with a password are let in. */
  readonly tls?: TlsMaterial
}

export interface BrokerAddress {
  readonly kind: 'tcp' | 'ws'
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

/** What is known of a connection before it has said anything in MQTT. */
export interface Arrival {
  readonly address: string
  /** Names the connection among those that are open. */
  readonly socket: string
  /** Nobody on the way can read it. */
  readonly secure: boolean
  readonly shown?: Shown
}

export interface Visitors {
  /** Whether a connection from this address may come in; asked before a byte is read. */
  readonly admits: (socket: Socket, arrival: Pick<Arrival, 'address' | 'socket'>) => boolean
  readonly enter: (connection: Duplex, arrival: Arrival) => void
  readonly onTlsFault: (address: string) => void
  /** Largest WebSocket message, in bytes. */
  readonly frameBytes: number
  /** Time for TLS handshake and HTTP upgrade. */
  readonly timeoutMs: number
  readonly ticketKeys: Buffer
}

export interface Listener {
  readonly address: BrokerAddress
  /** For handshakes from now on. Throws, and changes nothing, if it is none. Nothing happens without TLS. */
  replaceTls(material: TlsMaterial): void
  replaceTicketKeys(keys: Buffer): void
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
  let authorities = authoritiesOf(options.tls)
  const enter = (connection: Duplex, socket: Socket): void => {
    const shown = socket instanceof TLSSocket ? readShown(socket, authorities) : undefined
    const arrival = { address: addressOf(socket), socket: nameOf(socket), secure: socket instanceof TLSSocket }
    visitors.enter(connection, shown === undefined ? arrival : { ...arrival, shown })
  }
  const { server, secure } =
    options.kind === 'tcp' ? makeTcpServer(options, visitors, enter) : makeWebSocketServer(options, visitors, enter)
  const sockets = watchSockets(server, visitors)
  const port = await bind(server, options)
  let { ticketKeys } = visitors
  return {
    address: { kind: options.kind, host: options.host, port, tls: options.tls !== undefined },
    replaceTls: material => {
      secure?.setSecureContext(tlsOptions(material, ticketKeys))
      authorities = authoritiesOf(material)
    },
    replaceTicketKeys: keys => {
      ticketKeys = keys
      secure?.setTicketKeys(keys)
    },
    close: () => void server.close(),
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function authoritiesOf(tls: TlsMaterial | undefined): X509Certificate[] {
  return tls?.ca === undefined ? [] : readAuthorities(tls.ca)
}

/** The open sockets. Set up before any other listener, which then finds one that is not admitted destroyed. */
function watchSockets(server: Server, { admits, onTlsFault }: Visitors): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.prependListener('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.setNoDelay(true)
    if (!admits(socket, { address: addressOf(socket), socket: nameOf(socket) })) socket.destroy()
  })
  server.on('tlsClientError', (_error: Error, socket: Socket) => {
    onTlsFault(addressOf(socket))
    // Node tells of a handshake that takes too long, and leaves it open.
    socket.destroy()
  })
  return sockets
}

interface Made {
  readonly server: Server
  /** The same server, where it has TLS. */
  readonly secure?: TlsServer
}

type Enter = (connection: Duplex, socket: Socket) => void

function makeTcpServer({ tls }: ListenerOptions, { timeoutMs, ticketKeys }: Visitors, enter: Enter): Made {
  const take = (socket: Socket): void => {
    if (!socket.destroyed) enter(socket, socket)
  }
  if (tls === undefined) return { server: createTcpServer(take) }
  const server = createTlsServer({ ...tlsOptions(tls, ticketKeys), handshakeTimeout: timeoutMs }, take)
  return { server, secure: server }
}

/** MQTT 6: binary messages under the subprotocol `mqtt`; a frame may start and end anywhere in them. */
function makeWebSocketServer({ tls }: ListenerOptions, { frameBytes, timeoutMs, ticketKeys }: Visitors, enter: Enter): Made {
  const refuse: RequestListener = (_request, response) => {
    response.writeHead(426, { upgrade: 'websocket', 'content-type': 'text/plain' }).end('MQTT over WebSocket only\n')
  }
  const timeouts = { headersTimeout: timeoutMs, requestTimeout: timeoutMs, connectionsCheckingInterval: timeoutMs }
  const secure =
    tls === undefined ? undefined : createHttpsServer({ ...tlsOptions(tls, ticketKeys), ...timeouts, handshakeTimeout: timeoutMs }, refuse)
  const server = secure ?? createHttpServer(timeouts, refuse)
  const sockets = new WebSocketServer({
    server,
    maxPayload: frameBytes,
    perMessageDeflate: false,
    handleProtocols: offered => (offered.has('mqtt') ? 'mqtt' : offered.has('mqttv3.1') ? 'mqttv3.1' : false),
  })
  sockets.on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket)
    stream.on('error', () => socket.terminate())
    enter(stream, request.socket)
  })
  return secure === undefined ? { server } : { server, secure }
}

/** Two open sockets never have the same; a TLS socket has that of the socket below it. */
function nameOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`
}

/** An IPv4 address that came to a socket of both kinds is written as IPv4. */
function addressOf(socket: Socket): string {
  return socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? 'unknown'
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
