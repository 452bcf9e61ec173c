// People and programs at the broker: passwords, what waits while one is looked at, sessions of their own, and how a change reaches them.
import type { ISubackPacket } from 'mqtt-packet'
import { suite } from 'uvu'
import { equal, is } from 'uvu/assert'
import { RawClient } from '../../bench/support/raw.js'
import { accept } from '../../protocol/errors.js'
import { eventually, within } from '../support/within.js'
import { connectAsManager, enter } from './support/brokers.js'
import { asUser, enterTls, hello, withSecureBroker } from './support/secure.js'

const test = suite('users')
const someGroups = { groups: new Set(['line-1']), devices: new Set(['a', 'press 7', '+']) }

async function granted(client: RawClient, ...filters: string[]): Promise<unknown[]> {
  client.send({ cmd: 'subscribe', messageId: 5, subscriptions: filters.map(topic => ({ topic, qos: 1 as const })) })
  return ((await client.next('suback')) as ISubackPacket).granted
}

const command = (topic: string, payload: string, messageId = 0) =>
  ({ cmd: 'publish', topic, payload, qos: messageId === 0 ? 0 : 1, retain: false, dup: false, messageId }) as const

test('a user comes in with a password, with TLS and without; nobody else does', () =>
  withSecureBroker(async ({ broker, port, access, device }) => {
    access.addUser('plc', 'operator')
    const plain = broker.addresses[1]!.port
    const tries = async (fields: Parameters<typeof hello>[1]) => [
      (await hello(port, fields)).returnCode,
      (await RawClient.connect(plain, fields)).connack.returnCode,
    ]
    equal(await tries({ clientId: 'x', ...asUser('plc') }), [0, 0])
    equal(await tries({ clientId: 'x', ...asUser('plc', 'wrong') }), [4, 4])
    equal(await tries({ clientId: 'x', ...asUser('nobody') }), [4, 4])
    equal(await tries({ clientId: 'x', ...asUser('') }), [4, 4])
    equal(await tries({ clientId: 'x', ...asUser('plc', 'x'.repeat(1000)) }), [4, 4])
    equal(await tries({ clientId: 'x', username: 'plc' }), [5, 5])
    equal(await tries({ clientId: 'x' }), [5, 5])
    equal(await tries({ clientId: 'dev-a', ...asUser('plc') }), [5, 5])
    equal(await tries({ clientId: `join-${'k'.repeat(43)}`, ...asUser('plc') }), [2, 2])
    equal(await tries({ clientId: 'x', ...asUser('plc'), will: { topic: 'skerry/cmd/group/g', payload: Buffer.from('x') } }), [5, 5])
    // Over a connection that can be read there are neither devices nor who wants to become one.
    await device('a')
    is((await RawClient.connect(plain, { clientId: 'dev-a' })).connack.returnCode, 5)
    is((await RawClient.connect(plain, { clientId: `join-${'k'.repeat(43)}` })).connack.returnCode, 5)
    is(access.logIns, 8)
  }))

test('what follows a CONNECT waits for the password to be looked at, in order, none lost and none kept elsewhere', () =>
  withSecureBroker(async ({ broker, access }) => {
    access.addUser('plc', 'operator')
    const manager = connectAsManager(broker)
    await manager.subscribeAsync('skerry/cmd/#', { qos: 1 })
    const heard: string[] = []
    manager.on('message', (_topic, payload) => heard.push(payload.toString()))
    let letIn = (): void => {}
    const held = new Promise<void>(resolve => {
      letIn = resolve
    })
    access.hold = () => held
    const client = await RawClient.open(broker.addresses[1]!.port)
    client.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60, clientId: 'x', ...asUser('plc') })
    const send = (from: number, to: number) => {
      for (let i = from; i < to; i++) client.send(command('skerry/cmd/group/line-1', String(i), i + 1))
    }
    send(0, 1000)
    await eventually(5000, 'the log-in', () => access.logIns === 1)
    send(1000, 2000)
    await manager.publishAsync('skerry/state/manager', '1')
    equal(heard, [])
    letIn()
    send(2000, 3000)
    await eventually(10_000, 'all of them', () => heard.length === 3000)
    equal(
      heard,
      Array.from({ length: 3000 }, (_, i) => String(i)),
    )
    await manager.endAsync()
  }))

