// The broker's answers to what it does not allow, and its limits.
import type { ISubackPacket } from 'mqtt-packet'
import { suite } from 'uvu'
import { equal, is, ok } from 'uvu/assert'
import { RawClient } from '../../bench/support/raw.js'
import type { Clock } from '../../protocol/clock.js'
import { eventually, within } from '../support/within.js'
import { connectAsManager, enter, withBroker } from './support/brokers.js'

const test = suite('guard')

const returnCode = async (port: number, fields: Parameters<typeof RawClient.connect>[1]): Promise<number | undefined> =>
  (await RawClient.connect(port, fields)).connack.returnCode

async function granted(client: RawClient, ...filters: string[]): Promise<unknown[]> {
  client.send({ cmd: 'subscribe', messageId: 5, subscriptions: filters.map(topic => ({ topic, qos: 1 as const })) })
  return ((await client.next('suback')) as ISubackPacket).granted
}

test('a denied message of any QoS is dropped, counted and acknowledged; the client stays', () =>
  withBroker({}, async ({ broker, port }) => {
    const watcher = await enter(port, 'watcher')
    await granted(watcher, '#')
    const device = await enter(port, 'dev-a')
    for (const qos of [0, 1, 2] as const) {
      device.send({ cmd: 'publish', topic: 'skerry/device/b/status', payload: 'x', qos, retain: true, dup: false, messageId: qos + 1 })
    }
    is((await device.next('puback')).messageId, 2)
    is((await device.next('pubrec')).messageId, 3)
    await device.sync()
    await watcher.sync()
    equal(watcher.pending, [])
    equal([broker.stats().retained, broker.stats().dropped['publish-denied']], [0, 3])
  }))

test('a will that is not allowed keeps its client out', () =>
  withBroker({}, async ({ port }) => {
    is(await returnCode(port, { clientId: 'dev-a', will: { topic: 'skerry/device/b/status', payload: Buffer.from('x') } }), 5)
    is(await returnCode(port, { clientId: 'dev-a', will: { topic: 'skerry/device/a/status', payload: Buffer.from('x') } }), 0)
    is(await returnCode(port, { clientId: 'op', will: { topic: 'a/#', payload: Buffer.from('x') } }), 5)
  }))

test('nobody takes the client id of the manager inside', () =>
  withBroker({}, async ({ broker, port }) => {
    const manager = connectAsManager(broker)
    await within(5000, 'the manager connected', new Promise(resolve => manager.once('connect', resolve)))
    is(await returnCode(port, { clientId: 'manager-1' }), 2)
    ok(manager.connected)
    await manager.endAsync()
  }))

test('malformed filters are refused, those beside them granted', () =>
  withBroker({}, async ({ port }) => {
    const client = await enter(port, 'one')
    equal(await granted(client, 'a+', '+a', 'a#', 'a/+/b', '#'), [128, 128, 128, 1, 1])
  }))

test('a denied subscription of a persistent session queues nothing and does not come back', () =>
  withBroker({}, async ({ broker, port }) => {
    const device = await enter(port, 'dev-a', { clean: false })
    equal(await granted(device, 'skerry/device/a/desired', 'secret/#'), [1, 128])
    await device.leave()
    const other = await enter(port, 'other')
    other.send({ cmd: 'publish', topic: 'secret/plan', payload: 'x', qos: 1, retain: false, dup: false, messageId: 1 })
    await other.next('puback')
    is(broker.stats().queued, 0)
    const back = await enter(port, 'dev-a', { clean: false })
    await back.sync()
    equal(back.pending, [])
  }))

test('subscriptions of one client are bounded', () =>
  withBroker({ limits: { subscriptions: 3 } }, async ({ port }) => {
    for (const clean of [true, false]) {
      const client = await enter(port, `client-${clean}`, { clean })
      equal(await granted(client, 'a', 'b'), [1, 1])
      equal(await granted(client, 'c', 'd', 'a'), [1, 128, 1])
    }
  }))

test('a client without keep-alive, or with a long one, is held to the limit', () =>
  withBroker({ limits: { keepaliveS: 1 } }, async ({ broker, port }) => {
    const clients = await Promise.all([enter(port, 'none', { keepalive: 0 }), enter(port, 'long', { keepalive: 65_535 })])
    await within(5000, 'their end', Promise.all(clients.map(({ closed }) => closed)))
    is(broker.stats().dropped['keepalive-missed'], 2)
  }))

test('a connection that says nothing is closed', () =>
  withBroker({ limits: { connectTimeoutMs: 50 } }, async ({ broker, port }) => {
    const mute = await RawClient.open(port)
    await within(5000, 'its end', mute.closed)
    is(broker.stats().dropped['connect-timeout'], 1)
  }))

