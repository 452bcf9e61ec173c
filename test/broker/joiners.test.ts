// Devices that have no certificate yet: only their two topics, in small frames, few at a time and not too fast.
import type { ISubackPacket } from 'mqtt-packet'
import { suite } from 'uvu'
import { equal, is } from 'uvu/assert'
import type { RawClient } from '../../bench/support/raw.js'
import type { Clock } from '../../protocol/clock.js'
import { eventually, within } from '../support/within.js'
import { connectAsManager } from './support/brokers.js'
import { enterTls, hello, withSecureBroker } from './support/secure.js'

const test = suite('joiners')
const key = (n: number): string => `${n}`.padStart(43, 'k')

async function granted(client: RawClient, ...filters: string[]): Promise<unknown[]> {
  client.send({ cmd: 'subscribe', messageId: 5, subscriptions: filters.map(topic => ({ topic, qos: 1 as const })) })
  return ((await client.next('suback')) as ISubackPacket).granted
}

const request = (of: string, payload: string | Buffer = 'x', messageId = 1) =>
  ({ cmd: 'publish', topic: `skerry/join/${of}/request`, payload, qos: 1, retain: true, dup: false, messageId }) as const

test('who asks to join is heard and answered on the topics of its key, and nowhere else', () =>
  withSecureBroker(async ({ broker, port }) => {
    const manager = connectAsManager(broker)
    await manager.subscribeAsync('skerry/join/+/request', { qos: 1 })
    manager.on('message', (topic, payload) => manager.publish(topic.replace('/request', '/answer'), payload, { qos: 1 }))
    const client = await enterTls(port, { clientId: `join-${key(1)}` })
    const filters = [
      `skerry/join/${key(1)}/answer`,
      `skerry/join/${key(2)}/answer`,
      'skerry/join/+/answer',
      `skerry/join/${key(1)}/request`,
    ]
    equal(await granted(client, ...filters, 'skerry/fleet/desired', '#'), [1, 128, 128, 128, 128, 128])
    client.send(request(key(1), 'mine'))
    client.send(request(key(2), 'another', 2))
    const answer = await client.next('publish')
    equal(answer.cmd === 'publish' && [answer.topic, answer.payload.toString()], [`skerry/join/${key(1)}/answer`, 'mine'])
    // It is not kept, although it asked for that.
    equal([broker.stats().retained, broker.stats().dropped['publish-denied']], [0, 1])
    await manager.endAsync()
  }))

test('it has no user name, no session that stays, no will, and a key for a name', () =>
  withSecureBroker(async ({ port, broker }) => {
    const clientId = `join-${key(1)}`
    is((await hello(port, { clientId, username: 'run-00000001' })).returnCode, 5)
    is((await hello(port, { clientId, clean: false })).returnCode, 2)
    is((await hello(port, { clientId, will: { topic: `skerry/join/${key(1)}/request`, payload: Buffer.from('x') } })).returnCode, 5)
    is((await hello(port, { clientId: 'join-me' })).returnCode, 5)
    is(broker.stats().sessions, 0)
  }))

test('its frames are small', () =>
  withSecureBroker(async ({ port, broker }) => {
    const client = await enterTls(port, { clientId: `join-${key(1)}` })
    client.send(request(key(1), Buffer.alloc(12 * 1024)))
    await client.next('puback')
    client.send(request(key(1), Buffer.alloc(14 * 1024)))
    await within(5000, 'its end', client.closed)
    is(broker.stats().dropped['frame-too-large'], 1)
  }))

test('it does not ask too often', () =>
  withSecureBroker(
    async ({ port, broker }) => {
      const client = await enterTls(port, { clientId: `join-${key(1)}` })
      for (let i = 1; i <= 3; i++) client.send(request(key(1), 'x', i))
      await within(5000, 'its end', client.closed)
      is(broker.stats().dropped['publish-rate'], 1)
    },
    { limits: { strangerPublishRate: { perSecond: 0.001, burst: 2 } } },
  ))

test('few are in at a time: the one that has been there longest makes room', () =>
  withSecureBroker(
    async ({ port, broker }) => {
      const [one, two] = [await enterTls(port, { clientId: `join-${key(1)}` }), await enterTls(port, { clientId: `join-${key(2)}` })]
      const three = await enterTls(port, { clientId: `join-${key(3)}` })
      await within(5000, 'the end of the first', one.closed)
      await two.sync()
      await three.sync()
      await eventually(5000, 'two', () => broker.stats().connections === 2)
    },
    { limits: { joiners: 2 } },
  ))

test('they come in at a limited rate, which others do not feel', async () => {
  let now = 0
  const clock: Clock = { now: () => Date.now(), monotonic: () => now, after: () => () => {} }
  await withSecureBroker(
    async ({ port, broker, device }) => {
      const connect = async (n: number) => (await hello(port, { clientId: `join-${key(n)}` })).returnCode
      equal([await connect(1), await connect(2), await connect(3)], [0, 0, 3])
      await enterTls(port, { clientId: 'dev-a' }, await device('a'))
      now = 1000
      equal([await connect(4), await connect(5)], [0, 3])
      is(broker.stats().dropped['join-rate'], 2)
    },
    { clock, limits: { joinRatePerAddress: { perSecond: 1, burst: 2 } } },
  )
})

test.run()
