// States for machines: one integer a device and an app, published when it changes, right after a restart, and gone with what it was about.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { touchedBy } from '../../manager/core/states.js'
import { States } from '../../manager/states.js'
import { Db } from '../../manager/store/db.js'
import type { AppState, ReportedApp } from '../../protocol/messages/reported.js'
import { FakeDevice } from '../support/device.js'
import { Embedded, Plc } from '../support/embedded.js'
import { eventually } from '../support/within.js'
import { deviceIs, webApp } from './site.js'

const test = suite<{ site: Embedded; plc: Plc }>('states for machines')

test.before.each(async context => {
  context.site = await Embedded.start()
  context.plc = await Plc.connect(context.site.url)
})
test.after.each(async ({ site, plc }) => {
  await plc.leave()
  await site.stop()
})

const online = async (site: Embedded, id: string, epoch?: number) => {
  const device = await FakeDevice.online({ url: site.url, id, ...(epoch === undefined ? {} : { epoch }) })
  await deviceIs(site.manager, id, 'Ready')
  return device
}

let sequence = 1
const report = (device: FakeDevice, state: AppState, more: Partial<ReportedApp> = {}, revision = device.manifests.at(-1)?.revision ?? 0) =>
  device.report({ sequence: sequence++, revision, apps: [{ name: 'web', revision: 1, state, services: [], ...more }] })

const twin = (plc: Plc, name: string) => JSON.parse(plc.states[`skerry/state/${name}/json`] ?? 'null')

test("a device's state and its app's go through every number", async ({ site, plc }) => {
  const device = await online(site, 'a1')
  await plc.state('device/a1', '3')
  await site.api('PUT', '/devices/a1/apps/web', webApp())
  await plc.state('device/a1/app/web', '2')
  await plc.state('device/a1', '2')
  await report(device, 'running')
  await plc.state('device/a1/app/web', '3')
  await plc.state('device/a1', '3')
  await site.api('POST', '/devices/a1/apps/web/stop')
  await plc.state('device/a1/app/web', '2')
  await device.manifest(({ apps }) => apps[0]?.run === 'stopped')
  await report(device, 'stopped')
  await plc.state('device/a1/app/web', '3')
  await report(device, 'failed', { fault: { code: 'image.unavailable', message: 'no such image' } })
  await plc.state('device/a1/app/web', '4')
  await plc.state('device/a1', '4')
  assert.equal(twin(plc, 'device/a1/app/web').fault.code, 'image.unavailable')
  await report(device, 'rolled-back', { failedRevision: 1 })
  await plc.state('device/a1/app/web', '5')
  await plc.state('device/a1', '5')
  device.die()
  await plc.state('device/a1/app/web', '1')
  await plc.state('device/a1', '1')
  const { state, word, reason, name } = twin(plc, 'device/a1')
  assert.deepEqual([state, word, reason, name], [1, 'NotReady', 'Disconnected', 'a1'])
})

test('states are right while the disk of the manager refuses everything, and its history when it no longer does', async ({ site, plc }) => {
  const device = await online(site, 'a1')
  await plc.state('device/a1', '3')
  const { quickly } = Db.prototype
  Db.prototype.quickly = () => {
    throw new Error('disk full')
  }
  const history = async () => (await site.api('GET', '/events?type=device.not-ready')).items.length
  try {
    device.die()
    await plc.state('device/a1', '1')
    assert.equal(await history(), 0)
  } finally {
    Db.prototype.quickly = quickly
  }
  await eventually(5000, 'it is stored', async () => (await history()) === 1)
  const back = await online(site, 'a1', 65_538)
  await plc.state('device/a1', '3')
  assert.equal(plc.states['skerry/state/manager'], '1')
  await back.leave()
})

test('when a command is answered, the state of its target is that of the new wish', async ({ site, plc }) => {
  const device = await online(site, 'a1')
  await site.api('POST', '/groups', { name: 'line-1', devices: ['a1'] })
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  await site.api('PUT', '/devices/a1/apps/own', webApp())
  const running = { revision: 1, state: 'running', services: [] } as const
  await device.report({
    sequence: 1,
    apps: [
      { name: 'web', group: 'line-1', ...running },
      { name: 'own', ...running },
    ],
  })
  await plc.state('group/line-1/app/web', '3')
  await plc.state('device/a1', '3')
  for (const [command, states] of [
    ['skerry/c/g/line-1/web/run', ['group/line-1/app/web']],
    ['skerry/c/d/a1/own/run', ['device/a1', 'device/a1/app/own']],
  ] as const) {
    const from = plc.told.length
    assert.equal((await plc.ask(command, '0')).code, 0)
    const answered = plc.told.slice(from).findIndex(({ topic }) => topic === command.replace('/c/', '/a/'))
    const before = plc.told.slice(0, from + answered)
    for (const state of states) assert.equal(before.findLast(({ topic }) => topic === `skerry/state/${state}`)?.text, '2', state)
  }
  await device.leave()
})

