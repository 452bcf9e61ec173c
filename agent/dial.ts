// Opens the connection below MQTT to the broker: TCP, or TLS with a server that is judged by what the device knows and not by its clock.
import { constants } from 'node:crypto'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { judgeServer } from './identity/server-check.js'
import type { BrokerAddress } from './reach.js'
import type { Ticket } from './tickets.js'

/** Time for one of several addresses of a name, ms: a satellite's answer takes a second, and the system's default is a quarter of one. */
const addressMs = 5_000
const ports: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'tcp:': 1883, 'mqtts:': 8883, 'ssl:': 8883, 'ws:': 80, 'wss:': 443 }

export function isSecure(url: string): boolean {
  return /^(mqtts|wss|ssl):/.test(url)
}

/** The name or address in a URL. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '')
}

export function dial(broker: BrokerAddress, ticket?: Ticket): Socket {
  const { protocol, port } = new URL(broker.url)
  const place = {
    host: hostOf(broker.url),
    port: port === '' ? (ports[protocol] ?? 0) : Number(port),
    autoSelectFamilyAttemptTimeout: addressMs,
    ...(broker.memory === undefined ? {} : { lookup: broker.memory.lookup }),
  }
  return isSecure(broker.url) ? dialTls(broker, place, ticket) : connectTcp(place)
}

interface Place {
  readonly host: string
  readonly port: number
}

function dialTls(broker: BrokerAddress, place: Place, ticket: Ticket | undefined): TLSSocket {
  const { ca, cert, key } = broker
  const socket = connectTls({
    ...place,
    ...(isIP(place.host) === 0 ? { servername: place.host } : {}),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...offerOf(ticket),
    // Without authorities of its own the device goes by the system's, and by its clock.
    ...(ca === undefined ? {} : { ca, rejectUnauthorized: false }),
  })
  // Called before anything is written: what waits to be sent is sent after the handshake's end has been told.
  if (ca !== undefined) socket.prependOnceListener('secureConnect', () => guard(socket, place.host, { ...broker, ca }))
  return socket
}

/** First one with a short hash: it is in the ticket's proof and at both ends of the handshake. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  ...constants.defaultCipherList.split(':').filter(name => name !== 'TLS_AES_128_GCM_SHA256'),
].join(':')

/** A resumed handshake says little but its ticket: what the default adds to it, for servers of every age, is half as long again. A server that needs more of it refuses, and is offered all the next time. */
function offerOf(ticket: Ticket | undefined): ConnectionOptions {
  if (ticket === undefined) return { ciphers }
  const { session, isNewest } = ticket
  if (!isNewest) return { ciphers, session }
  return {
    session,
    minVersion: 'TLSv1.3',
    // They are of older versions, and would be offered all the same.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_ENCRYPT_THEN_MAC,
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384',
    ecdhCurve: 'X25519:P-256',
    sigalgs: 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256',
  }
}

function guard(socket: TLSSocket, host: string, { ca, memory }: BrokerAddress & { readonly ca: string | Buffer }): void {
  const fault = socket.authorizationError ? String(socket.authorizationError) : undefined
  const shown = { leaf: socket.getPeerX509Certificate(), resumed: socket.isSessionReused(), fault }
  const code = judgeServer(shown, { ca, host, floorMs: memory?.floorMs() ?? 0 })
  if (code !== undefined) socket.destroy(Object.assign(new Error(`the server’s certificate is not taken: ${code}`), { code }))
}