test('who is not let in after all has said nothing', () =>
  withSecureBroker(async ({ broker, access }) => {
    const manager = connectAsManager(broker)
    await manager.subscribeAsync('skerry/#', { qos: 1 })
    const heard: string[] = []
    manager.on('message', topic => heard.push(topic))
    const client = await RawClient.open(broker.addresses[1]!.port)
    client.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60, clientId: 'x', ...asUser('plc') })
    client.send(command('skerry/cmd/group/line-1', 'x'))
    await within(5000, 'its end', client.closed)
    await manager.publishAsync('skerry/state/manager', '1', { qos: 1 })
    await eventually(5000, 'the state', () => heard.length > 0)
    equal([heard, access.logIns], [['skerry/state/manager'], 1])
    await manager.endAsync()
  }))

test('a password that is never looked at ends in a refusal, and one that cannot be is told as busy', async () => {
  await withSecureBroker(
    async ({ port, access }) => {
      access.addUser('plc', 'operator')
      access.hold = () => new Promise(() => {})
      is((await hello(port, { clientId: 'x', ...asUser('plc') })).returnCode, 3)
      access.hold = () => Promise.reject(new Error('the disk is full'))
      is((await hello(port, { clientId: 'x', ...asUser('plc') })).returnCode, 3)
    },
    { limits: { logInMs: 50 } },
  )
})

test('a connection that ends while its password is looked at leaves nothing behind', () =>
  withSecureBroker(async ({ broker, access }) => {
    access.addUser('plc', 'operator')
    let letIn = (): void => {}
    const held = new Promise<void>(resolve => {
      letIn = resolve
    })
    access.hold = () => held
    const client = await RawClient.open(broker.addresses[1]!.port)
    client.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: false, keepalive: 60, clientId: 'x', ...asUser('plc') })
    await eventually(5000, 'the log-in', () => access.logIns === 1)
    client.reset()
    await eventually(5000, 'its end', () => broker.stats().connections === 0)
    letIn()
    const other = await enter(broker.addresses[1]!.port, 'y', asUser('plc'))
    await other.sync()
    equal([broker.stats().connections, broker.stats().sessions], [1, 0])
  }))

test('ids are a user’s own: nobody takes the connection or the session of another', () =>
  withSecureBroker(async ({ port, access, broker }) => {
    access.addUser('one', 'operator')
    access.addUser('two', 'operator')
    const first = await enterTls(port, { clientId: 'scada', clean: false, ...asUser('one') })
    equal(await granted(first, 'skerry/ack/#'), [1])
    const second = await enterTls(port, { clientId: 'scada', clean: false, ...asUser('two') })
    await first.sync()
    await first.leave()
    const manager = connectAsManager(broker)
    await manager.publishAsync('skerry/ack/group/line-1', 'x', { qos: 1 })
    await second.sync()
    equal(second.pending, [])
    is(broker.stats().sessions, 2)
    const back = await enterTls(port, { clientId: 'scada', clean: false, ...asUser('one') })
    await back.next('publish')
    await manager.endAsync()
  }))

test('a name of a device that looks like a wildcard opens nothing', () =>
  withSecureBroker(async ({ port, access }) => {
    access.addUser('plc', 'operator', someGroups)
    const client = await enterTls(port, { clientId: 'x', ...asUser('plc') })
    const filters = ['skerry/device/a/status', 'skerry/device/+/status', 'skerry/state/device/+', 'skerry/state/device/press 7/#']
    equal(await granted(client, ...filters), [1, 128, 128, 1])
  }))

test('a user who is gone, or whose password is another now, is cut; others stay', () =>
  withSecureBroker(async ({ port, access }) => {
    for (const name of ['one', 'two', 'three']) access.addUser(name, 'operator')
    const [one, two, three] = await Promise.all(['one', 'two', 'three'].map(name => enterTls(port, { clientId: 'x', ...asUser(name) })))
    access.users.delete('one')
    access.addUser('two', 'operator', undefined, '2')
    access.changed()
    await within(5000, 'their ends', Promise.all([one!.closed, two!.closed]))
    await three!.sync()
  }))