const told = { failed: { state: '4', of: { revision: 2 } }, 'rolled-back': { state: '5', of: { revision: 1 } } } as const
const wishes: readonly (readonly [command: string, payload: string])[] = [
  ['spec', webApp('three')],
  ['rev', '1'],
  ['run', '0'],
]
for (const before of ['failed', 'rolled-back'] as const) {
  const { state, of } = told[before]
  for (const [command, payload] of wishes) {
    test(`after a revision that has ${before} the state that comes with the answer to ${command} is that of the new wish`, async ({
      site,
      plc,
    }) => {
      const device = await online(site, 'a1')
      await site.api('PUT', '/devices/a1/apps/web', webApp('one'))
      await site.api('PUT', '/devices/a1/apps/web', webApp('two'))
      await device.manifest(({ apps }) => apps[0]?.revision === 2)
      await report(device, before, { ...of, failedRevision: 2 })
      await plc.state('device/a1/app/web', state)
      const from = plc.told.length
      const topic = `skerry/c/d/a1/web/${command}`
      assert.equal((await plc.ask(topic, payload)).code, 0)
      const answered = plc.told.slice(from).findIndex(each => each.topic === topic.replace('/c/', '/a/'))
      const earlier = plc.told.slice(0, from + answered)
      for (const name of ['device/a1', 'device/a1/app/web'])
        assert.equal(earlier.findLast(each => each.topic === `skerry/state/${name}`)?.text, '2', name)
      await device.leave()
    })
  }
}

test('what fails under the new wish as it did before is told once the device has heard of it', async ({ site, plc }) => {
  const device = await online(site, 'a1')
  await site.api('PUT', '/devices/a1/apps/web', webApp())
  const { revision } = await device.manifest(({ apps }) => apps[0]?.revision === 1)
  await report(device, 'failed')
  await plc.state('device/a1/app/web', '4')
  await site.api('PUT', '/devices/a1/apps/web?restart=always', webApp())
  await plc.state('device/a1/app/web', '2')
  await device.manifest(manifest => manifest.revision > revision)
  await report(device, 'failed')
  await plc.state('device/a1/app/web', '4')
  // Something else of the device's manifest is no reason to doubt it.
  const from = plc.told.length
  await site.api('PUT', '/devices/a1/apps/other', webApp())
  await plc.state('device/a1/app/other', '2')
  assert.ok(!plc.told.slice(from).some(({ topic }) => topic.endsWith('/app/web')))
  await device.leave()
})

test("of a group's devices the worst counts, and its app is as bad as that", async ({ site, plc }) => {
  await site.api('POST', '/groups', { name: 'line-1' })
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  await plc.state('group/line-1/app/web', '0')
  const [one, other] = [await online(site, 'a1'), await online(site, 'a2')]
  await site.api('POST', '/groups/line-1/join', { devices: ['a1', 'a2'] })
  await plc.state('group/line-1/app/web', '2')
  for (const device of [one, other]) await report(device, 'running', { group: 'line-1' })
  await plc.state('group/line-1/app/web', '3')
  await plc.state('device/a2/app/web', '3')
  other.die()
  await plc.state('group/line-1/app/web', '1')
  await report(one, 'partial', { group: 'line-1' })
  await plc.state('group/line-1/app/web', '4')
  assert.deepEqual(twin(plc, 'group/line-1/app/web').counts, {
    unknown: 0,
    NotReady: 1,
    progressing: 0,
    Ready: 0,
    degraded: 1,
    'rolled back': 0,
  })
  await site.api('PUT', '/devices/a1/apps/web', webApp('own'))
  await plc.state('device/a1/app/web', '2')
  assert.equal(twin(plc, 'device/a1/app/web').group, null)
  await site.api('POST', '/groups/line-1/leave', { devices: ['a1'] })
  await plc.state('group/line-1/app/web', '1')
  await one.leave()
})

