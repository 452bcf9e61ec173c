// Permits at the broker: operators retain them and leave them as wills, in their scope; devices and members read them; the manager hears who gave them.
import type { IPublishPacket, ISubackPacket } from 'mqtt-packet'
import { suite } from 'uvu'
import { equal, is } from 'uvu/assert'
import type { RawClient } from '../../bench/support/raw.js'
import { defaultLimits } from '../../broker/limits.js'
import { ManualClock } from '../support/clock.js'
import { eventually, within } from '../support/within.js'
import { connectAsManager, enter } from './support/brokers.js'
import { asUser, enterTls, hello, withSecureBroker } from './support/secure.js'

const test = suite('permits')
const line = 'skerry/permit/group/line-1'
const other = 'skerry/permit/group/line-2'
const scope = { groups: new Set(['line-1']), devices: new Set(['a']) }

const retained = (topic: string, payload: string, messageId = 1): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload,
  qos: 1,
  retain: true,
  dup: false,
  messageId,
})
const willOf = (topic: string, payload = '0') => ({ will: { topic, payload: Buffer.from(payload), qos: 1 as const, retain: true } })

async function hear(client: RawClient, filter: string): Promise<string> {
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: filter, qos: 1 }] })
  const { granted } = (await client.next('suback')) as ISubackPacket
  return String(granted[0])
}

test('an operator’s permit is kept and read by the device or the members of the group; in nobody else’s scope', () =>
  withSecureBroker(async ({ broker, port, access, device }) => {
    access.addUser('plc', 'operator', scope)
    access.addUser('eye', 'viewer', scope)
    access.groups.set('a', new Set(['line-1']))
    const plc = await enter(broker.addresses[1]!.port, 'plc', asUser('plc'))
    for (const topic of [
      line,
      other,
      'skerry/permit/device/a',
      'skerry/permit/device/b',
      'skerry/permit/fleet/x',
      'skerry/permit/group/line-1/x',
    ]) {
      plc.send(retained(topic, '0'))
      await plc.next('puback')
    }
    equal([broker.stats().retained, broker.stats().dropped['publish-denied']], [2, 4])
    const eye = await enter(broker.addresses[1]!.port, 'eye', asUser('eye'))
    eye.send(retained(line, '1'))
    await eye.next('puback')
    equal([await hear(eye, line), await hear(eye, other), await hear(eye, 'skerry/permit/+/+')], ['1', '128', '128'])
    const agent = await enterTls(port, { clientId: 'dev-a' }, await device('a'))
    equal([await hear(agent, 'skerry/permit/device/a'), await hear(agent, line), await hear(agent, other)], ['1', '1', '128'])
    agent.send(retained('skerry/permit/device/a', '1'))
    await agent.next('puback')
    const heard = [await agent.next('publish'), await agent.next('publish')].map(
      packet => packet.cmd === 'publish' && String(packet.payload),
    )
    equal(heard, ['0', '0'])
    await agent.sync()
    equal(agent.pending, [])
  }))

test('the will of a publisher that is gone is kept, and the manager is told whose it was', () =>
  withSecureBroker(async ({ broker, access }) => {
    access.addUser('plc', 'operator', scope)
    const plain = broker.addresses[1]!.port
    is((await hello(broker.addresses[0]!.port, { clientId: 'x', ...asUser('plc'), ...willOf(other) })).returnCode, 5)
    const manager = connectAsManager(broker)
    await manager.subscribeAsync('skerry/permit/+/+', { qos: 1 })
    const heard: { topic: string; payload: string; retain: boolean }[] = []
    manager.on('message', (topic, payload, { retain }) => heard.push({ topic, payload: payload.toString(), retain }))
    const plc = await enter(plain, '', { ...asUser('plc'), ...willOf(line) })
    plc.reset()
    await eventually(5000, 'the will', () => heard.length > 0)
    const sender = Buffer.from(JSON.stringify({ user: 'plc', address: '127.0.0.1' })).toString('base64url')
    equal(heard, [{ topic: `skerry/from/${sender}/permit/group/line-1`, payload: '0', retain: true }])
    is(broker.stats().retained, 1)
    await manager.endAsync()
  }))

test('whose scope has shrunk, or who is gone, leaves nothing there any more', () =>
  withSecureBroker(async ({ broker, access }) => {
    const plain = broker.addresses[1]!.port
    access.addUser('one', 'operator', scope)
    access.addUser('two', 'operator', scope)
    const one = await enter(plain, 'x', { ...asUser('one'), ...willOf(line) })
    const two = await enter(plain, 'y', { ...asUser('two'), ...willOf(line) })
    access.addUser('one', 'operator', { groups: new Set(), devices: new Set() })
    access.users.delete('two')
    access.changed()
    await within(5000, 'the end of the one who is gone', two.closed)
    await one.sync()
    one.reset()
    await eventually(5000, 'their ends', () => broker.stats().connections === 0)
    is(broker.stats().retained, 0)
  }))

