// The known defects of Aedes 1.2: that stock Aedes has them (where that shows at once), and that this broker does not.
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AedesOptions } from 'aedes'
import type { IPublishPacket } from 'mqtt-packet'
import { suite } from 'uvu'
import { equal, not, ok } from 'uvu/assert'
import { connectPacket, RawClient } from '../../bench/support/raw.js'
import { defaultLimits } from '../../broker/limits.js'
import { Persistence } from '../../broker/store/persistence.js'
import { eventually, within } from '../support/within.js'
import { enter, withBroker, withStock } from './support/brokers.js'

const test = suite('defects of Aedes')
const topicOf = (packet: unknown): string => (packet as IPublishPacket).topic
const payloadOf = (packet: unknown): string => (packet as IPublishPacket).payload.toString()

async function subscribe(client: RawClient, topic: string, qos: 0 | 1 | 2 = 0): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] })
  await client.next('suback')
}

const message = (topic: string, payload: string | Buffer, fields: Partial<IPublishPacket> = {}): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload,
  qos: 0,
  retain: false,
  dup: false,
  ...fields,
})

/** One subscriber reads nothing; the time until another subscriber has all of `count` messages that one publisher sends both. */
async function pastStalled(port: number, count: number): Promise<void> {
  const stalled = await enter(port, 'stalled')
  await subscribe(stalled, 'load')
  stalled.pause()
  const watcher = await enter(port, 'watcher')
  await subscribe(watcher, 'end')
  const publisher = await enter(port, 'publisher')
  const payload = Buffer.alloc(16 * 1024)
  for (let sent = 0; sent < count; sent++) publisher.send(message('load', payload))
  publisher.send(message('end', 'x'))
  await within(8000, 'the last message', watcher.next('publish'))
}

// Stock Aedes ends with "RangeError: Maximum call stack size exceeded" at the last step.
test('D1: publishers flooding past a stalled subscriber crash nobody', () =>
  withBroker({}, async ({ broker, port }) => {
    const stalled = await enter(port, 'stalled')
    await subscribe(stalled, 'flood')
    stalled.pause()
    const publishers = await Promise.all(Array.from({ length: 180 }, (_, i) => enter(port, `publisher-${i}`)))
    for (const publisher of publishers) for (let i = 0; i < 112; i++) publisher.send(message('flood', Buffer.alloc(600)))
    await within(30_000, 'every publisher answered', Promise.all(publishers.map(publisher => publisher.sync())))
    equal(broker.stats().publishes, 180 * 112)
    stalled.reset()
    await stalled.closed
    await enter(port, 'after')
  }))

test('D2: stock Aedes holds up a publisher behind a subscriber that stalls', () =>
  withStock({ drainTimeout: 60_000 }, async port => {
    const late = await pastStalled1s(port)
    ok(late)
  }))

/** Whether the message after the load is still missing when a second has passed. */
async function pastStalled1s(port: number): Promise<boolean> {
  let arrived = false
  const run = pastStalled(port, 2000).then(
    () => {
      arrived = true
    },
    () => {},
  )
  await Promise.race([run, new Promise(resolve => setTimeout(resolve, 1000))])
  return !arrived
}

test('D2: a subscriber that stalls holds up nobody, and what waits for it is bounded', () =>
  withBroker({ limits: { outputBytes: 1024 * 1024 } }, async ({ broker, port }) => {
    await pastStalled(port, 2000)
    ok((broker.stats().dropped['output-full'] ?? 0) > 0)
  }))

test('D2: a stalled subscriber of QoS 1 is disconnected, and its persistent session loses nothing', () =>
  withBroker({ limits: { outputBytes: 64 * 1024, queuedBytes: 64 * 1024 * 1024 } }, async ({ broker, port }) => {
    const stalled = await enter(port, 'stalled', { clean: false })
    await subscribe(stalled, 'load', 1)
    stalled.pause()
    const publisher = await enter(port, 'publisher')
    const payload = Buffer.alloc(32 * 1024)
    for (let sent = 1; sent <= 400; sent++) publisher.send(message('load', payload, { qos: 1, messageId: sent }))
    await publisher.next('puback', packet => packet.messageId === 400)
    await eventually(5000, 'the stalled subscriber cut', () => broker.stats().dropped['subscriber-slow'] !== undefined)
    stalled.close()
    equal(broker.stats().queued, 400)
    const back = await enter(port, 'stalled', { clean: false })
    for (let got = 0; got < 400; got++) {
      const packet = await within(5000, `message ${got}`, back.next('publish'))
      back.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
    }
    await eventually(5000, 'an empty queue', () => broker.stats().queued === 0)
  }))