test('what is deleted, left or released is cleared', async ({ site, plc }) => {
  const device = await online(site, 'a1')
  await site.api('POST', '/groups', { name: 'line-1', devices: ['a1'] })
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  await site.api('PUT', '/groups/line-1/apps/db', webApp())
  await site.api('PUT', '/devices/a1/apps/own', webApp())
  for (const name of ['web', 'db', 'own']) await plc.state(`device/a1/app/${name}`, '2')
  await plc.state('group/line-1/app/db', '2')
  await site.api('DELETE', '/groups/line-1/apps/web')
  await plc.state('device/a1/app/web', undefined)
  await plc.state('group/line-1/app/web', undefined)
  await site.api('DELETE', '/groups/line-1?force=true')
  await plc.state('device/a1/app/db', undefined)
  await plc.state('group/line-1/app/db', undefined)
  await site.api('DELETE', '/devices/a1')
  await plc.state('device/a1', undefined)
  await plc.state('device/a1/app/own', undefined)
  assert.deepEqual(Object.keys(plc.states), ['skerry/state/manager'])
  const late = await Plc.connect(site.url)
  assert.deepEqual(late.states, { 'skerry/state/manager': '1' })
  await late.leave()
  await device.leave()
})

test('a burst of changes is told in a few publishes, each of which says something new', async ({ site, plc }) => {
  const device = await online(site, 'a1')
  await site.api('PUT', '/devices/a1/apps/web', webApp())
  await plc.state('device/a1/app/web', '2')
  await device.manifest(({ apps }) => apps.length === 1)
  const from = plc.told.length
  await Promise.all(Array.from({ length: 200 }, (_, n) => report(device, n % 2 === 0 ? 'failed' : 'running')))
  await report(device, 'rolled-back')
  await plc.state('device/a1/app/web', '5')
  const told = plc.told.slice(from).filter(({ topic }) => topic === 'skerry/state/device/a1/app/web')
  assert.ok(told.length <= 100, `${told.length} publishes`)
  for (const [n, { text }] of told.entries()) assert.notEqual(text, told[n - 1]?.text ?? '2')
  await device.leave()
})

test('nothing is published when nothing changes', async ({ site, plc }) => {
  const device = await online(site, 'a1')
  await plc.state('device/a1', '3')
  const from = plc.told.length
  for (let n = 0; n < 5; n++) await device.beat()
  await site.api('PATCH', '/devices/a1', { description: 'by the door' })
  await site.api('POST', '/groups', { name: 'line-1' })
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  await plc.state('group/line-1/app/web', '0')
  assert.deepEqual(
    plc.told.slice(from).map(({ topic }) => topic),
    ['skerry/state/group/line-1/app/web/json', 'skerry/state/group/line-1/app/web'],
  )
  await device.leave()
})

test('after a restart of the manager wrong states are corrected and right ones left alone before it says 1', async ({ site, plc }) => {
  const device = await online(site, 'a1')
  const dead = await online(site, 'a2')
  dead.die()
  await plc.state('device/a2', '1')
  await plc.state('device/a1', '3')
  const from = plc.told.length
  await site.restartManager(async () => {
    await plc.state('manager', '0')
    for (const [name, text] of Object.entries({ a1: '4', ghost: '3', 'ghost/app/web': '3' }))
      await plc.client.publishAsync(`skerry/state/device/${name}`, text, { qos: 1, retain: true })
  })
  await plc.state('manager', '1')
  const told = plc.told.slice(from).filter(({ topic }) => !topic.includes('/json'))
  const after = told.slice(told.findIndex(({ topic }) => topic.endsWith('ghost/app/web')) + 1)
  assert.deepEqual(
    after.filter(({ topic }) => topic.includes('manager')).map(({ text }) => text),
    ['0', '1'],
  )
  assert.equal(after.at(-1)?.topic, 'skerry/state/manager')
  assert.ok(!after.some(({ topic }) => topic.includes('a2')))
  // It has not been heard since: unknown, until it is.
  assert.deepEqual(plc.states['skerry/state/device/a1'], '0')
  assert.ok(!Object.keys(plc.states).some(topic => topic.includes('ghost')))
  await device.beat()
  await plc.state('device/a1', '3')
  await device.leave()
})

test('the will says that no state is to be trusted', async () => {
  assert.deepEqual(States.will('plant/north'), { topic: 'plant/north/state/manager', payload: '0' })
})

test('an event touches those whose state it may change', () => {
  const about = { device: null, group: null, data: {} }
  assert.deepEqual(touchedBy({ ...about, type: 'message.dropped', device: 'a' }), [])
  assert.deepEqual(touchedBy({ ...about, type: 'app.deployed', group: 'g' }), ['group/g', 'members/g'])
  assert.deepEqual(touchedBy({ ...about, type: 'app.state', device: 'a', group: 'g' }), ['device/a', 'group/g'])
  assert.deepEqual(touchedBy({ ...about, type: 'device.released', device: 'a' }), ['device/a', 'groups/'])
  assert.deepEqual(touchedBy({ ...about, type: 'group.deleted', group: 'g', data: { devices: ['a', 'b'] } }), [
    'group/g',
    'members/g',
    'device/a',
    'device/b',
  ])
})

test.run()