const said = (client: RawClient) => client.pending.splice(0).map(packet => packet.cmd === 'publish' && String(packet.payload))

test('a publisher that connects again while its old connection stands has died: its will comes before what it says then', () =>
  withSecureBroker(async ({ broker, access }) => {
    access.addUser('plc', 'operator', scope)
    const plain = broker.addresses[1]!.port
    const manager = connectAsManager(broker)
    const senders: string[] = []
    manager.on('message', topic => senders.push(topic))
    await manager.subscribeAsync('skerry/permit/+/+', { qos: 1 })
    const eye = await enter(plain, 'eye', asUser('plc'))
    await hear(eye, line)
    const first = await enter(plain, 'press', { ...asUser('plc'), ...willOf(line) })
    first.send(retained(line, '1'))
    await first.next('puback')
    const second = await enter(plain, 'press', { ...asUser('plc'), ...willOf(line, 'off') })
    await within(5000, 'the end of the old connection', first.closed)
    second.send(retained(line, '1'))
    await second.next('puback')
    await eye.sync()
    equal(said(eye), ['1', '0', '1'])
    await eventually(5000, 'the manager hears them', () => senders.length === 3)
    is(new Set(senders).size, 1)
    second.reset()
    const last = await within(5000, 'the will of the new connection', eye.next('publish'))
    is(last.cmd === 'publish' && String(last.payload), 'off')
    await manager.endAsync()
  }))

test('a publisher that has said goodbye, or may no longer say it, leaves nothing when it connects again', () =>
  withSecureBroker(async ({ broker, access }) => {
    access.addUser('plc', 'operator', scope)
    access.addUser('two', 'operator', scope)
    const plain = broker.addresses[1]!.port
    const eye = await enter(plain, 'eye', asUser('plc'))
    await hear(eye, line)
    const left = await enter(plain, 'x', { ...asUser('plc'), ...willOf(line) })
    left.send({ cmd: 'disconnect' })
    await enter(plain, 'x', asUser('plc'))
    const shrunk = await enter(plain, 'y', { ...asUser('two'), ...willOf(line) })
    access.addUser('two', 'operator', { groups: new Set(), devices: new Set() })
    access.changed()
    // A subscription in the old scope is refused once the change has been looked at.
    await eventually(5000, 'the new scope', async () => (await hear(shrunk, line)) === '128')
    await enter(plain, 'y', asUser('two'))
    await within(5000, 'the end of the old connection', shrunk.closed)
    await eye.sync()
    equal(said(eye), [])
  }))

test('after a restart of the broker the first to come back replaces what it has left, and the next one ends the first', () =>
  withSecureBroker(async ({ broker, access, restart }) => {
    access.addUser('plc', 'operator', scope)
    await enter(broker.addresses[1]!.port, 'x', { ...asUser('plc'), ...willOf(line, '0') })
    const clock = new ManualClock()
    const running = await restart({ clock })
    const plain = running.broker.addresses[1]!.port
    const eye = await enter(plain, 'eye', asUser('plc'))
    await hear(eye, line)
    await enter(plain, 'x', { ...asUser('plc'), ...willOf(line, 'off') })
    await eye.sync()
    equal(said(eye), [])
    await enter(plain, 'x', { ...asUser('plc'), ...willOf(line, 'no') })
    clock.advance(defaultLimits.willGraceMs)
    await eye.sync()
    equal(said(eye), ['off'])
  }))

test('a broker that was away says the wills of publishers that do not come back, if they still may', () =>
  withSecureBroker(async ({ broker, access, restart }) => {
    for (const name of ['here', 'back', 'gone']) access.addUser(name, 'operator')
    const plain = broker.addresses[1]!.port
    const topic = (name: string) => `skerry/permit/group/${name}`
    // Without an id of its own, too.
    await enter(plain, '', { ...asUser('here'), ...willOf(topic('here')) })
    for (const name of ['back', 'gone']) await enter(plain, 'x', { ...asUser(name), ...willOf(topic(name)) })
    access.users.delete('gone')
    const clock = new ManualClock()
    const running = await restart({ clock })
    await enter(running.broker.addresses[1]!.port, 'x', { ...asUser('back'), ...willOf(topic('back')) })
    const eye = await enter(running.broker.addresses[1]!.port, 'eye', asUser('back'))
    is(await hear(eye, 'skerry/permit/+/+'), '1')
    clock.advance(defaultLimits.willGraceMs)
    const heard = await eye.next('publish')
    is(heard.cmd === 'publish' && heard.topic, topic('here'))
    await eye.sync()
    equal([eye.pending, running.broker.stats().retained], [[], 1])
  }))

test.run()
