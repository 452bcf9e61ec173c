// What the Eclipse Paho MQTT 3.1.1 interoperability suite checks, byte by byte.
import type { IConnackPacket, IPublishPacket, ISubackPacket, Packet, QoS } from 'mqtt-packet'
import { suite } from 'uvu'
import { equal, ok } from 'uvu/assert'
import type { RawClient } from '../../bench/support/raw.js'
import { RawClient as Raw } from '../../bench/support/raw.js'
import { within } from '../support/within.js'
import { enter, withBroker } from './support/brokers.js'

const test = suite('interoperability')

let messageId = 1

async function subscribe(client: RawClient, filters: Record<string, QoS>): Promise<number[]> {
  const id = messageId++
  client.send({ cmd: 'subscribe', messageId: id, subscriptions: Object.entries(filters).map(([topic, qos]) => ({ topic, qos })) })
  const suback = (await client.next('suback')) as ISubackPacket
  equal(suback.messageId, id)
  return suback.granted as number[]
}

/** Publishes and completes the handshake of its QoS. */
async function publish(client: RawClient, topic: string, payload: string, qos: QoS = 0, retain = false): Promise<void> {
  const id = messageId++
  client.send({ cmd: 'publish', topic, payload, qos, retain, dup: false, messageId: id })
  if (qos === 1) await client.next('puback', packet => packet.messageId === id)
  if (qos === 2) {
    await client.next('pubrec', packet => packet.messageId === id)
    client.send({ cmd: 'pubrel', messageId: id })
    await client.next('pubcomp', packet => packet.messageId === id)
  }
}

/** Takes one message and acknowledges it as its QoS demands. */
async function receive(client: RawClient): Promise<IPublishPacket> {
  const packet = (await within(5000, 'a message', client.next('publish'))) as IPublishPacket
  await acknowledge(client, packet)
  return packet
}

async function acknowledge(client: RawClient, { qos, messageId: id = 0 }: IPublishPacket): Promise<void> {
  if (qos === 1) client.send({ cmd: 'puback', messageId: id })
  if (qos === 2) {
    client.send({ cmd: 'pubrec', messageId: id })
    await client.next('pubrel', packet => packet.messageId === id)
    client.send({ cmd: 'pubcomp', messageId: id })
  }
}

const summary = ({ topic, payload, qos, retain }: IPublishPacket): string =>
  `${topic} ${payload.toString()} ${qos}${retain ? ' retained' : ''}`
const left = (client: RawClient): Packet['cmd'][] => client.pending.map(({ cmd }) => cmd)

test('basic: a message of each QoS arrives once, in order, with the QoS it was sent with', () =>
  withBroker({}, async ({ port }) => {
    const client = await enter(port, 'one')
    equal(await subscribe(client, { 'TopicA/B': 2 }), [2])
    for (const qos of [0, 1, 2] as const) await publish(client, 'TopicA/B', `qos ${qos}`, qos)
    const got = [await receive(client), await receive(client), await receive(client)]
    equal(got.map(summary), ['TopicA/B qos 0 0', 'TopicA/B qos 1 1', 'TopicA/B qos 2 2'])
    await client.sync()
    equal(left(client), [])
    await client.leave()
  }))

test('basic: a second CONNECT on a connection ends it', () =>
  withBroker({}, async ({ port }) => {
    const client = await enter(port, 'one')
    client.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'one', clean: true, keepalive: 5 })
    await within(5000, 'the end', client.closed)
  }))

