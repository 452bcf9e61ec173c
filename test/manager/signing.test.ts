// Everything that devices act on is signed, by a key that outlives restarts, can be changed, and is not lost with the broker.
import * as assert from 'node:assert/strict'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import { openDb } from '../../manager/store/db.js'
import { bumpFleet } from '../../manager/store/outbox.js'
import { kidOf } from '../../protocol/cose.js'
import { unwrap } from '../../protocol/errors.js'
import { type Manifest, manifestCodec } from '../../protocol/messages/manifest.js'
import { requestCodec } from '../../protocol/messages/request.js'
import { followKeys, openSigned } from '../../protocol/signed.js'
import { FakeDevice } from '../support/device.js'
import { manager as stranger } from '../support/signing.js'
import { eventually } from '../support/within.js'
import { request, type Site, startSite, webApp } from './site.js'

const desired = 'skerry/device/a1/desired'
const keysTopic = 'skerry/fleet/keys'
const test = suite<{ site: Site; device: FakeDevice; watcher: Watcher }>('signing')

/** A client that has everything that is retained of desired state, and all that comes. */
interface Watcher {
  readonly newest: Map<string, Buffer>
  readonly order: string[]
  publish(topic: string, payload: Buffer): Promise<void>
  stop(): Promise<void>
}

async function watch(url: string): Promise<Watcher> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
  const newest = new Map<string, Buffer>()
  const order: string[] = []
  client.on('message', (topic, payload) => {
    newest.set(topic, payload)
    order.push(topic)
  })
  await client.subscribeAsync(['skerry/device/+/desired', 'skerry/group/+/desired', 'skerry/fleet/+', 'skerry/device/+/request/+'], {
    qos: 1,
  })
  return {
    newest,
    order,
    publish: async (topic, payload) => void (await client.publishAsync(topic, payload, { qos: 1, retain: true })),
    stop: () => client.endAsync(),
  }
}

test.before.each(async context => {
  context.site = await startSite()
  context.device = await FakeDevice.online({ url: context.site.broker.url, id: 'a1' })
  context.watcher = await watch(context.site.broker.url)
  await eventually(5000, 'a1', async () => (await request(context.site.manager, 'GET', '/devices/a1')).status === 200)
  await request(context.site.manager, 'POST', '/groups', { name: 'line-1', devices: ['a1'] })
  await request(context.site.manager, 'PUT', '/devices/a1/apps/web', webApp())
  await eventually(5000, 'the manifests', () => manifest(context, desired)?.apps.length === 1 && context.watcher.newest.has(group))
})

test.after.each(async ({ site, device, watcher }) => {
  await device.leave()
  await watcher.stop()
  await site.stop()
})

const group = 'skerry/group/line-1/desired'
type Context = { readonly site: Site; readonly watcher: Watcher }

/** What a topic has, if the manager's present key has signed it for that topic. */
function manifest({ site, watcher }: Context, topic: string): Manifest | undefined {
  const opened = openSigned(watcher.newest.get(topic) ?? Buffer.alloc(0), topic, site.manager.signingKeys())
  return opened.ok ? unwrap(manifestCodec.decode(opened.value)) : undefined
}

const rotate = async ({ site }: Context) => {
  const { status, body } = await request(site.manager, 'POST', '/keys')
  assert.equal(status, 201)
  return body
}

const idOf = (key: Uint8Array | undefined) => Buffer.from(kidOf(key ?? Buffer.alloc(0))).toString('hex')

test('manifests are signed for their topic with one key, which a restart keeps', async context => {
  const [key] = context.site.manager.signingKeys()
  assert.deepEqual(manifest(context, desired)?.groups, ['line-1'])
  assert.deepEqual(manifest(context, group)?.apps, [])
  assert.equal(openSigned(context.watcher.newest.get(desired)!, group, [key!]).ok, false)
  assert.equal(context.watcher.newest.get(keysTopic), undefined, 'nothing follows the first key')
  await context.site.restart()
  assert.deepEqual(context.site.manager.signingKeys(), [key])
})

test('a request is signed for its topic', async ({ site, device, watcher }) => {
  void request(site.manager, 'GET', '/devices/a1/apps/web/logs').catch(() => {})
  const { rid } = await device.request('logs')
  const topic = `skerry/device/a1/request/${rid}`
  const message = await eventually(5000, 'the request', () => watcher.newest.get(topic))
  const opened = openSigned(message, topic, site.manager.signingKeys())
  assert.equal(opened.ok && unwrap(requestCodec.decode(opened.value)).epoch, device.epoch)
  await device.respond(rid, 0, { last: true, fault: { code: 'app.unknown', message: 'none' } })
})

