// What users ask for reaches devices as retained manifests and specs, no more often than needed, and whatever fails meanwhile.
import * as assert from 'node:assert/strict'
import { once } from 'node:events'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import { digestText, openSpec, packSpec } from '../../protocol/spec.js'
import { FakeDevice } from '../support/device.js'
import { eventually, within } from '../support/within.js'
import { connected, deviceIs, request, type Site, startBroker, startSite, webApp } from './site.js'

const test = suite<{ site: Site }>('desired state')

test.before.each(async context => {
  context.site = await startSite()
})
test.after.each(async ({ site }) => site.stop())

const digestOf = (compose: string) => digestText(packSpec({ compose }).digest)
const hex = (bytes: Uint8Array) => digestText(bytes)

/** Waits until the manager has nothing left to tell: a later change of its own has come through. */
async function settled(site: Site, device: FakeDevice): Promise<void> {
  const intervalS = 1000 + site.broker.published.length
  await request(site.manager, 'PATCH', `/devices/${device.id}`, { intervalS })
  await device.manifest(manifest => manifest.intervalS === intervalS)
}

async function onlineDevices(site: Site, ids: readonly string[]): Promise<FakeDevice[]> {
  const devices = await Promise.all(ids.map(id => FakeDevice.online({ url: site.broker.url, id })))
  for (const { id } of devices) await deviceIs(site.manager, id, 'Ready')
  return devices
}

test('a device is told nothing until something is desired of it', async ({ site }) => {
  const [device] = await onlineDevices(site, ['a1'])
  assert.deepEqual(site.broker.published, [])
  await request(site.manager, 'POST', '/groups', { name: 'line-1', devices: ['a1'] })
  const manifest = await device!.manifest(() => true)
  assert.deepEqual([manifest.groups, manifest.apps, manifest.intervalS], [['line-1'], [], undefined])
  await device!.leave()
})

test('a deploy to a group is two publishes, whatever its size: the spec, then the manifest', async ({ site }) => {
  const devices = await onlineDevices(site, ['a1', 'a2', 'a3'])
  await request(site.manager, 'POST', '/groups', { name: 'line-1', devices: devices.map(({ id }) => id) })
  for (const device of devices) await device.manifest(() => true)
  const before = site.broker.published.length
  const { status, body } = await request(site.manager, 'PUT', '/groups/line-1/apps/web', webApp())
  assert.deepEqual([status, body.revision, body.changed, body.run, body.services], [201, 1, true, 'running', ['web']])
  await settled(site, devices[0]!)
  assert.deepEqual(site.broker.published.slice(before, -1), [`skerry/spec/${digestOf(webApp())}`, 'skerry/group/line-1/desired'])
  const again = await request(site.manager, 'PUT', '/groups/line-1/apps/web', webApp())
  assert.deepEqual([again.status, again.body.changed, again.body.revision], [200, false, 1])
  for (const device of devices) await device.leave()
})

test('what is retained is what its digest says, and a device that was away gets only the last deploy', async ({ site }) => {
  const [device] = await onlineDevices(site, ['a1'])
  device!.die()
  await deviceIs(site.manager, 'a1', 'NotReady')
  for (const image of ['one', 'two', 'three']) await request(site.manager, 'PUT', '/devices/a1/apps/web', webApp(image))
  await eventually(5000, 'all is told', async () => site.broker.published.at(-1)?.startsWith('-skerry/spec/'))
  const back = await FakeDevice.online({ url: site.broker.url, id: 'a1', epoch: 65_538 })
  const manifest = await back.manifest(() => true)
  assert.equal(back.manifests.length, 1)
  assert.deepEqual(
    manifest.apps.map(app => [app.name, app.revision, hex(app.digest)]),
    [['web', 3, digestOf(webApp('three'))]],
  )
  const specs = await retained(site.broker.url, 'skerry/spec/+')
  assert.deepEqual([...specs.keys()], [`skerry/spec/${digestOf(webApp('three'))}`])
  const opened = openSpec([...specs.values()][0]!, manifest.apps[0]!.digest)
  assert.equal(opened.ok && opened.value.compose, webApp('three'))
  await back.leave()
})