interface RetainedStore {
  storeRetained(packet: object): Promise<void>
  createRetainedStreamCombi(filters: string[]): AsyncIterable<unknown>
}

const Memory = createRequire(import.meta.url)('aedes-persistence/asyncPersistence.js') as new () => RetainedStore

/** Entries of maps that are looked at one by one while `run` runs. */
async function countSteps(run: () => Promise<void>): Promise<number> {
  const original = Map.prototype[Symbol.iterator]
  let steps = 0
  Map.prototype[Symbol.iterator] = function* (this: Map<unknown, unknown>) {
    for (const entry of original.call(this)) {
      steps++
      yield entry
    }
  } as typeof original
  try {
    await run()
  } finally {
    Map.prototype[Symbol.iterator] = original
  }
  return steps
}

async function lookUp(store: RetainedStore): Promise<number> {
  for (let i = 0; i < 500; i++) await store.storeRetained(message(`skerry/device/${i}/desired`, 'x', { retain: true }))
  return countSteps(async () => {
    const found: string[] = []
    for await (const packet of store.createRetainedStreamCombi(['skerry/device/7/desired', 'skerry/group/+/desired']))
      found.push(topicOf(packet))
    equal(found, ['skerry/device/7/desired'])
  })
}

test('D3: stock Aedes looks at every retained topic for each filter', async () => {
  equal(await lookUp(new Memory()), 1000)
})

test('D3: a filter looks only at the retained topics that it may match', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-defects-'))
  const store = new Persistence({ file: join(folder, 'broker.db'), limits: defaultLimits })
  ok((await lookUp(store)) < 10)
  await store.destroy()
  rmSync(folder, { recursive: true })
})

test('D4: stock Aedes acknowledges QoS 1 before the message is stored', async () => {
  class Slow extends Memory {
    stored = false
    override async storeRetained(): Promise<void> {
      await new Promise(resolve => setTimeout(resolve, 200))
      this.stored = true
    }
  }
  const store = new Slow()
  await withStock({ persistence: store } as AedesOptions, async port => {
    const client = await enter(port, 'one')
    client.send(message('a', 'x', { qos: 1, retain: true, messageId: 7 }))
    await client.next('puback')
    not(store.stored)
    await eventually(5000, 'stored', () => store.stored)
  })
})

test('D4: QoS 1 is acknowledged only after the commit', () =>
  withBroker({}, async ({ port }) => {
    const { prototype } = Persistence
    const { settled } = prototype
    let release = (): void => {}
    const disk = new Promise<void>(resolve => {
      release = resolve
    })
    prototype.settled = async function (this: Persistence) {
      await disk
      return settled.call(this)
    }
    try {
      const client = await enter(port, 'one')
      client.send(message('a', 'x', { qos: 1, retain: true, messageId: 7 }))
      await client.sync()
      equal(client.pending.length, 0)
      release()
      equal((await client.next('puback')).messageId, 7)
    } finally {
      prototype.settled = settled
    }
  }))

/** Bytes of a frame of this type that announces `length` and never comes whole. */
const announce = (type: number, length: number): Buffer =>
  Buffer.from([type << 4, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, ((length >> 14) & 0x7f) | 0x80, length >> 21])

test('D5: stock Aedes takes in a huge frame of a stranger', () =>
  withStock({}, async port => {
    const client = await RawClient.open(port)
    let open = true
    void client.closed.then(() => {
      open = false
    })
    client.write(announce(1, 200_000_000))
    client.write(Buffer.alloc(1024 * 1024))
    const other = await enter(port, 'other')
    await other.sync()
    ok(open)
    client.close()
  }))