test('a new key is announced by the one before, ahead of all that it signs anew, and nothing else changes', async context => {
  const [before] = context.site.manager.signingKeys()
  const [own, ofGroup] = [manifest(context, desired)!, manifest(context, group)!]
  const from = context.watcher.order.length
  const { number, id, current } = await rotate(context)
  const [after] = context.site.manager.signingKeys()
  assert.deepEqual([number, id, current], [2, idOf(after), true])
  assert.notEqual(idOf(before), id)
  await eventually(5000, 'all is signed anew', () => manifest(context, desired) !== undefined && manifest(context, group) !== undefined)
  assert.deepEqual([manifest(context, desired), manifest(context, group)], [own, ofGroup])
  const told = context.watcher.order.slice(from).filter(topic => !topic.includes('/request/'))
  assert.equal(told[0], keysTopic)
  assert.deepEqual([...told].sort(), [desired, keysTopic, group].sort())
  assert.deepEqual(unwrap(followKeys(context.watcher.newest.get(keysTopic)!, [before!])).map(idOf), [id])
  const { body } = await request(context.site.manager, 'GET', '/keys')
  assert.deepEqual(
    body.items.map((key: { number: number; id: string; current: boolean }) => [key.number, key.id, key.current]),
    [
      [2, id, true],
      [1, idOf(before), false],
    ],
  )
  const events = (await request(context.site.manager, 'GET', '/events?type=key.rotated')).body.items
  assert.equal(events.length, 1)
})

test('the key before is no longer in the database, and a restart goes on with the new one', async context => {
  await rotate(context)
  const { id } = await rotate(context)
  await context.site.manager.stop()
  const db = openDb(join(context.site.folder, 'manager.db'))
  const rows = db.all(db.build.selectFrom('signing_keys').select(['number', 'private_key']).orderBy('number'))
  db.close()
  assert.deepEqual(
    rows.map(row => [row.number, row.private_key !== null]),
    [
      [1, false],
      [2, false],
      [3, true],
    ],
  )
  await context.site.restart()
  assert.equal(idOf(context.site.manager.signingKeys()[0]), id)
})

test('the keys that devices go by are counted', async context => {
  const key = kidOf(context.site.manager.signingKeys()[0]!)
  await context.device.report({ sequence: 1, key })
  const items = async () => (await request(context.site.manager, 'GET', '/keys')).body.items
  await eventually(5000, 'one', async () => (await items())[0].devices === 1)
  await rotate(context)
  assert.deepEqual(
    (await items()).map(({ devices }: { devices: number }) => devices),
    [0, 1],
  )
})

test('what a broker holds that this manager has not signed with its present key is told anew at connect', async context => {
  const held = manifest(context, desired)!
  const forged = manifestCodec.encode({ ...held, revision: held.revision + 1000, apps: [] })
  await context.site.manager.stop()
  for (const [topic, payload] of [
    [desired, stranger.sign(desired, forged)],
    [group, forged],
    [keysTopic, Buffer.from('x')],
  ] as const)
    await context.watcher.publish(topic, payload)
  await eventually(5000, 'they are there', () => context.watcher.newest.get(keysTopic)?.length === 1)
  await context.site.restart()
  await eventually(
    10_000,
    'the manifests are as they were',
    () => manifest(context, desired) !== undefined && manifest(context, group) !== undefined,
  )
  assert.deepEqual(manifest(context, desired), held)
  await eventually(5000, 'the keys', () => context.watcher.newest.get(keysTopic)?.length === 0)
})

test('what a device refuses is told again, but nothing of another device', async context => {
  const { device, watcher } = context
  const held = manifest(context, desired)!
  const fault = (path: string) => ({ code: 'manifest.unsigned', message: 'refused', path })
  await watcher.publish(desired, Buffer.from('x'))
  await watcher.publish(group, Buffer.from('x'))
  await eventually(5000, 'they are there', () => watcher.newest.get(desired)?.length === 1 && watcher.newest.get(group)?.length === 1)
  await device.report({
    sequence: 1,
    faults: [fault('group/line-1/desired'), fault('device/b1/desired'), fault('device/a1/request/+'), fault('x')],
  })
  await eventually(5000, 'the manifest of the group', () => manifest(context, group) !== undefined)
  assert.equal(watcher.newest.get(desired)?.length, 1)
  await device.report({ sequence: 2, faults: [fault('device/a1/desired')] })
  await eventually(5000, 'its own', () => manifest(context, desired) !== undefined)
  assert.deepEqual(manifest(context, desired), held)
})

test('from the first manifest of the fleet on, devices are told that there is one', async context => {
  assert.equal(manifest(context, desired)?.fleet, undefined)
  await context.site.manager.stop()
  const db = openDb(join(context.site.folder, 'manager.db'))
  db.durably(() => bumpFleet(db))
  db.close()
  await context.site.restart()
  await eventually(5000, 'the device is told', () => manifest(context, desired)?.fleet === true)
  const fleet = manifest(context, 'skerry/fleet/desired')!
  assert.deepEqual([fleet.apps, fleet.groups, fleet.images], [[], undefined, undefined])
  assert.equal(manifest(context, group)?.fleet, undefined)
  const from = context.watcher.order.length
  await context.site.manager.stop()
  const again = openDb(join(context.site.folder, 'manager.db'))
  again.durably(() => bumpFleet(again))
  again.close()
  await context.site.restart()
  await eventually(5000, 'the newer one', () => manifest(context, 'skerry/fleet/desired')!.revision > fleet.revision)
  assert.deepEqual(
    context.watcher.order.slice(from).filter(topic => topic === desired),
    [],
  )
})

test.run()
