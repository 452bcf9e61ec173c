// Devices at the broker: by their certificate and key, over connections made anew and resumed, and no longer than they are of the fleet.
import type { ISubackPacket } from 'mqtt-packet'
import { suite } from 'uvu'
import { equal, is } from 'uvu/assert'
import type { RawClient } from '../../bench/support/raw.js'
import type { Clock } from '../../protocol/clock.js'
import { TestAuthority } from '../support/certificates.js'
import { eventually, within } from '../support/within.js'
import { connectAsManager } from './support/brokers.js'
import { enterTls, hello, withSecureBroker } from './support/secure.js'

const test = suite('devices')
const dayMs = 86_400_000

async function granted(client: RawClient, ...filters: string[]): Promise<unknown[]> {
  client.send({ cmd: 'subscribe', messageId: 5, subscriptions: filters.map(topic => ({ topic, qos: 1 as const })) })
  return ((await client.next('suback')) as ISubackPacket).granted
}

test('a device comes in with its certificate, under its own client id and no other', () =>
  withSecureBroker(async ({ broker, port, device }) => {
    const a = await device('a')
    await device('b')
    is((await hello(port, { clientId: 'dev-a' }, a)).returnCode, 0)
    for (const clientId of ['dev-b', 'a', '', 'dev-', 'plc', 'join-x']) is((await hello(port, { clientId }, a)).returnCode, 5, clientId)
    is(broker.stats().dropped['identity-mismatch'], 6)
    is((await hello(port, { clientId: 'dev-a' })).returnCode, 5)
    is(broker.stats().dropped['certificate-missing'], 1)
  }))

test('certificates of another authority, for another name, of another key or for another use are refused, each for its reason', () =>
  withSecureBroker(async ({ broker, port, access, authority, device }) => {
    const foreign = await TestAuthority.make()
    const good = await device('a')
    const cases = {
      foreign: await foreign.issue('a'),
      // OpenSSL tells the last fault that it finds, which then is the date.
      'foreign and expired': await foreign.issue('a', { from: -9 * dayMs, until: -dayMs }),
      'for a server': await authority.issue('a', { use: 'server' }),
      'for nothing': await authority.issue('a', { use: 'none' }),
      'not yet': await authority.issue('a', { from: dayMs, until: 2 * dayMs }),
      'another key': await authority.issue('a'),
    }
    for (const [what, credentials] of Object.entries(cases)) {
      if (what !== 'another key') access.keys.set('a', credentials.keyName)
      else access.keys.set('a', good.keyName)
      is((await hello(port, { clientId: 'dev-a' }, credentials)).returnCode, 5, what)
    }
    const { dropped } = broker.stats()
    equal([dropped['certificate-foreign'], dropped['certificate-early'], dropped['certificate-revoked']], [4, 1, 1])
    is((await hello(port, { clientId: 'dev-B' }, await device('B'))).returnCode, 5)
    is((await hello(port, { clientId: 'dev-a' }, good)).returnCode, 0)
    equal(
      access.notices.map(notice => notice.kind === 'refused' && [notice.reason, notice.who, notice.address]),
      [
        ['certificate-foreign', 'a', '127.0.0.1'],
        ['certificate-early', 'a', '127.0.0.1'],
        ['certificate-revoked', 'a', '127.0.0.1'],
        ['certificate-foreign', 'B', '127.0.0.1'],
      ],
    )
  }))

test('a device whose certificate has ended may renew it, and nothing else', () =>
  withSecureBroker(async ({ broker, port, device, access }) => {
    const old = await device('a', { from: -9 * dayMs, until: -dayMs })
    const manager = connectAsManager(broker)
    await manager.subscribeAsync('skerry/device/+/renewal', { qos: 1 })
    const heard = new Promise<string>(resolve => manager.once('message', resolve))
    const will = { topic: 'skerry/device/a/status', payload: Buffer.from('x'), retain: true }
    const client = await enterTls(port, { clientId: 'dev-a', will }, old)
    equal(await granted(client, 'skerry/device/a/desired', 'skerry/device/a/certificate', 'skerry/device/a/request/+'), [128, 1, 128])
    client.send({ cmd: 'publish', topic: 'skerry/device/a/status', payload: 'x', qos: 0, retain: true, dup: false })
    client.send({ cmd: 'publish', topic: 'skerry/device/a/renewal', payload: 'x', qos: 1, retain: true, dup: false, messageId: 1 })
    is(await within(5000, 'the renewal', heard), 'skerry/device/a/renewal')
    client.close()
    await eventually(5000, 'its end', () => broker.stats().connections === 1)
    // Neither its status nor its will, and the renewal is not kept.
    equal([broker.stats().retained, broker.stats().dropped['publish-denied']], [0, 1])
    access.keys.delete('a')
    is((await hello(port, { clientId: 'dev-a' }, old)).returnCode, 5)
    await manager.endAsync()
  }))