test('stop, start and delete change the manifest; a deleted app leaves no spec behind but keeps its revisions', async ({ site }) => {
  const [device] = await onlineDevices(site, ['a1'])
  await request(site.manager, 'PUT', '/devices/a1/apps/web', webApp())
  await device!.manifest(({ apps }) => apps[0]?.run === 'running')
  assert.equal((await request(site.manager, 'POST', '/devices/a1/apps/web/stop')).body.run, 'stopped')
  await device!.manifest(({ apps }) => apps[0]?.run === 'stopped')
  assert.equal((await request(site.manager, 'POST', '/devices/a1/apps/web/start')).body.run, 'running')
  await device!.manifest(({ apps, revision }) => apps[0]?.run === 'running' && revision > 2)
  assert.equal((await request(site.manager, 'DELETE', '/devices/a1/apps/web')).status, 204)
  await device!.manifest(({ apps }) => apps.length === 0)
  await eventually(5000, 'the spec is cleared', () => site.broker.published.includes(`-skerry/spec/${digestOf(webApp())}`))
  assert.equal((await request(site.manager, 'GET', '/devices/a1/apps/web')).body.code, 'app.unknown')
  const { body } = await request(site.manager, 'PUT', '/devices/a1/apps/web', webApp())
  assert.equal(body.revision, 2)
  const first = await request(site.manager, 'GET', '/devices/a1/apps/web/revisions/1')
  assert.deepEqual([first.body.compose, first.body.digest], [webApp(), digestOf(webApp())])
  await device!.leave()
})

test('join and leave tell only the device that joins or leaves', async ({ site }) => {
  const [a1, a2] = await onlineDevices(site, ['a1', 'a2'])
  await request(site.manager, 'POST', '/groups', { name: 'line-1', devices: ['a1'] })
  await request(site.manager, 'PUT', '/groups/line-1/apps/web', webApp())
  await settled(site, a1!)
  const before = site.broker.published.length
  await request(site.manager, 'POST', '/groups/line-1/join', { devices: ['a2'] })
  await a2!.manifest(({ groups }) => groups?.includes('line-1') === true)
  await request(site.manager, 'POST', '/groups/line-1/leave', { devices: ['a2'] })
  await a2!.manifest(({ groups }) => groups?.length === 0)
  await request(site.manager, 'POST', '/groups/line-1/leave', { devices: ['a2'] })
  await settled(site, a2!)
  assert.deepEqual(new Set(site.broker.published.slice(before)), new Set(['skerry/device/a2/desired']))
  assert.equal(site.broker.published.length - before, 3)
  await a1!.leave()
  await a2!.leave()
})

test('a group deleted by force leaves nothing behind', async ({ site }) => {
  const [device] = await onlineDevices(site, ['a1'])
  await request(site.manager, 'POST', '/groups', { name: 'line-1', devices: ['a1'] })
  await request(site.manager, 'PUT', '/groups/line-1/apps/web', webApp())
  const refused = await request(site.manager, 'DELETE', '/groups/line-1')
  assert.deepEqual([refused.status, refused.body.code], [409, 'group.not-empty'])
  await settled(site, device!)
  assert.equal((await request(site.manager, 'DELETE', '/groups/line-1?force=true')).status, 204)
  await device!.manifest(({ groups }) => groups?.length === 0)
  await eventually(5000, 'all is cleared', async () => (await retained(site.broker.url, 'skerry/group/+/desired')).size === 0)
  await eventually(5000, 'no spec is left', async () => (await retained(site.broker.url, 'skerry/spec/+')).size === 0)
  await device!.leave()
})

test('a deploy while the broker is away happens when it is back', async ({ site }) => {
  const { port } = site.broker
  await onlineDevices(site, ['a1'])
  await site.broker.stop()
  const { status } = await request(site.manager, 'PUT', '/devices/a1/apps/web', webApp())
  assert.equal(status, 201)
  const broker = await startBroker(port)
  const device = await FakeDevice.online({ url: broker.url, id: 'a1', epoch: 65_538 })
  await device.manifest(({ apps }) => apps[0]?.name === 'web')
  await device.leave()
  await site.manager.stop()
  await broker.stop()
})

