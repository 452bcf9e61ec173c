// Newer images, policies and purges: from the API to manifests, and from reports back to the API.
import * as assert from 'node:assert/strict'
import fc from 'fast-check'
import { suite } from 'uvu'
import { reportEvents } from '../../manager/core/events.js'
import { nextRefresh, patchPolicy } from '../../manager/core/wishes.js'
import { type DesiredApp, type Manifest, manifestCodec, type Purge } from '../../protocol/messages/manifest.js'
import type { Reported } from '../../protocol/messages/reported.js'
import { FakeDevice } from '../support/device.js'
import { contentsOf } from '../support/signing.js'
import { eventually } from '../support/within.js'
import { deviceIs, openEvents, request, type Site, startSite, webApp } from './site.js'

const test = suite<{ site: Site; device: FakeDevice }>('wishes')

test.before(async context => {
  context.site = await startSite()
  context.device = await FakeDevice.online({ url: context.site.broker.url, id: 'a1' })
  await deviceIs(context.site.manager, 'a1', 'Ready')
})
test.after(async ({ site, device }) => {
  await device.leave()
  await site.stop()
})

const appOf = (manifest: Manifest, name: string): DesiredApp | undefined => manifest.apps.find(app => app.name === name)
const purgeOf = (manifest: Manifest, name: string): Purge | undefined => manifest.purges?.find(purge => purge.name === name)
const two = `${webApp()}  db:\n    image: busybox:local\n`

test('the next refresh takes in what some device has not done of the one before', () => {
  const before = { generation: 3, services: ['db'] }
  assert.deepEqual(nextRefresh(null, true, 5, []), { generation: 5 })
  assert.deepEqual(nextRefresh(null, true, 5, ['web', 'db', 'web']), { generation: 5, services: ['db', 'web'] })
  assert.deepEqual(nextRefresh(before, true, 5, ['web']), { generation: 5, services: ['web'] })
  assert.deepEqual(nextRefresh(before, false, 5, ['web']), { generation: 5, services: ['db', 'web'] })
  assert.deepEqual(nextRefresh({ generation: 3 }, false, 5, ['web']), { generation: 5 })
  assert.deepEqual(nextRefresh(before, false, 5, []), { generation: 5 })
})

test('a policy holds what differs from the default and nothing else', () => {
  const patch = fc.record(
    { restart: fc.constantFrom('no', 'on-failure', 'always'), settleS: fc.nat(100), rollBack: fc.boolean() },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(patch, patch, (one, other) => {
      const policy = patchPolicy(patchPolicy({}, one as object), other as object)
      const all = { restart: 'no', settleS: 0, rollBack: true, ...one, ...other }
      assert.deepEqual({ restart: 'no', settleS: 0, rollBack: true, ...policy }, all)
      assert.ok(policy.restart !== 'no' && policy.settleS !== 0 && policy.rollBack !== true)
    }),
  )
})

test('newer images are wished for once more each time, of all or of some services', async ({ site, device }) => {
  const path = '/devices/a1/apps/fresh'
  const events = await openEvents(site.manager)
  const made = await request(site.manager, 'PUT', path, two)
  assert.deepEqual([made.body.refresh, made.body.policy], [null, { restart: 'no', settleS: null, rollBack: true }])
  const plain = await device.manifest(manifest => appOf(manifest, 'fresh') !== undefined)
  assert.deepEqual(Object.keys(appOf(plain, 'fresh')!).sort(), ['digest', 'name', 'revision', 'run'])

  const { status, body } = await request(site.manager, 'POST', `${path}/update`, { services: ['db'] })
  assert.deepEqual([status, body.refresh.services, body.revision], [200, ['db'], 1])
  const { generation } = body.refresh
  const told = await device.manifest(manifest => appOf(manifest, 'fresh')?.refresh !== undefined)
  assert.deepEqual(appOf(told, 'fresh')?.refresh, { generation, services: ['db'] })
  await events.find(event => event.type === 'app.updated' && event.data.generation === generation)

  const again = await request(site.manager, 'POST', `${path}/update`)
  assert.equal(again.body.refresh.services, null)
  assert.ok(again.body.refresh.generation > generation)
  const strange = await request(site.manager, 'POST', `${path}/update`, { services: ['cache'] })
  assert.deepEqual([strange.status, strange.body.code], [404, 'service.unknown'])
  await events.close()
})

