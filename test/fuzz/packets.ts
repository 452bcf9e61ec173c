// What well-behaved clients say: the packets that the mutations start from.
import { generate, type Packet } from 'mqtt-packet'
import { connectPacket } from '../../bench/support/raw.js'
import { strangeText } from './bytes.js'
import type { Random } from './random.js'
import { sampleMessages } from './samples.js'

const will = { topic: 'skerry/device/d1/status', payload: Buffer.from([0xa0]), qos: 1 as const, retain: true }

/** A few, so that sessions and retained messages stay few too. */
const clientIds = [
  '',
  'plc-1',
  'plc-2',
  'dev-d1',
  'dev-d2',
  'dev-d1',
  'manager-1',
  'join-x',
  `join-${'k'.repeat(43)}`,
  '__proto__',
  'constructor',
  'x'.repeat(300),
]
const topics = [
  ...sampleMessages.map(({ topic }) => `skerry/${topic}`),
  ...['skerry/device/d2/status', 'skerry/device/d2/response/r1', 'skerry/ack/group/g', 'skerry/state/device/d1', 'skerry/from/e30/cmd/x'],
  ...['a/b', '/', '//', '__proto__', 'constructor/x', 'toString', '$SYS/x', '$share/g/a', 'a b', 'ü/é', 'x/'.repeat(99), 'x/'.repeat(200)],
]
const filters = [
  ...topics,
  '#',
  '+',
  '+/+',
  '+/#',
  'a/#',
  'a/+/b',
  'a/#/b',
  'a+',
  '#a',
  '$SYS/#',
  '$share/g/#',
  'skerry/device/+/status',
  'skerry/join/+/answer',
  'skerry/state/#',
  '+/'.repeat(99),
]

export function makePacket(random: Random): Buffer {
  return Buffer.from(generate(random.pick(makers)(random)))
}

export function makeConnect(random: Random): Buffer {
  return Buffer.from(generate(connectOf(random)))
}

type Maker = (random: Random) => Packet

/** Of users of the guarded broker, of an agent, of nobody. */
const credentials: readonly ((random: Random) => { readonly username?: string; readonly password?: Buffer })[] = [
  () => ({}),
  () => ({ username: 'plc', password: Buffer.from("plc's") }),
  () => ({ username: 'panel', password: Buffer.from("panel's") }),
  () => ({ username: 'run-0a0b0c0d' }),
  random => ({ username: random.pick(['plc', 'admin', '', 'x'.repeat(1000)]), password: random.bytes(random.length()) }),
]

function connectOf(random: Random): Packet {
  const clientId = random.pick(clientIds)
  return connectPacket({
    clientId,
    clean: clientId === '' || random.once(2),
    keepalive: random.pick([0, 1, 60, 65_535]),
    ...(random.once(3) ? { will: { ...will, topic: random.pick(topics) } } : {}),
    ...random.pick(credentials)(random),
    ...(random.once(8) && clientId !== '' ? { protocolId: 'MQIsdp' as const, protocolVersion: 3 as const } : {}),
    ...(random.once(8) ? { protocolVersion: 5 as const } : {}),
  })
}

function publishOf(random: Random): Packet {
  const qos = random.pick([0, 1, 2] as const)
  const topic = random.once(30) ? printable(strangeText(random)) : random.pick(topics)
  const payload = random.once(2) ? random.pick(sampleMessages).bytes : random.bytes(random.length())
  return {
    cmd: 'publish',
    topic,
    payload,
    qos,
    retain: random.once(3),
    dup: qos > 0 && random.once(4),
    ...(qos > 0 ? { messageId: messageId(random) } : {}),
  } as Packet
}

/** What {@link generate} takes; the rest comes in by mutation. */
function printable(text: string): string {
  return text.replace(/[+#\0]/g, '') || 'x'
}

function messageId(random: Random): number {
  return random.pick([1, 2, 3, 65_535])
}

function subscribeOf(random: Random): Packet {
  const subscriptions = Array.from({ length: 1 + random.below(3) }, () => ({
    topic: random.pick(filters),
    qos: random.pick([0, 1, 2] as const),
  }))
  return { cmd: 'subscribe', messageId: messageId(random), subscriptions }
}

function unsubscribeOf(random: Random): Packet {
  return { cmd: 'unsubscribe', messageId: messageId(random), unsubscriptions: [random.pick(filters)] }
}

const makers: readonly Maker[] = [
  publishOf,
  publishOf,
  publishOf,
  subscribeOf,
  unsubscribeOf,
  connectOf,
  random => ({ cmd: random.pick(['puback', 'pubrec', 'pubrel', 'pubcomp', 'unsuback']), messageId: messageId(random) }) as Packet,
  random => ({ cmd: random.pick(['pingreq', 'pingresp', 'disconnect']) }) as Packet,
  () => ({ cmd: 'connack', returnCode: 0, sessionPresent: false }),
  random => ({ cmd: 'suback', messageId: messageId(random), granted: [0, 128] }),
]
