// Byte streams to a real broker, before and after CONNECT: over TCP, TLS and WebSocket, and over the manager's stream inside the process.
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { pino } from 'pino'
import { RawClient } from '../../bench/support/raw.js'
import { type Broker, startBroker } from '../../broker/broker.js'
import { FakeAccess } from '../broker/support/access.js'
import { type Credentials, TestAuthority } from '../support/certificates.js'
import { within } from '../support/within.js'
import { mutate } from './bytes.js'
import { makeConnect, makePacket } from './packets.js'
import type { Random } from './random.js'
import type { Part, Target } from './run.js'

const host = '127.0.0.1'
const log = pino({ level: 'silent' })
const often = { perSecond: 1_000_000, burst: 1_000_000 }
/** Few of everything, so that all bounds are reached in the first minute and memory has to be flat from then on. */
const limits = {
  ...{ connectRate: often, connectRatePerAddress: often, joinRate: often, joinRatePerAddress: often, sessions: 20, subscriptions: 20 },
  ...{ retainedMessages: 100, retainedBytes: 1024 * 1024, queuedMessages: 20, queuedBytes: 64 * 1024, totalQueuedBytes: 256 * 1024 },
}

/** So many can find room for a session at the same time. */
const lanes = 8

export const streams: Part = { name: 'streams', cases: 1_000_000, lanes, open: openStreams }

/** Places of the listeners. */
const [plain, web, secure] = [0, 1, 2]

/** One broker that lets everybody do everything, and one that asks who comes. */
async function openStreams(): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-fuzz-'))
  const authority = await TestAuthority.make()
  const device = await authority.issue('d1')
  const listeners = [
    { kind: 'tcp', host, port: 0 },
    { kind: 'ws', host, port: 0 },
    { kind: 'tcp', host, port: 0, tls: { ...(await authority.server()), ca: authority.pem } },
  ] as const
  const access = new FakeAccess()
  access.keys.set('d1', device.keyName)
  access.groups.set('d1', new Set(['g']))
  access.addUser('plc', 'operator')
  access.addUser('panel', 'viewer', { groups: new Set(['g']), devices: new Set(['d1']) })
  const open = await startBroker({ file: ':memory:', listeners, limits, log })
  const guarded = await startBroker({ file: join(folder, 'guarded.db'), listeners, limits, log, access })
  return new Streams({ open, guarded, device, folder })
}

interface Site {
  readonly open: Broker
  readonly guarded: Broker
  /** Of device d1. */
  readonly device: Credentials
  readonly folder: string
}

class Streams implements Target {
  readonly #site: Site

  constructor(site: Site) {
    this.#site = site
  }

  async run(number: number, random: Random): Promise<void> {
    const chunks = split(makeStream(random), random)
    const { open, guarded, device } = this.#site
    const broker = random.once(2) ? open : guarded
    const kind = random.below(100)
    if (kind < 70) await feed(broker.connectInProcess(), chunks, random)
    else if (kind < 92) await feed(await dial(broker, plain, number), chunks, random)
    else if (kind < 96) await feed(await dial(broker, web, number), [upgrade(random), ...chunks.map(chunk => frame(chunk, random))], random)
    else if (kind < 98) await feed(await dial(broker, secure, number), random.once(2) ? [mutate(hello, random)] : chunks, random)
    else await feed(await shakeHands(await dial(broker, secure, number), random.once(3) ? undefined : device), chunks, random)
  }

  /** A client that behaves is served as before, and nothing is left of those that came. */
  async check(): Promise<void> {
    await checkBroker(this.#site.open)
    await checkBroker(this.#site.guarded)
  }

  async close(): Promise<void> {
    await this.#site.open.stop()
    await this.#site.guarded.stop()
    rmSync(this.#site.folder, { recursive: true, force: true })
  }
}

async function checkBroker(broker: Broker): Promise<void> {
  const { client, connack } = await RawClient.connect(portOf(broker, plain), {
    clientId: 'witness',
    username: 'plc',
    password: Buffer.from("plc's"),
  })
  if (connack.returnCode !== 0) throw new Error(`a client is refused with ${connack.returnCode}`)
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'skerry/ack/device/w', qos: 1 }] })
  await within(10_000, 'the answer to a subscription', client.next('suback'))
  client.send({ cmd: 'publish', topic: 'skerry/cmd/device/w', payload: 'x', qos: 1, retain: false, dup: false, messageId: 2 })
  await within(10_000, 'an acknowledgement', client.next('puback'))
  await client.leave()
  const { connections, sessions, retained } = broker.stats()
  if (connections > 2 || sessions > limits.sessions + lanes || retained > limits.retainedMessages)
    throw new Error(`${connections} connections, ${sessions} sessions, ${retained} retained messages are left`)
}