test('a wish outlives a restart of the manager, and a deletion of the app ends it', async ({ site, device }) => {
  const path = '/devices/a1/apps/lasting'
  await request(site.manager, 'PUT', `${path}?restart=always`, webApp())
  const { body } = await request(site.manager, 'POST', `${path}/update`)
  await site.restart()
  const shown = (await request(site.manager, 'GET', path)).body
  assert.deepEqual([shown.refresh, shown.policy.restart], [body.refresh, 'always'])
  await request(site.manager, 'DELETE', path)
  const anew = (await request(site.manager, 'PUT', path, webApp())).body
  assert.deepEqual([anew.refresh, anew.policy.restart, anew.revision], [null, 'no', 2])
  const manifest = await device.manifest(each => appOf(each, 'lasting')?.revision === 2)
  assert.equal(appOf(manifest, 'lasting')?.refresh, undefined)
})

test('a policy is stored with the app; what is not said of it stays as it is, and the default is not on the wire', async ({
  site,
  device,
}) => {
  const path = '/devices/a1/apps/governed'
  const put = async (query: string) => (await request(site.manager, 'PUT', `${path}${query}`, webApp())).body
  assert.deepEqual((await put('?restart=on-failure&settleS=120&rollBack=false')).policy, {
    restart: 'on-failure',
    settleS: 120,
    rollBack: false,
  })
  const manifest = await device.manifest(each => appOf(each, 'governed') !== undefined)
  assert.deepEqual(appOf(manifest, 'governed')?.policy, { restart: 'on-failure', settleS: 120, rollBack: false })
  const same = await put('')
  assert.deepEqual([same.changed, same.policy.settleS], [false, 120])
  const less = await put('?settleS=0&rollBack=true')
  assert.deepEqual([less.changed, less.revision, less.policy], [true, 1, { restart: 'on-failure', settleS: null, rollBack: true }])
  await device.manifest(each => JSON.stringify(appOf(each, 'governed')?.policy) === '{"restart":"on-failure"}')
  await put('?restart=no')
  await device.manifest(each => appOf(each, 'governed')?.policy === undefined && appOf(each, 'governed') !== undefined)
  const { status, body } = await request(site.manager, 'PUT', `${path}?restart=sometimes`, webApp())
  assert.deepEqual([status, body.code, body.path], [400, 'request.invalid', 'restart'])
})

test('an app that is deleted with its volumes or images stands in the manifest until its name is used again', async ({ site, device }) => {
  const path = '/devices/a1/apps/gone'
  await request(site.manager, 'PUT', path, webApp())
  assert.equal((await request(site.manager, 'DELETE', `${path}?volumes=true`)).status, 204)
  const manifest = await device.manifest(each => purgeOf(each, 'gone') !== undefined)
  assert.deepEqual([purgeOf(manifest, 'gone'), appOf(manifest, 'gone')], [{ name: 'gone', volumes: true }, undefined])
  await site.restart()
  await request(site.manager, 'PUT', path, webApp())
  const back = await device.manifest(each => appOf(each, 'gone')?.revision === 2)
  assert.equal(purgeOf(back, 'gone'), undefined)
  await request(site.manager, 'DELETE', path)
  const plain = await device.manifest(each => each.revision > back.revision)
  assert.equal(purgeOf(plain, 'gone'), undefined)
})

