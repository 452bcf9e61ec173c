// A program for benches: many devices on one broker, each as light as a socket. Connects them all when told to, and says when all have their state.
import type { Packet } from 'mqtt-packet'
import { RawClient } from './raw.js'

export interface LoadOptions {
  readonly port: number
  readonly devices: number
  readonly groups: number
  readonly specs: number
  /** Connections opening at a time. */
  readonly inFlight: number
}

const root = 'skerry'

/** What a device subscribes to; each filter has one retained message. */
export function filtersOf(device: number, { groups, specs }: Pick<LoadOptions, 'groups' | 'specs'>): string[] {
  return [
    `${root}/device/bench-${device}/desired`,
    `${root}/group/bench-${device % groups}/desired`,
    `${root}/group/bench-all/desired`,
    `${root}/spec/${specDigest(device % specs)}`,
  ]
}

export function specDigest(spec: number): string {
  return `bench-${spec}`.padEnd(43, 'x')
}

/** Connects one device, subscribes, and waits for its SUBACK and its retained messages. */
async function join(options: LoadOptions, device: number): Promise<RawClient> {
  const client = await RawClient.open(options.port)
  const filters = filtersOf(device, options)
  await new Promise<void>((resolve, reject) => {
    let missing = filters.length + 1
    client.onPacket = (packet: Packet) => {
      if (packet.cmd === 'connack') {
        client.send({ cmd: 'subscribe', messageId: 1, subscriptions: filters.map(topic => ({ topic, qos: 1 })) })
        return
      }
      if (packet.cmd === 'publish' && packet.qos === 1) client.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
      if (--missing === 0) resolve()
    }
    void client.closed.then(() => reject(new Error(`device ${device} was cut`)))
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 600,
      clientId: `dev-bench-${device}`,
      will: { topic: `${root}/device/bench-${device}/status`, payload: Buffer.from('a300010101 02f4'), qos: 1, retain: true },
    })
  })
  return client
}

async function joinAll(options: LoadOptions): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < options.devices) await join(options, next++)
  }
  await Promise.all(Array.from({ length: options.inFlight }, lane))
}

if (process.send !== undefined && process.argv[2] === 'load') {
  process.once('message', options => {
    const started = performance.now()
    joinAll(options as LoadOptions).then(
      () => process.send?.(performance.now() - started),
      error => {
        console.error(error)
        process.exit(1)
      },
    )
  })
  process.send('ready')
}