test('retained messages are sent to a new subscription, with the flag, until they are cleared', () =>
  withBroker({}, async ({ port }) => {
    const client = await enter(port, 'one')
    const topics = ['TopicA/B', 'Topic/C', 'TopicA/C'] as const
    for (const [qos, topic] of topics.entries()) await publish(client, topic, `qos ${qos}`, qos as QoS, true)
    await subscribe(client, { '+/+': 2 })
    const got = [await receive(client), await receive(client), await receive(client)]
    equal(got.map(summary).sort(), ['Topic/C qos 1 1 retained', 'TopicA/B qos 0 0 retained', 'TopicA/C qos 2 2 retained'])
    await publish(client, 'TopicA/B', 'live', 0, true)
    equal(summary(await receive(client)), 'TopicA/B live 0')
    for (const [qos, topic] of topics.entries()) await publish(client, topic, '', qos as QoS, true)
    const again = await enter(port, 'two')
    await subscribe(again, { '+/+': 2 })
    await again.sync()
    equal(left(again), [])
  }))

test('offline message queueing: QoS 1 and 2 wait for a persistent session, QoS 0 does not', () =>
  withBroker({}, async ({ port }) => {
    const away = await enter(port, 'away', { clean: false })
    await subscribe(away, { '+/+': 2 })
    await away.leave()
    const other = await enter(port, 'other')
    for (const qos of [0, 1, 2] as const) await publish(other, 'TopicA/C', `qos ${qos}`, qos)
    const { client, connack } = await Raw.connect(port, { clientId: 'away', clean: false })
    equal([connack.returnCode, connack.sessionPresent], [0, true])
    const got = [await receive(client), await receive(client)]
    equal(got.map(summary), ['TopicA/C qos 1 1', 'TopicA/C qos 2 2'])
    equal(
      got.map(({ dup }) => dup),
      [false, false],
    )
    await client.sync()
    equal(left(client), [])
  }))

test('will: published when the connection is lost, not after DISCONNECT', () =>
  withBroker({}, async ({ port }) => {
    const watcher = await enter(port, 'watcher')
    await subscribe(watcher, { '/TopicA': 2 })
    const will = { topic: '/TopicA', payload: 'client not disconnected', qos: 1 as const, retain: true }
    const polite = await enter(port, 'polite', { will })
    await polite.leave()
    const lost = await enter(port, 'lost', { will })
    lost.close()
    equal(summary(await receive(watcher)), '/TopicA client not disconnected 1')
    await watcher.sync()
    equal(left(watcher), [])
  }))

test('overlapping subscriptions: one message each, at the best QoS granted', () =>
  withBroker({}, async ({ port }) => {
    const client = await enter(port, 'one')
    await subscribe(client, { 'TopicA/#': 2, 'TopicA/+': 1 })
    await publish(client, 'TopicA/C', 'overlapping', 2)
    equal(summary(await receive(client)), 'TopicA/C overlapping 2')
    await client.sync()
    equal(left(client), [])
    await subscribe(client, { '+/#': 0, 'TopicB/C': 1 })
    await publish(client, 'TopicB/C', 'mixed', 1)
    equal(summary(await receive(client)), 'TopicB/C mixed 1')
  }))

test('a wildcard subscription lowers the QoS too', () =>
  withBroker({}, async ({ port }) => {
    const client = await enter(port, 'one')
    await subscribe(client, { 'TopicA/+': 1 })
    await publish(client, 'TopicA/C', 'lower', 2)
    equal(summary(await receive(client)), 'TopicA/C lower 1')
  }))

test('keep-alive: a silent client is cut after 1.5 times its interval, and its will is published', () =>
  withBroker({}, async ({ broker, port }) => {
    const watcher = await enter(port, 'watcher')
    await subscribe(watcher, { '/TopicA': 1 })
    const silent = await enter(port, 'silent', {
      keepalive: 1,
      will: { topic: '/TopicA', payload: 'keepalive expiry', qos: 1, retain: true },
    })
    equal(summary(await receive(watcher)), '/TopicA keepalive expiry 1')
    await within(5000, 'the end', silent.closed)
    equal(broker.stats().dropped['keepalive-missed'], 1)
  }))

