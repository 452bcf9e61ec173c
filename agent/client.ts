// A client of MQTT on a connection of our own making.
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import type { Clock } from '../protocol/clock.js'
import { dial, hostOf } from './dial.js'
import type { BrokerAddress } from './reach.js'
import type { Ticket } from './tickets.js'

export interface ConnectionOptions {
  readonly ticket?: Ticket
  /** Called once, at once, with what carries the bytes. */
  readonly onSocket?: (socket: Socket) => void
}

/** Whoever opens a client decides itself whether another is to follow. */
const onceOnly: IClientOptions = { clean: true, protocolVersion: 4, reconnectPeriod: 0, resubscribe: false }

export function openClient(
  broker: BrokerAddress,
  options: IClientOptions,
  { ticket, onSocket = () => {} }: ConnectionOptions = {},
): MqttClient {
  let socket: Socket | undefined
  const open = (): Socket => {
    socket = dial(broker, ticket)
    onSocket(socket)
    return socket
  }
  const all = { ...onceOnly, ...options, ...loginOf(broker) }
  const client = /^wss?:/.test(broker.url)
    ? mqtt.connect(broker.url, { ...all, wsOptions: { createConnection: open } })
    : new mqtt.MqttClient(open, all)
  client.once('connect', () => remember(broker, socket))
  return client
}

/** With a DISCONNECT, if it gets through within `withinMs`. */
export async function hangUp(client: MqttClient, withinMs: number, clock: Clock): Promise<void> {
  if (withinMs > 0)
    await new Promise<void>(resolve => {
      const cancel = clock.after(withinMs, resolve)
      client.end(false, {}, () => {
        cancel()
        resolve()
      })
    })
  // What it still brings is not heard. Its own listeners stay, as they clear its timers; ours know that it is over.
  client.removeAllListeners('message')
  client.end(true)
}

/** What stands in the URL counts where nothing else is given. */
function loginOf({ url, username, password }: BrokerAddress): Pick<IClientOptions, 'username' | 'password'> {
  const written = new URL(url)
  const name = username ?? decodeURIComponent(written.username)
  const secret = password ?? decodeURIComponent(written.password)
  return { ...(name === '' ? {} : { username: name }), ...(secret === '' ? {} : { password: secret }) }
}

function remember({ url, ca, memory }: BrokerAddress, socket: Socket | undefined): void {
  const from = socket instanceof TLSSocket && ca !== undefined ? Date.parse(socket.getPeerX509Certificate()?.validFrom ?? '') : Number.NaN
  memory?.note({ host: hostOf(url), address: socket?.remoteAddress, notBeforeMs: Number.isNaN(from) ? undefined : from })
}
