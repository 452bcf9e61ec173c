// Devices come, beat, die and return over a real broker, and the API and the event stream say so.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { ManualClock } from '../support/clock.js'
import { FakeDevice, someFacts } from '../support/device.js'
import { eventually } from '../support/within.js'
import { deviceIs, openEvents, request, type Site, startSite } from './site.js'

const test = suite<{ site: Site; clock: ManualClock }>('liveness over MQTT')

test.before.each(async context => {
  context.clock = new ManualClock()
  context.site = await startSite({ clock: context.clock })
})
test.after.each(async ({ site }) => site.stop())

test('a new device is registered with its facts and is Ready', async ({ site }) => {
  const events = await openEvents(site.manager)
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1', facts: { ...someFacts, name: 'press-7' } })
  await events.find(event => event.type === 'device.registered' && event.device === 'a1')
  await events.find(event => event.type === 'device.ready' && event.device === 'a1')
  const shown = await deviceIs(site.manager, 'press-7', 'Ready')
  assert.equal(shown.id, 'a1')
  assert.deepEqual(shown.facts, { ...someFacts, name: 'press-7' })
  assert.deepEqual([shown.epoch, shown.intervalS, shown.leaseS, shown.reason], [65_537, 10, 32, null])
  await device.beat({ cpuPermille: 125, loadCentis: 57, temperatureDeci: 482 })
  const { metrics } = await eventually(5000, 'metrics', async () => {
    const { body } = await request(site.manager, 'GET', '/devices/a1')
    return body.metrics !== null && body
  })
  assert.deepEqual(metrics, { uptimeS: 60, cpuPercent: 12.5, memoryUsedMiB: 812, diskUsedPercent: 43.1, load: 0.57, temperatureC: 48.2 })
  await events.close()
  await device.leave()
})

test('a device that dies is NotReady at its will, and Ready again at its next birth', async ({ site }) => {
  const events = await openEvents(site.manager)
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  device.die()
  const event = await events.find(({ type }) => type === 'device.not-ready')
  assert.deepEqual(event.data, { state: 'NotReady', reason: 'Disconnected' })
  await deviceIs(site.manager, 'a1', 'NotReady', 'Disconnected')
  const again = await FakeDevice.online({ url: site.broker.url, id: 'a1', epoch: 65_538 })
  await deviceIs(site.manager, 'a1', 'Ready')
  await events.close()
  await again.leave()
})

test('a clean stop is NotReady (Stopped)', async ({ site }) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  await device.end('Stopped')
  await device.leave()
  await deviceIs(site.manager, 'a1', 'NotReady', 'Stopped')
})

test('a device that falls silent is NotReady when its lease is over, and Ready at its next heartbeat', async ({ site, clock }) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  clock.advance(31_900)
  assert.equal((await request(site.manager, 'GET', '/devices/a1')).body.state, 'Ready')
  clock.advance(400)
  await deviceIs(site.manager, 'a1', 'NotReady', 'HeartbeatMissed')
  await device.beat()
  await deviceIs(site.manager, 'a1', 'Ready')
  await device.leave()
})

test('short heartbeats renew the lease of the interval that the birth told, and take nothing away that was told before', async ({
  site,
  clock,
}) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1', intervalS: 100 })
  await device.beat({ intervalS: 100, revision: 7, cpuPermille: 250 })
  const told = await eventually(5000, 'the full heartbeat', async () => {
    const { body } = await request(site.manager, 'GET', '/devices/a1')
    return body.revision?.held === 7 && body
  })
  for (const step of [1, 2, 3]) {
    clock.advance(290_000)
    await device.pulse()
    const seen = new Date(clock.now()).toISOString()
    const now = await eventually(5000, `short heartbeat ${step}`, async () => {
      const { body } = await request(site.manager, 'GET', '/devices/a1')
      return body.lastSeen === seen && body
    })
    assert.deepEqual([now.state, now.metrics, now.revision], ['Ready', told.metrics, told.revision])
  }
  clock.advance(303_000)
  await deviceIs(site.manager, 'a1', 'NotReady', 'HeartbeatMissed')
  await device.leave()
})

test('an engine that is gone is NotReady (EngineUnavailable) until it is back', async ({ site }) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  await device.beat({ flags: 0 })
  await deviceIs(site.manager, 'a1', 'NotReady', 'EngineUnavailable')
  await device.beat({ flags: 1 })
  await deviceIs(site.manager, 'a1', 'Ready')
  await device.leave()
})

