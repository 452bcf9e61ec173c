// Opens the connection below MQTT to the broker: TCP, or TLS with a server that is judged by what the device knows and not by its clock.
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { judgeServer } from './identity/server-check.js'
import type { BrokerAddress } from './reach.js'

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

/** `session`: a ticket of an earlier connection. */
export function dial(broker: BrokerAddress, session?: Buffer): Socket {
  const { protocol, port } = new URL(broker.url)
  const place = {
    host: hostOf(broker.url),
    port: port === '' ? (ports[protocol] ?? 0) : Number(port),
    autoSelectFamilyAttemptTimeout: addressMs,
    ...(broker.memory === undefined ? {} : { lookup: broker.memory.lookup }),
  }
  return isSecure(broker.url) ? dialTls(broker, place, session) : connectTcp(place)
}

interface Place {
  readonly host: string
  readonly port: number
}

function dialTls(broker: BrokerAddress, place: Place, session: Buffer | undefined): TLSSocket {
  const { ca, cert, key } = broker
  const socket = connectTls({
    ...place,
    ...(isIP(place.host) === 0 ? { servername: place.host } : {}),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(session === undefined ? {} : { session }),
    // Without authorities of its own the device goes by the system's, and by its clock.
    ...(ca === undefined ? {} : { ca, rejectUnauthorized: false }),
  })
  // Called before anything is written: what waits to be sent is sent after the handshake's end has been told.
  if (ca !== undefined) socket.prependOnceListener('secureConnect', () => guard(socket, place.host, { ...broker, ca }))
  return socket
}

function guard(socket: TLSSocket, host: string, { ca, memory }: BrokerAddress & { readonly ca: string | Buffer }): void {
  const fault = socket.authorizationError ? String(socket.authorizationError) : undefined
  const shown = { leaf: socket.getPeerX509Certificate(), resumed: socket.isSessionReused(), fault }
  const code = judgeServer(shown, { ca, host, floorMs: memory?.floorMs() ?? 0 })
  if (code !== undefined) socket.destroy(Object.assign(new Error(`the server’s certificate is not taken: ${code}`), { code }))
}