test('D5: frames are limited, before CONNECT and after, by their announced size', () =>
  withBroker({}, async ({ broker, port }) => {
    const stranger = await RawClient.open(port)
    stranger.write(announce(1, 65 * 1024))
    await within(5000, 'the end of a large CONNECT', stranger.closed)
    const publisher = await RawClient.open(port)
    publisher.write(announce(3, 1000))
    await within(5000, 'the end of a PUBLISH before CONNECT', publisher.closed)
    const known = await enter(port, 'known')
    known.write(announce(3, 1_200_000))
    await within(5000, 'the end of a large PUBLISH', known.closed)
    const fits = await enter(port, 'fits')
    fits.send(message('large', Buffer.alloc(1024 * 1024), { qos: 1, messageId: 3 }))
    equal((await fits.next('puback')).messageId, 3)
    equal(broker.stats().dropped, { 'frame-too-large': 2, 'not-mqtt': 1 })
  }))

/** Sends 60 messages of mixed kinds to one topic; what a subscriber has of them then. */
async function order(port: number): Promise<number[]> {
  const watcher = await enter(port, 'watcher')
  await subscribe(watcher, '#', 1)
  const publisher = await enter(port, 'publisher')
  for (let i = 0; i < 60; i++) publisher.send(message('t', `${i}`, { qos: i % 3 === 0 ? 1 : 0, retain: i % 2 === 0, messageId: i + 1 }))
  await publisher.sync()
  await watcher.sync()
  return watcher.pending.map(packet => Number(payloadOf(packet)))
}

const ascending = Array.from({ length: 60 }, (_, i) => i)

test('D6: stock Aedes reorders one client’s messages, and takes those overtaken for repeated ones', () =>
  withStock({}, async port => {
    not.equal(await order(port), ascending)
  }))

test('D6: one client’s messages keep their order, whatever their QoS and whether retained', () =>
  withBroker({}, async ({ port }) => {
    equal(await order(port), ascending)
  }))

const will = (clientId: string): { topic: string; payload: string; qos: 1; retain: true } => ({
  topic: `skerry/device/${clientId.slice(4)}/status`,
  payload: `will of ${clientId}`,
  qos: 1,
  retain: true,
})

test('D7: stock Aedes publishes and retains the wills of connected clients when it is closed', async () => {
  const store = new Memory()
  await withStock({ persistence: store } as AedesOptions, async port => {
    await enter(port, 'dev-a', { will: will('dev-a') })
  })
  const wills: string[] = []
  for await (const packet of store.createRetainedStreamCombi(['#'])) wills.push(payloadOf(packet))
  equal(wills, ['will of dev-a'])
})

test('D7: a stop publishes no wills and keeps sessions', () =>
  withBroker({}, async ({ port, broker, restart }) => {
    const away = await enter(port, 'away', { clean: false })
    await subscribe(away, 'skerry/device/+/status', 1)
    const device = await enter(port, 'dev-a', { will: will('dev-a') })
    const manager = await enter(port, 'watcher')
    await subscribe(manager, 'skerry/device/+/status', 1)
    await broker.stop()
    await Promise.all([within(5000, 'the end', device.closed), within(5000, 'the end', manager.closed)])
    equal(manager.pending, [])
    const again = await restart()
    equal(again.broker.stats().retained, 0)
    const { connack, client } = await RawClient.connect(again.port, { clientId: 'away', clean: false })
    ok(connack.sessionPresent)
    await client.sync()
    equal(client.pending, [])
  }))

/** Connects again and again under one id; the status topics that a watcher then hears. */
async function takeOver(port: number, times: number): Promise<{ wills: string[]; last: RawClient; watcher: RawClient }> {
  const watcher = await enter(port, 'watcher')
  await subscribe(watcher, 'skerry/device/+/status', 1)
  let last = await enter(port, 'dev-a', { will: will('dev-a') })
  for (let i = 0; i < times; i++) {
    const before = last
    last = await enter(port, 'dev-a', { will: { ...will('dev-a'), payload: `will ${i}` } })
    await before.closed
  }
  await watcher.sync()
  return { wills: watcher.pending.splice(0).map(payloadOf), last, watcher }
}