test('connections come in at a limited rate, and again when time has passed', async () => {
  let now = 0
  const clock: Clock = { now: () => Date.now(), monotonic: () => now, after: () => () => {} }
  const limits = { connectRatePerAddress: { perSecond: 1, burst: 3 } }
  await withBroker({ limits, clock }, async ({ broker, port }) => {
    for (let i = 0; i < 3; i++) await enter(port, `client-${i}`)
    const fourth = await RawClient.open(port)
    await within(5000, 'its end', fourth.closed)
    is(broker.stats().dropped['connect-rate'], 1)
    now = 1000
    await enter(port, 'client-4')
  })
})

test('connections are bounded in number', () =>
  withBroker({ limits: { connections: 2 } }, async ({ broker, port }) => {
    await enter(port, 'one')
    const two = await enter(port, 'two')
    const three = await RawClient.open(port)
    await within(5000, 'its end', three.closed)
    is(broker.stats().dropped['connections-full'], 1)
    await two.leave()
    await eventually(5000, 'room again', () => broker.stats().connections === 1)
    await enter(port, 'four')
  }))

test('an absent session keeps the newest messages up to its limits', () =>
  withBroker({ limits: { queuedMessages: 3, queuedBytes: 1000 } }, async ({ broker, port }) => {
    const away = await enter(port, 'away', { clean: false })
    await granted(away, 't')
    await away.leave()
    const other = await enter(port, 'other')
    const send = async (payload: Buffer | string, messageId: number): Promise<void> => {
      other.send({ cmd: 'publish', topic: 't', payload, qos: 1, retain: false, dup: false, messageId })
      await other.next('puback')
    }
    for (let i = 1; i <= 5; i++) await send(`message ${i}`, i)
    equal([broker.stats().queued, broker.stats().dropped['queue-full']], [3, 2])
    await send(Buffer.alloc(990), 6)
    equal([broker.stats().queued, broker.stats().dropped['queue-full']], [1, 5])
    await send(Buffer.alloc(2000), 7)
    equal([broker.stats().queued, broker.stats().queuedBytes], [0, 0])
  }))

test('persistent sessions are bounded in number, and are forgotten when their time is over', async () => {
  let now = 1_000_000
  const timers: (() => void)[] = []
  const after: Clock['after'] = (_delayMs, run) => {
    timers.push(run)
    return () => {}
  }
  const clock: Clock = { now: () => now, monotonic: () => performance.now(), after }
  await withBroker({ clock, limits: { sessions: 1, sessionExpiryMs: 5000 } }, async ({ broker, port }) => {
    const first = await enter(port, 'first', { clean: false })
    await granted(first, 't')
    is(await returnCode(port, { clientId: 'second', clean: false }), 3)
    await first.leave()
    await enter(port, 'first', { clean: false }).then(again => again.leave())
    await eventually(5000, 'first gone', () => broker.stats().connections === 0)
    now += 6000
    for (const run of timers.splice(0)) run()
    is(broker.stats().sessions, 0)
    is(await returnCode(port, { clientId: 'second', clean: false }), 0)
  })
})

test('retained messages are bounded; what is there already may still change and go', () =>
  withBroker({ limits: { retainedMessages: 1 } }, async ({ broker, port }) => {
    const client = await enter(port, 'one')
    const retain = (topic: string, payload: string): void =>
      client.send({ cmd: 'publish', topic, payload, qos: 0, retain: true, dup: false })
    retain('a', 'x')
    retain('b', 'x')
    retain('a', 'y')
    await client.sync()
    equal([broker.stats().retained, broker.stats().dropped['retained-full']], [1, 1])
    retain('a', '')
    retain('b', 'x')
    await client.sync()
    equal([broker.stats().retained, broker.stats().dropped['retained-full']], [1, 1])
  }))

test('values of programs are bounded in size, and leave room for what the fleet retains', () =>
  withBroker({ limits: { dataMessages: 2, dataBytes: 100_000 } }, async ({ broker, port }) => {
    const client = await enter(port, 'one')
    const retain = (topic: string, payload: string): void =>
      client.send({ cmd: 'publish', topic, payload, qos: 0, retain: true, dup: false })
    const counts = () => {
      const { retained, dropped } = broker.stats()
      return [retained, dropped['retained-full'] ?? 0, dropped['publish-too-large'] ?? 0]
    }
    retain('skerry/data/group/g/large', 'x'.repeat(65_537))
    await client.sync()
    equal(counts(), [0, 0, 1])
    retain('skerry/data/group/g/large', 'x'.repeat(65_536))
    retain('skerry/data/group/g/another', 'x'.repeat(40_000))
    retain('skerry/data/group/g/small', 'x')
    retain('skerry/data/group/g/third', 'x')
    await client.sync()
    equal(counts(), [2, 2, 1])
    retain('skerry/group/g/desired', 'x'.repeat(100_000))
    retain('skerry/data/group/g/large', '')
    retain('skerry/data/group/g/third', 'x')
    await client.sync()
    equal(counts(), [3, 2, 1])
  }))

test.run()
