// Bytes that are no MQTT, or nearly: the broker stays, keeps nothing of them, and serves the others.
import { generate, type Packet } from 'mqtt-packet'
import { suite } from 'uvu'
import { is, ok } from 'uvu/assert'
import { connectPacket, RawClient } from '../../bench/support/raw.js'
import { within } from '../support/within.js'
import { enter, withBroker } from './support/brokers.js'

const test = suite('garbage')
const streams = 3000
const lanes = 50

/** mulberry32: the same numbers in every run. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

type Random = ReturnType<typeof makeRandom>

const fields = { qos: 1 as const, retain: true, dup: false, messageId: 9 }
const samples: readonly Packet[] = [
  connectPacket({ clientId: 'fuzz', clean: false, will: { topic: 'w', payload: Buffer.from('x'), qos: 2, retain: true } }),
  {
    cmd: 'subscribe',
    messageId: 3,
    subscriptions: [
      { topic: 'a/+/#', qos: 1 },
      { topic: '#', qos: 2 },
    ],
  },
  { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a/+/#'] },
  { cmd: 'publish', topic: 'a/b', payload: 'x', ...fields },
  { cmd: 'publish', topic: '__proto__', payload: 'x', ...fields, qos: 2 },
  { cmd: 'pubrel', messageId: 9 },
  { cmd: 'pubrec', messageId: 9 },
  { cmd: 'puback', messageId: 77 },
  { cmd: 'pingreq' },
  { cmd: 'connack', returnCode: 0, sessionPresent: false },
  { cmd: 'disconnect' },
]

/** A run of packets with some bytes changed, cut out or put in; or no packets at all. */
function makeStream(random: Random): Buffer {
  if (random(4) === 0) return Buffer.from(Array.from({ length: 1 + random(200) }, () => random(256)))
  const packets = Array.from({ length: 1 + random(8) }, () => samples[random(samples.length)] as Packet)
  const head = random(3) > 0 ? [connectPacket({ clientId: `fuzz-${random(40)}`, clean: random(2) === 0 })] : []
  const bytes = [...Buffer.concat([...head, ...packets].map(packet => generate(packet)))]
  for (let change = random(6); change > 0; change--) {
    const at = random(bytes.length)
    bytes.splice(at, random(3), ...Array.from({ length: random(3) }, () => random(256)))
  }
  return Buffer.from(bytes)
}

async function feed(port: number, bytes: Buffer, random: Random): Promise<void> {
  const client = await RawClient.open(port)
  client.onPacket = () => {}
  const cut = random(bytes.length + 1)
  client.write(bytes.subarray(0, cut))
  client.write(bytes.subarray(cut))
  // What the broker did not end itself ends when it has read all that came before.
  client.write(Buffer.from([0xc0, 0]))
  client.end()
  await within(20_000, 'the end of a stream', client.closed)
}

test(`${streams} streams of garbage leave the broker alive and small`, () =>
  withBroker({}, async ({ broker, port }) => {
    const random = makeRandom(20_240_229)
    const run = async (count: number): Promise<void> => {
      const lane = async (): Promise<void> => {
        for (let i = 0; i < count / lanes; i++) await feed(port, makeStream(random), random)
      }
      await Promise.all(Array.from({ length: lanes }, lane))
    }
    await run(streams / 3)
    const before = process.memoryUsage()
    await run((streams / 3) * 2)
    const after = process.memoryUsage()
    const grown = after.heapUsed + after.external - before.heapUsed - before.external
    ok(grown < 64 * 1024 * 1024, `memory grew by ${grown} bytes`)
    const client = await enter(port, 'after')
    await client.sync()
    is(broker.stats().connections, 1)
    ok((broker.stats().dropped['not-mqtt'] ?? 0) > 100)
  }))

test.run()