test('a role or scope that got smaller counts at once, for what was granted before too', () =>
  withSecureBroker(async ({ broker, port, access }) => {
    access.addUser('plc', 'operator')
    const connect = () => enterTls(port, { clientId: 'x', clean: false, ...asUser('plc') })
    const client = await connect()
    equal(await granted(client, 'skerry/state/#', 'skerry/device/a/status', 'skerry/ack/#'), [1, 1, 1])
    access.addUser('plc', 'viewer', someGroups)
    access.changed()
    await within(5000, 'its end', client.closed)
    const again = await connect()
    const manager = connectAsManager(broker)
    for (const topic of ['state/group/line-2/app/web', 'ack/group/line-1', 'device/a/status']) {
      await manager.publishAsync(`skerry/${topic}`, 'x', { qos: 1 })
    }
    const heard = await again.next('publish')
    is(heard.cmd === 'publish' && heard.topic, 'skerry/device/a/status')
    equal(await granted(again, 'skerry/state/#', 'skerry/state/group/line-1/#'), [128, 1])
    again.send(command('skerry/cmd/group/line-1', 'x', 7))
    await again.next('puback')
    is(broker.stats().dropped['publish-denied'], 1)
    // What is not about this user changes nothing for it.
    access.changed()
    await again.sync()
    equal(again.pending, [])
    await manager.endAsync()
  }))

test('what is in the queue of an absent session is told only if it may still be', () =>
  withSecureBroker(async ({ broker, port, access }) => {
    access.addUser('plc', 'viewer')
    const client = await enterTls(port, { clientId: 'x', clean: false, ...asUser('plc') })
    equal(await granted(client, 'skerry/state/#'), [1])
    await client.leave()
    const manager = connectAsManager(broker)
    await manager.publishAsync('skerry/state/group/line-2/app/web', 'x', { qos: 1 })
    await manager.publishAsync('skerry/state/group/line-1/app/web', 'x', { qos: 1 })
    access.addUser('plc', 'viewer', someGroups)
    const again = await enterTls(port, { clientId: 'x', clean: false, ...asUser('plc') })
    const heard = await again.next('publish')
    await again.sync()
    equal([heard.cmd === 'publish' && heard.topic, again.pending.length], ['skerry/state/group/line-1/app/web', 0])
    await manager.endAsync()
  }))

test('the manager, and it alone, hears who sent a command and from where, and the flag of a retained one, which is not kept', () =>
  withSecureBroker(async ({ broker, port, access }) => {
    access.addUser('plc ü', 'operator')
    const manager = connectAsManager(broker)
    await manager.subscribeAsync('skerry/cmd/#', { qos: 1 })
    const heard: { topic: string; retain: boolean }[] = []
    manager.on('message', (topic, _payload, { retain }) => heard.push({ topic, retain }))
    const client = await enterTls(port, { clientId: 'x', ...asUser('plc ü') })
    equal(await granted(client, 'skerry/cmd/#', 'skerry/from/#', 'skerry/from/x/cmd/group/g'), [128, 128, 128])
    client.send({ ...command('skerry/cmd/group/line-1', 'x', 1), retain: true })
    client.send(command('skerry/from/e30/cmd/group/line-1', 'x', 2))
    await client.next('puback')
    await client.next('puback')
    await manager.publishAsync('skerry/from/e30/cmd/group/line-1', 'x', { qos: 1 })
    const sender = Buffer.from(JSON.stringify({ user: 'plc ü', address: '127.0.0.1' })).toString('base64url')
    await eventually(5000, 'the command', () => heard.length > 0)
    equal(heard, [{ topic: `skerry/from/${sender}/cmd/group/line-1`, retain: true }])
    equal([broker.stats().retained, broker.stats().dropped['publish-denied']], [0, 2])
    await manager.endAsync()
  }))

test('refusals are noted once a source and reason, and not without end', () =>
  withSecureBroker(async ({ port, access }) => {
    access.logIn = async name => accept({ name, role: 'viewer', scope: { groups: new Set(), devices: new Set() } })
    const names = Array.from({ length: 70 }, (_, n) => `user-${n}`)
    const clients = await Promise.all(names.map(name => enterTls(port, { clientId: 'x', ...asUser(name) })))
    for (const client of clients) equal(await granted(client, '#', 'secret/plan'), [128, 128])
    const kinds = access.notices.map(notice => notice.kind === 'refused' && [notice.reason, notice.who, notice.detail])
    equal(kinds[0], ['subscribe-denied', 'user-0', '#'])
    is(new Set(kinds.map(kind => (kind ? kind[1] : ''))).size, kinds.length)
    is(kinds.length >= 60 && kinds.length < 70, true)
  }))

test('a broker that has stopped asks nobody any more', async () => {
  await withSecureBroker(async ({ broker, access }) => {
    is(access.listening, 1)
    access.changed()
    await broker.stop()
    is(access.listening, 0)
  })
})

test.run()