/** From many addresses: a port is not free again for a minute. */
function dial(broker: Broker, listener: number, number: number): Promise<Socket> {
  const from = process.platform === 'linux' ? { localAddress: `127.0.0.${2 + (number % 250)}` } : {}
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: portOf(broker, listener), noDelay: true, ...from })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** As a device, or as one that has no certificate yet. */
function shakeHands(socket: Socket, device: Credentials | undefined): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured: TLSSocket = connectTls({ socket, rejectUnauthorized: false, ...device }, () => resolve(secured))
    secured.once('error', reject)
  })
}

function portOf(broker: Broker, listener: number): number {
  return broker.addresses[listener]?.port ?? 0
}

/** Several packets, some of them changed; sometimes nothing but noise. */
function makeStream(random: Random): Buffer {
  if (random.once(12)) return random.bytes(1 + random.length())
  const packets = Array.from({ length: random.below(6) }, () => {
    const packet = makePacket(random)
    return random.once(3) ? random.pick(structural)(packet, random) : packet
  })
  const connected = random.once(8) ? [] : [random.once(6) ? mutate(makeConnect(random), random) : makeConnect(random)]
  const stream = Buffer.concat([...connected, ...packets])
  return random.once(4) ? mutate(stream, random) : stream
}

type Change = (packet: Buffer, random: Random) => Buffer

/** What only makes sense to somebody who knows the frame: type, flags, remaining length, the body behind it. */
const structural: readonly Change[] = [
  (packet, random) => Buffer.concat([Buffer.from([random.below(256)]), packet.subarray(1)]),
  (packet, random) => Buffer.concat([Buffer.from([((packet[0] ?? 0) & 0xf0) | random.below(16)]), packet.subarray(1)]),
  (packet, random) => Buffer.concat([packet.subarray(0, 1), remainingLength(packet, random), bodyOf(packet)]),
  (packet, random) => framed(packet, mutate(bodyOf(packet), random)),
  (packet, random) => framed(packet, mutate(bodyOf(packet), random)),
  (packet, random) => mutate(packet, random),
  packet => Buffer.concat([packet, packet]),
]

function bodyOf(packet: Buffer): Buffer {
  let at = 1
  while (at < packet.length && at < 4 && (packet[at] ?? 0) >= 0x80) at++
  return packet.subarray(at + 1)
}

/** The changed body in a frame that fits it. */
function framed(packet: Buffer, body: Buffer): Buffer {
  return Buffer.concat([packet.subarray(0, 1), lengthBytes(body.length), body])
}

function remainingLength(packet: Buffer, random: Random): Buffer {
  const { length } = bodyOf(packet)
  const wrong = random.pick([0, 1, 2, length + 1, Math.max(0, length - 1), 127, 128, 16_383, 65_535, 2_097_151, 268_435_455])
  return random.once(5) ? Buffer.from([0xff, 0xff, 0xff, 0xff, random.below(256)]) : lengthBytes(wrong)
}

/** MQTT 2.2.3. */
function lengthBytes(length: number): Buffer {
  const bytes: number[] = []
  let left = length
  do {
    const next = Math.floor(left / 128)
    bytes.push((left % 128) + (next > 0 ? 128 : 0))
    left = next
  } while (left > 0)
  return Buffer.from(bytes)
}

function split(stream: Buffer, random: Random): Buffer[] {
  if (random.once(2)) return [stream]
  const cuts = Array.from({ length: random.below(random.once(20) ? 40 : 4) }, () => random.below(stream.length + 1)).sort((a, b) => a - b)
  return [0, ...cuts].map((cut, n) => stream.subarray(cut, cuts[n] ?? stream.length))
}

/** All chunks, then the end; done when the broker has closed the connection. */
async function feed(connection: Duplex, chunks: readonly Buffer[], random: Random): Promise<void> {
  const pauses = random.once(10)
  connection.on('error', () => {})
  connection.resume()
  const closed = new Promise<void>(resolve => connection.once('close', () => resolve()))
  for (const chunk of chunks) {
    if (connection.destroyed) break
    connection.write(chunk)
    if (pauses) await new Promise(resolve => setImmediate(resolve))
  }
  if (random.once(10)) connection.destroy()
  else connection.end()
  await closed
}

/** The HTTP request that opens a WebSocket, sometimes a wrong one. */
function upgrade(random: Random): Buffer {
  const request = Buffer.from(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n',
  )
  return random.once(4) ? mutate(request, random) : request
}

/** A masked binary frame of a client (RFC 6455, 5.2), its mask zero; sometimes a wrong one. */
function frame(chunk: Buffer, random: Random): Buffer {
  const length = chunk.length < 126 ? [0x80 | chunk.length] : [0x80 | 126, (chunk.length >> 8) & 255, chunk.length & 255]
  const bytes = Buffer.concat([Buffer.from([random.once(10) ? random.below(256) : 0x82, ...length, 0, 0, 0, 0]), chunk])
  return random.once(10) ? mutate(bytes, random) : bytes
}

/** The beginning of a ClientHello of TLS 1.2. */
const hello = Buffer.from(`16030100510100004d0303${'ab'.repeat(32)}000004130113020100002000`.padEnd(172, '0'), 'hex')