test('D8: stock Aedes publishes a will for each take-over', () =>
  withStock({}, async port => {
    const { wills } = await takeOver(port, 20)
    equal(wills.length, 20)
  }))

test('D8: a take-over by a device publishes no will, and the new connection’s will holds', () =>
  withBroker({}, async ({ port }) => {
    const { wills, last, watcher } = await takeOver(port, 300)
    equal(wills, [])
    last.reset()
    equal(payloadOf(await within(5000, 'the last will', watcher.next('publish'))), 'will 299')
  }))

test('D9: wills of an earlier run are published for those only who have not come back', async () => {
  const timers: { delayMs: number; run: () => void }[] = []
  const clock = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (delayMs: number, run: () => void) => {
      timers.push({ delayMs, run })
      return () => {}
    },
  }
  await withBroker({ clock }, async ({ port, restart }) => {
    await enter(port, 'dev-gone', { will: will('dev-gone') })
    await enter(port, 'dev-back', { will: will('dev-back') })
    await enter(port, 'dev-bare', { will: will('dev-bare') })
    timers.splice(0)
    const again = await restart()
    const back = await enter(again.port, 'dev-back', { will: will('dev-back') })
    const bare = await enter(again.port, 'dev-bare')
    const watcher = await enter(again.port, 'watcher')
    await subscribe(watcher, 'skerry/device/+/status', 1)
    await watcher.sync()
    equal(watcher.pending, [])
    const pass = (graceMs: number) => timers.filter(({ delayMs }) => delayMs === graceMs).forEach(({ run }) => void run())
    pass(defaultLimits.willGraceMs)
    await watcher.sync()
    equal(watcher.pending, [], 'one on a thin link may not have seen yet that the broker was away')
    pass(defaultLimits.deviceWillGraceMs)
    equal(topicOf(await within(5000, 'the will of the absent one', watcher.next('publish'))), 'skerry/device/gone/status')
    await watcher.sync()
    equal(watcher.pending, [])
    back.reset()
    equal(topicOf(await within(5000, 'its will', watcher.next('publish'))), 'skerry/device/back/status')
    bare.close()
  })
})

const burst = (count: number): Buffer[] => [
  ...Array.from({ length: count }, (_, i) => Buffer.from([0x30, 6, 0, 1, 0x74, 0x30 + (i % 10), 0x2e, 0x2e])),
]

/** CONNECT and `count` publishes in one write; whether the connection lives on. */
async function sendBurst(port: number, count: number): Promise<boolean> {
  const client = await RawClient.open(port)
  const { generate } = await import('mqtt-packet')
  client.write(Buffer.concat([generate(connectPacket({ clientId: 'burst' })), ...burst(count)]))
  return client.sync().then(
    () => true,
    () => false,
  )
}

test('D10: stock Aedes cuts a client that sends 60 messages with its CONNECT', () =>
  withStock({}, async port => {
    not(await sendBurst(port, 60))
  }))

test('D10: CONNECT and hundreds of messages in one burst all count', () =>
  withBroker({}, async ({ broker, port }) => {
    ok(await sendBurst(port, 900))
    equal(broker.stats().publishes, 900)
  }))

// Stock Aedes answers QoS 1 with the number -1 or 0; written by the engine after the message is stored, -1 ended the process.
for (const [what, bytes] of [
  ['a PUBLISH of QoS 1 that ends before its number', [0x32, 3, 0, 1, 0x61]],
  ['a PUBLISH of QoS 2 with the number 0', [0x34, 5, 0, 1, 0x61, 0, 0]],
  ['a SUBSCRIBE with the number 0', [0x82, 6, 0, 0, 0, 1, 0x61, 0]],
  ['a PUBREL without a number', [0x62, 0]],
] as const) {
  test(`D11: ${what} ends the connection and nothing else`, () =>
    withBroker({}, async ({ broker, port }) => {
      const client = await enter(port, 'short')
      const publishes = broker.stats().publishes
      client.write(Buffer.from(bytes))
      await within(5000, 'the end of the connection', client.closed)
      equal(broker.stats().publishes, publishes)
      const other = await enter(port, 'other')
      await other.sync()
      equal(broker.stats().dropped, { 'protocol-fault': 1 })
      await other.leave()
    }))
}

test.run()