test('the will of an old session, published after the new birth, is ignored', async ({ site }) => {
  const events = await openEvents(site.manager)
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1', epoch: 65_540 })
  await deviceIs(site.manager, 'a1', 'Ready')
  await device.end('Disconnected', 65_539)
  await device.beat({ revision: 77 })
  await eventually(
    5000,
    'the heartbeat after it',
    async () => (await request(site.manager, 'GET', '/devices/a1')).body.revision.held === 77,
  )
  assert.equal((await request(site.manager, 'GET', '/devices/a1')).body.state, 'Ready')
  assert.ok(!events.events.some(({ type }) => type === 'device.not-ready'))
  await events.close()
  await device.leave()
})

test('a device that only sends heartbeats or reports is listed too', async ({ site }) => {
  const beating = await FakeDevice.connect({ url: site.broker.url, id: 'beating' })
  await beating.beat()
  await deviceIs(site.manager, 'beating', 'Ready')
  const reporting = await FakeDevice.connect({ url: site.broker.url, id: 'reporting' })
  await reporting.report()
  await deviceIs(site.manager, 'reporting', 'Unknown', 'NeverSeen')
  await beating.leave()
  await reporting.leave()
})

test('a manager restarted beside a dead and a living device shows both right', async ({ site, clock }) => {
  const living = await FakeDevice.online({ url: site.broker.url, id: 'living' })
  const silent = await FakeDevice.online({ url: site.broker.url, id: 'silent' })
  const dead = await FakeDevice.online({ url: site.broker.url, id: 'dead' })
  await deviceIs(site.manager, 'dead', 'Ready')
  dead.die()
  await deviceIs(site.manager, 'dead', 'NotReady')
  await site.restart()
  await deviceIs(site.manager, 'dead', 'NotReady', 'Disconnected')
  await deviceIs(site.manager, 'living', 'Unknown', 'ManagerRestarted')
  await living.pulse()
  await deviceIs(site.manager, 'living', 'Ready')
  clock.advance(33_000)
  await living.beat()
  await deviceIs(site.manager, 'silent', 'NotReady', 'HeartbeatMissed')
  await site.restart()
  await deviceIs(site.manager, 'silent', 'NotReady', 'HeartbeatMissed')
  await living.leave()
  await silent.leave()
})

test('what heartbeats said is stored, and shown after a restart', async ({ site, clock }) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  await device.beat({ memoryUsedMiB: 77, revision: 5 })
  const before = await eventually(5000, 'the heartbeat', async () => {
    const { body } = await request(site.manager, 'GET', '/devices/a1')
    return body.revision?.held === 5 && body
  })
  clock.advance(2000)
  await site.restart()
  const after = (await request(site.manager, 'GET', '/devices/a1')).body
  assert.deepEqual([after.metrics, after.lastSeen, after.revision.held], [before.metrics, before.lastSeen, 5])
  await device.leave()
})

test('a device that died while the manager was away is NotReady at once', async ({ site }) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  await site.manager.stop()
  device.die()
  await site.restart()
  await deviceIs(site.manager, 'a1', 'NotReady', 'Disconnected')
})

test('with its database gone, the manager knows its devices again unaided', async ({ site }) => {
  const living = await FakeDevice.online({ url: site.broker.url, id: 'living', facts: { ...someFacts, name: 'press-7' } })
  const dead = await FakeDevice.online({ url: site.broker.url, id: 'dead' })
  await deviceIs(site.manager, 'dead', 'Ready')
  dead.die()
  await deviceIs(site.manager, 'dead', 'NotReady')
  await site.restart({ file: `${site.folder}/other.db` })
  await deviceIs(site.manager, 'dead', 'NotReady', 'Disconnected')
  assert.equal((await deviceIs(site.manager, 'living', 'Unknown')).facts.name, 'press-7')
  await living.leave()
})

test('a broker that is away marks nobody dead', async ({ site, clock }) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  const events = await openEvents(site.manager)
  await site.broker.stop()
  await eventually(5000, 'the manager notices', async () => (await request(site.manager, 'GET', '/ready')).status === 503)
  clock.advance(100)
  assert.equal((await request(site.manager, 'GET', '/devices/a1')).body.state, 'Ready')
  clock.advance(60_000)
  await deviceIs(site.manager, 'a1', 'Unknown', 'BrokerUnavailable')
  assert.ok(!events.events.some(({ type }) => type === 'device.not-ready'))
  await events.close()
  device.client.end(true)
})

test('an agent whose state went back in time is told which epochs are spent', async ({ site }) => {
  const first = await FakeDevice.online({ url: site.broker.url, id: 'a1', epoch: 655_360 })
  await deviceIs(site.manager, 'a1', 'Ready')
  await first.leave()
  const restored = await FakeDevice.online({ url: site.broker.url, id: 'a1', epoch: 65_537 })
  assert.equal((await restored.manifest(() => true)).epochFloor, 655_360)
  await restored.leave()
})

test.run()