test('redelivery: what was sent and not acknowledged is sent again, marked, with the same number', () =>
  withBroker({}, async ({ port }) => {
    const away = await enter(port, 'away', { clean: false })
    await subscribe(away, { 'TopicA/+': 2 })
    const other = await enter(port, 'other')
    await publish(other, 'TopicA/C', 'one', 1)
    await publish(other, 'TopicA/C', 'two', 2)
    const first = [(await away.next('publish')) as IPublishPacket, (await away.next('publish')) as IPublishPacket]
    away.close()
    const back = await enter(port, 'away', { clean: false })
    const again = [await receive(back), await receive(back)]
    equal(again.map(summary), ['TopicA/C one 1', 'TopicA/C two 2'])
    equal(
      again.map(({ dup }) => dup),
      [true, true],
    )
    equal(
      again.map(packet => packet.messageId),
      first.map(packet => packet.messageId),
    )
    await back.sync()
    back.close()
    const third = await enter(port, 'away', { clean: false })
    await third.sync()
    equal(left(third), [])
  }))

test('redelivery: a released QoS 2 message is not sent again, only its PUBREL', () =>
  withBroker({}, async ({ port }) => {
    const away = await enter(port, 'away', { clean: false })
    await subscribe(away, { 'TopicA/+': 2 })
    const other = await enter(port, 'other')
    await publish(other, 'TopicA/C', 'two', 2)
    const packet = (await away.next('publish')) as IPublishPacket
    away.send({ cmd: 'pubrec', messageId: packet.messageId ?? 0 })
    await away.next('pubrel')
    away.close()
    const back = await enter(port, 'away', { clean: false })
    const pubrel = await within(5000, 'PUBREL', back.next('pubrel'))
    equal(pubrel.messageId, packet.messageId)
    back.send({ cmd: 'pubcomp', messageId: packet.messageId ?? 0 })
    await back.sync()
    equal(left(back), [])
  }))

test('zero-length client id: refused without a clean session, else a session of its own', () =>
  withBroker({}, async ({ port }) => {
    const refused = await Raw.open(port)
    refused.write(Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 60, 0, 0]))
    const { returnCode } = (await refused.next('connack')) as IConnackPacket
    equal(returnCode, 2)
    await within(5000, 'the end', refused.closed)
    const { connack } = await Raw.connect(port, { clientId: '', clean: true })
    equal(connack.returnCode, 0)
  }))

test('a refused subscription is answered with 0x80, those beside it are granted', () =>
  withBroker({}, async ({ port }) => {
    const device = await enter(port, 'dev-a')
    equal(await subscribe(device, { 'skerry/device/a/desired': 1, '#': 1 }), [1, 128])
  }))

test('dollar topics: a filter that begins with a wildcard does not match them', () =>
  withBroker({}, async ({ port }) => {
    const client = await enter(port, 'one')
    await subscribe(client, { '+/+': 2, '#': 2 })
    await publish(client, '$TopicA/B', 'hidden', 1, true)
    await client.sync()
    equal(left(client), [])
  }))

test('unsubscribe: nothing more comes, and the other subscriptions stay', () =>
  withBroker({}, async ({ port }) => {
    const client = await enter(port, 'one')
    await subscribe(client, { 'TopicA/B': 2, 'TopicA/C': 2 })
    client.send({ cmd: 'unsubscribe', messageId: 900, unsubscriptions: ['TopicA/B'] })
    equal((await client.next('unsuback')).messageId, 900)
    await publish(client, 'TopicA/B', 'no')
    await publish(client, 'TopicA/C', 'yes')
    equal(summary(await receive(client)), 'TopicA/C yes 0')
    await client.sync()
    equal(left(client), [])
  }))

test('MQTT 5 is refused with "unacceptable protocol version"', () =>
  withBroker({}, async ({ port }) => {
    const client = await Raw.open(port)
    client.write(Buffer.from([0x10, 0x10, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0, 0, 3, 0x6f, 0x6e, 0x65]))
    const connack = await client.next('connack')
    ok('returnCode' in connack && connack.returnCode === 1)
  }))

test.run()