test('a broker that has lost what it retained is told again, each target once', async ({ site }) => {
  const [device] = await onlineDevices(site, ['a1'])
  await request(site.manager, 'POST', '/groups', { name: 'line-1', devices: ['a1'] })
  await request(site.manager, 'PUT', '/groups/line-1/apps/web', webApp())
  await settled(site, device!)
  const { port } = site.broker
  await site.broker.stop()
  const broker = await startBroker(port)
  await connected(site.manager)
  await eventually(5000, 'all is told again', async () => broker.published.length >= 3)
  const expected = [`skerry/spec/${digestOf(webApp())}`, 'skerry/device/a1/desired', 'skerry/group/line-1/desired']
  assert.deepEqual([...broker.published].sort(), [...expected].sort())
  await site.manager.stop()
  await broker.stop()
})

test('a manager that restarts beside an intact broker tells nothing again', async ({ site }) => {
  const [device] = await onlineDevices(site, ['a1'])
  await request(site.manager, 'PUT', '/devices/a1/apps/web', webApp())
  await settled(site, device!)
  const before = site.broker.published.length
  const compared = once(site.broker.unsubscribed, 'desired')
  await site.restart()
  const [topic] = await within(10_000, 'the manager has compared', compared)
  assert.equal(topic, 'skerry/device/+/desired')
  await settled(site, device!)
  assert.deepEqual(site.broker.published.slice(before), ['skerry/device/a1/desired'])
  await device!.leave()
})

test('a release goes to the device, and its word clears every trace', async ({ site }) => {
  const [device] = await onlineDevices(site, ['a1'])
  await request(site.manager, 'PUT', '/devices/a1/apps/web', webApp())
  await device!.report()
  const { status, body } = await request(site.manager, 'DELETE', '/devices/a1?apps=remove')
  assert.deepEqual([status, body], [202, { id: 'a1', released: 'remove' }])
  assert.equal((await request(site.manager, 'GET', '/devices/a1')).body.code, 'device.unknown')
  const manifest = await device!.manifest(({ release }) => release !== undefined)
  assert.deepEqual([manifest.release, manifest.apps], ['remove', []])
  await device!.beat()
  await device!.birth()
  await device!.end('Released')
  await eventually(5000, 'its topics are cleared', async () => (await retained(site.broker.url, 'skerry/device/a1/+')).size === 0)
  assert.deepEqual((await request(site.manager, 'GET', '/devices')).body.items, [])
  await device!.leave()
  await eventually(5000, 'its spec is cleared', async () => (await retained(site.broker.url, 'skerry/spec/+')).size === 0)
  const anew = await FakeDevice.online({ url: site.broker.url, id: 'a1', epoch: 131_073 })
  await deviceIs(site.manager, 'a1', 'Ready')
  assert.equal(anew.manifests.length, 0)
  await anew.leave()
})

test('revisions go on above what a device holds when the database went back in time', async ({ site }) => {
  const [device] = await onlineDevices(site, ['a1'])
  await request(site.manager, 'PUT', '/devices/a1/apps/web', webApp())
  const { instance, revision } = await device!.manifest(() => true)
  await device!.report({ instance, revision: revision + 100 })
  const higher = await device!.manifest(manifest => manifest.revision > revision + 100)
  assert.equal(higher.apps[0]?.name, 'web')
  await device!.leave()
})

/** What the broker retains below a filter. */
async function retained(url: string, filter: string): Promise<Map<string, Buffer>> {
  const client = await mqtt.connectAsync(url)
  const found = new Map<string, Buffer>()
  client.on('message', (topic, payload) => found.set(topic, payload))
  await client.subscribeAsync(filter)
  // What is retained comes before the answer to a later publish of this client's own.
  const fence = `fence/${Math.random()}`
  await client.subscribeAsync(fence)
  await client.publishAsync(fence, 'x')
  await eventually(5000, 'the fence', () => found.has(fence))
  found.delete(fence)
  await client.endAsync()
  return found
}

test.run()