test('a certificate ends while its device is connected: the connection stays, the next one only renews', async () => {
  let now = Date.now()
  const clock: Clock = { now: () => now, monotonic: () => performance.now(), after: () => () => {} }
  await withSecureBroker(
    async ({ port, device }) => {
      const a = await device('a')
      const first = await enterTls(port, { clientId: 'dev-a' }, a)
      now += 2 * dayMs
      equal(await granted(first, 'skerry/device/a/desired'), [1])
      const second = await enterTls(port, { clientId: 'dev-a' }, a)
      equal(await granted(second, 'skerry/device/a/desired', 'skerry/device/a/certificate'), [128, 1])
    },
    { clock },
  )
})

test('a device that is no longer of the fleet is cut at once, says nothing more, and its key does not bring it back', () =>
  withSecureBroker(async ({ broker, port, device, access, restart }) => {
    const [a, b] = [await device('a'), await device('b')]
    const will = { topic: 'skerry/device/a/status', payload: Buffer.from('lost'), retain: true, qos: 1 as const }
    const [gone, stays] = [await enterTls(port, { clientId: 'dev-a', will }, a), await enterTls(port, { clientId: 'dev-b' }, b)]
    access.keys.delete('a')
    access.changed()
    await within(5000, 'its end', gone.closed)
    await stays.sync()
    await eventually(5000, 'its end', () => broker.stats().connections === 1)
    is(broker.stats().retained, 0)
    is((await hello(port, { clientId: 'dev-a' }, a)).returnCode, 5)
    equal(
      access.notices.map(notice => notice.kind === 'refused' && [notice.reason, notice.who]),
      [
        ['certificate-revoked', 'dev-a'],
        ['certificate-revoked', 'a'],
      ],
    )
    stays.close()
    // Not even by the will that was stored for the case that the broker dies.
    const later = await restart({ limits: { deviceWillGraceMs: 0 } })
    const watcher = connectAsManager(later.broker)
    await watcher.subscribeAsync('skerry/device/+/status')
    await eventually(5000, 'the will of b or nothing', () => later.broker.stats().connections === 1)
    is(later.broker.stats().retained, 0)
    await watcher.endAsync()
  }))

test('a device that was connected when the broker ended is told as lost by the next run, unless it came back', async () => {
  await withSecureBroker(async ({ port, device, restart }) => {
    const will = (id: string) => ({ topic: `skerry/device/${id}/status`, payload: Buffer.from('lost'), retain: true, qos: 1 as const })
    const [a, b] = [await device('a'), await device('b')]
    await enterTls(port, { clientId: 'dev-a', will: will('a') }, a)
    await enterTls(port, { clientId: 'dev-b', will: will('b') }, b)
    const { broker } = await restart({ limits: { deviceWillGraceMs: 0 } })
    await eventually(5000, 'their wills', () => broker.stats().retained === 2)
  })
})

test('a released device may come once more, to its own topics', () =>
  withSecureBroker(async ({ port, device, access }) => {
    const a = await device('a')
    access.groups.set('a', new Set(['line-1']))
    access.keys.delete('a')
    access.left.set('a', a.keyName)
    const client = await enterTls(port, { clientId: 'dev-a' }, a)
    const filters = ['skerry/device/a/desired', 'skerry/group/line-1/desired', 'skerry/device/a/certificate', 'skerry/device/b/desired']
    equal(await granted(client, ...filters), [1, 128, 128, 128])
    access.changed()
    await client.sync()
    access.left.delete('a')
    access.changed()
    await within(5000, 'its end', client.closed)
  }))

test('what a group hears stops with the membership', () =>
  withSecureBroker(async ({ broker, port, device, access }) => {
    const a = await device('a')
    const groups = new Set(['line-1'])
    access.groups.set('a', groups)
    const manager = connectAsManager(broker)
    const client = await enterTls(port, { clientId: 'dev-a' }, a)
    equal(await granted(client, 'skerry/group/line-1/desired', 'skerry/group/line-2/desired'), [1, 128])
    await manager.publishAsync('skerry/group/line-1/desired', 'one', { qos: 1 })
    await client.next('publish')
    groups.clear()
    await manager.publishAsync('skerry/group/line-1/desired', 'two', { qos: 1 })
    await client.sync()
    equal(client.pending, [])
    await manager.endAsync()
  }))

test('two devices with one identity: the one that comes back is turned away, the other stays, and both addresses are told once', () =>
  withSecureBroker(async ({ broker, port, device, access }) => {
    const a = await device('a')
    const connect = (run: string) => hello(port, { clientId: 'dev-a', username: `run-${run}` }, a)
    const one = await connect('00000001')
    const other = await connect('00000002')
    equal([one.returnCode, other.returnCode], [0, 0])
    await within(5000, 'the end of the first', one.client.closed)
    for (let attempt = 0; attempt < 5; attempt++) is((await connect('00000001')).returnCode, 2)
    await other.client.sync()
    is(broker.stats().dropped['identity-conflict'], 5)
    equal(access.notices, [{ kind: 'identity.conflict', device: 'a', addresses: ['127.0.0.1', '127.0.0.1'] }])
    // The same run may always take its own place, and so may one that starts anew.
    const again = await connect('00000002')
    is(again.returnCode, 0)
    const fresh = await connect('00000003')
    is(fresh.returnCode, 0)
    // Nobody is there: whoever comes is let in.
    await fresh.client.leave()
    await eventually(5000, 'nobody', () => broker.stats().connections === 0)
    is((await connect('00000001')).returnCode, 0)
  }))

test.run()