test('purges of a group are those of its manifest, and go with it; a manifest never has too many', async ({ site }) => {
  await request(site.manager, 'POST', '/groups', { name: 'line', devices: ['a1'] })
  for (let n = 0; n < 105; n++) {
    await request(site.manager, 'PUT', `/groups/line/apps/p${n}`, webApp())
    await request(site.manager, 'DELETE', `/groups/line/apps/p${n}?images=true&volumes=true`)
  }
  const member = await FakeDevice.online({ url: site.broker.url, id: 'm1' })
  await member.client.subscribeAsync('skerry/group/line/desired', { qos: 1 })
  let newest: Manifest | undefined
  member.client.on('message', (topic, payload) => {
    const decoded = manifestCodec.decode(contentsOf(payload))
    if (topic.endsWith('group/line/desired') && decoded.ok) newest = decoded.value
  })
  await request(site.manager, 'PUT', '/groups/line/apps/last', webApp())
  await eventually(5000, 'the manifest', () => newest !== undefined && appOf(newest, 'last'))
  assert.equal(newest?.purges?.length, 100)
  assert.equal(purgeOf(newest!, 'p0'), undefined)
  assert.deepEqual(purgeOf(newest!, 'p104'), { name: 'p104', volumes: true, images: true })
  await request(site.manager, 'DELETE', '/groups/line?force=true')
  await request(site.manager, 'POST', '/groups', { name: 'line', devices: ['a1'] })
  await request(site.manager, 'PUT', '/groups/line/apps/again', webApp())
  await eventually(5000, 'the manifest', () => newest !== undefined && appOf(newest, 'again'))
  assert.equal(newest?.purges, undefined)
  await member.leave()
})

test('what an agent reports of it is shown: the failed revision, the refresh, digests, counts and progress', async ({ site, device }) => {
  const path = '/devices/a1/apps/told'
  await request(site.manager, 'PUT', path, webApp())
  const service = { name: 'web', state: 'running', image: 'busybox:local', digest: 'sha256:ab', running: 1, scale: 2 } as const
  const fault = { code: 'service.exited', message: 'it ended' }
  const apps = [{ name: 'told', revision: 1, state: 'rolled-back', fault, failedRevision: 2, refreshed: 7, services: [service] }] as const
  const { revision } = await device.manifest(manifest => manifest.apps.some(({ name }) => name === 'told'))
  await device.report({ sequence: 3, revision, apps })
  const shown = await eventually(5000, 'the report', async () => {
    const { body } = await request(site.manager, 'GET', path)
    return body.devices[0].state === 'rolled-back' && body
  })
  const [on] = shown.devices
  assert.deepEqual([on.state, on.failedRevision, on.refreshed, on.fault], ['rolled-back', 2, 7, fault])
  assert.deepEqual(on.services, [{ ...service, ports: [] }])
  const { body } = await request(site.manager, 'GET', '/devices/a1')
  assert.equal(body.apps.find((each: { app: string }) => each.app === 'told').failedRevision, 2)
})

test('progress of a pull is no event, what follows from it is', () => {
  const report = (bytes: number | undefined, refreshed = 1): Reported => {
    const progress = bytes === undefined ? {} : { pulledBytes: bytes, pullBytes: 100 }
    const services = [{ name: 'web', state: 'pulling', image: 'i', ...progress } as const]
    return {
      version: 1,
      sequence: 1,
      revision: 1,
      groups: [],
      apps: [{ name: 'web', revision: 1, state: 'updating', refreshed, services }],
    }
  }
  assert.equal(reportEvents('a1', report(10), report(20)).length, 0)
  assert.equal(reportEvents('a1', report(10), report(undefined)).length, 0)
  assert.equal(reportEvents('a1', report(10), report(20, 2)).length, 1)
})

test('a fault that stays is told once, however often it is tried again; without one services are told by name', () => {
  const report = (state: 'pulling' | 'running', message?: string): Reported => {
    const fault = message === undefined ? {} : { fault: { code: 'image.unavailable', message } as const }
    const app = { name: 'web', revision: 1, state: 'updating', ...fault, services: [{ name: 'a', state, image: 'i' }] } as const
    return { version: 1, sequence: 1, revision: 1, groups: [], apps: [app] }
  }
  assert.deepEqual(reportEvents('a1', report('running', 'ended 3 times'), report('pulling', 'ended 4 times')), [])
  assert.equal(reportEvents('a1', report('running', 'no'), report('running', 'disk full')).length, 1)
  const [event] = reportEvents('a1', report('running'), report('pulling'))
  assert.equal(event?.message, 'web on a1 is updating (a pulling)')
})

test.run()
