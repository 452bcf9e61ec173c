// Accounts of devices' bytes: by day and month, over restarts of the manager, and budgets that slow telemetry down.
import assert from 'node:assert/strict'
import { suite } from 'uvu'
import { type Clock, systemClock } from '../../protocol/clock.js'
import { FakeDevice } from '../support/device.js'
import { eventually } from '../support/within.js'
import { request, type Site, startSite } from './site.js'

interface World {
  site: Site
  /** What the manager's wall clock says. */
  now: number
}

const test = suite<World>('usage')

test.before.each(async context => {
  context.now = Date.parse('2026-01-31T12:00:00Z')
  const clock: Clock = { ...systemClock, now: () => context.now }
  context.site = await startSite({ clock })
})
test.after.each(({ site }) => site.stop())

const flow = (sent: number, received = 0) => ({ sent, received })

async function usageOf({ site }: World, device: string) {
  return (await request(site.manager, 'GET', `/devices/${device}/usage`)).body
}

async function online({ site }: World, id: string): Promise<FakeDevice> {
  const device = await FakeDevice.online({ url: site.broker.url, id, intervalS: 60 })
  await eventually(20_000, `${id} is known`, async () => (await request(site.manager, 'GET', `/devices/${id}`)).status === 200)
  return device
}

/** Waits until its month has come to so much. */
async function comesTo(world: World, device: string, usedBytes: number) {
  return await eventually(20_000, `${device} has used ${usedBytes}`, async () => {
    const usage = await usageOf(world, device)
    return usage.month?.usedBytes === usedBytes && usage
  })
}

test('what a device tells is on its account, by day, month and purpose', async world => {
  const device = await online(world, 'a1')
  await device.account({ heartbeat: flow(100), headers: flow(50, 60) })
  await comesTo(world, 'a1', 210)
  await device.account({ heartbeat: flow(150), log: flow(0, 7), headers: flow(50, 60) })
  const usage = await comesTo(world, 'a1', 267)
  assert.equal(usage.days.length, 1)
  assert.equal(usage.days[0].day, '2026-01-31')
  assert.equal(usage.days[0].totalBytes, 267)
  assert.deepEqual(usage.days[0].purposes, usage.months[0].purposes)
  assert.deepEqual([usage.days[0].purposes.heartbeat, usage.days[0].purposes.log], [flow(150), flow(0, 7)])
  const { body } = await request(world.site.manager, 'GET', '/devices/a1')
  assert.deepEqual(body.usage, usage.month)
  await device.leave()
})

test('a device that tells of more than there can be harms nobody: the manager goes on, and starts again', async world => {
  const [device, other] = [await online(world, 'a1'), await online(world, 'a2')]
  const most = flow(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  const everything = { heartbeat: most, report: most, state: most, log: most, connection: most, headers: most }
  for (let count = 1; count <= 1100; count++) await device.account(everything, count)
  await other.account({ state: flow(100) })
  await comesTo(world, 'a2', 100)
  await world.site.restart()
  await comesTo(world, 'a2', 100)
  const { month, days, months } = await usageOf(world, 'a1')
  assert.ok(Number.isSafeInteger(month.usedBytes))
  assert.deepEqual([days[0].totalBytes, months[0].totalBytes], [month.usedBytes, month.usedBytes])
  await Promise.all([device.leave(), other.leave()])
})

test('a device that has told nothing has no account', async world => {
  const device = await online(world, 'a1')
  assert.deepEqual(await usageOf(world, 'a1'), { device: 'a1', month: null, days: [], months: [] })
  await device.leave()
})

test('the next day and the next month begin when the clock says so', async world => {
  const device = await online(world, 'a1')
  await device.account({ report: flow(100) })
  await comesTo(world, 'a1', 100)
  world.now = Date.parse('2026-02-01T00:00:00Z')
  assert.equal((await usageOf(world, 'a1')).month.usedBytes, 0)
  await device.account({ report: flow(130) })
  const { days, months, month } = await comesTo(world, 'a1', 30)
  assert.equal(month.month, '2026-02')
  const sums = (rows: { day?: string; month?: string; totalBytes: number }[]) => rows.map(row => [row.day ?? row.month, row.totalBytes])
  assert.deepEqual(sums(days), [
    ['2026-02-01', 30],
    ['2026-01-31', 100],
  ])
  assert.deepEqual(sums(months), [
    ['2026-02', 30],
    ['2026-01', 100],
  ])
  await device.leave()
})

test('a clock that is wrong for a while loses nothing', async world => {
  const device = await online(world, 'a1')
  await device.account({ report: flow(100) })
  await comesTo(world, 'a1', 100)
  const right = world.now
  for (const [at, wrong] of ['1970-01-01T00:00:10Z', '2026-02-10T00:00:00Z', '2090-07-01T00:00:00Z'].entries()) {
    world.now = Date.parse(wrong)
    await world.site.restart()
    await comesTo(world, 'a1', 0)
    await device.account({ report: flow(101 + at) })
    await comesTo(world, 'a1', 1)
    world.now = right
    const { days, months } = await comesTo(world, 'a1', 100)
    assert.equal(days[0].totalBytes, 100, wrong)
    assert.equal(months[0].month, '2026-01')
  }
  await device.account({ report: flow(110) })
  await world.site.restart()
  await comesTo(world, 'a1', 107)
  await device.leave()
})

test('a manager that was away knows of all that was told by the next message', async world => {
  const device = await online(world, 'a1')
  await device.account({ state: flow(100) })
  await comesTo(world, 'a1', 100)
  await world.site.manager.stop()
  await device.account({ state: flow(170) })
  await world.site.restart()
  await comesTo(world, 'a1', 100)
  await device.account({ state: flow(180) })
  await comesTo(world, 'a1', 180)
  await device.leave()
})

test('an agent that was killed and has lost a little adds nothing twice, and a later count begins anew', async world => {
  const device = await online(world, 'a1')
  await device.account({ state: flow(100) }, 5)
  await device.account({ state: flow(90) }, 5)
  await device.account({ state: flow(120) }, 5)
  await comesTo(world, 'a1', 120)
  await device.account({ state: flow(30) }, 9)
  await device.account({ state: flow(125) }, 5)
  await device.account({ state: flow(31) }, 9)
  await comesTo(world, 'a1', 151)
  await device.leave()
})

test('a released device leaves no account behind', async world => {
  const device = await online(world, 'a1')
  await device.account({ state: flow(100) })
  await comesTo(world, 'a1', 100)
  await request(world.site.manager, 'DELETE', '/devices/a1')
  assert.equal((await request(world.site.manager, 'GET', '/devices/a1/usage')).status, 404)
  await device.end('Released')
  const again = await eventually(20_000, 'it may come again', async () => {
    await device.birth()
    return (await request(world.site.manager, 'GET', '/devices/a1')).status === 200
  })
  assert.ok(again)
  assert.equal((await usageOf(world, 'a1')).month, null)
  await device.leave()
})

test('a budget that is being spent too fast slows telemetry down, and heartbeats stay as they are', async world => {
  const device = await online(world, 'a1')
  await request(world.site.manager, 'PUT', '/devices/a1/link', { profile: 'cellular', budgetBytes: 1000 })
  const before = await device.manifest(({ link }) => link !== undefined)
  assert.equal(before.slow, undefined)
  world.now = Date.parse('2026-02-01T00:00:00Z')
  await device.account({ report: flow(115) })
  const slowed = await device.manifest(({ slow }) => slow === 2)
  assert.deepEqual(slowed.link, before.link)
  await device.account({ report: flow(950) })
  await device.manifest(({ slow }) => slow === 64)
  const { month } = await usageOf(world, 'a1')
  assert.deepEqual([month.slow, month.budgetBytes], [64, 1000])
  const events = (await request(world.site.manager, 'GET', '/events?type=device.budget')).body.items
  assert.deepEqual(
    events.map((event: { data: { slow: number } }) => event.data.slow),
    [2, 64],
  )
  await device.leave()
})

test('a greater budget, or none, lets telemetry come as before; a restart of the manager changes nothing', async world => {
  const device = await online(world, 'a1')
  const budget = (budgetBytes: number | null) =>
    request(world.site.manager, 'PUT', '/devices/a1/link', { profile: 'cellular', budgetBytes })
  await budget(1000)
  await device.account({ report: flow(950) })
  await device.manifest(({ slow }) => slow === 64)
  await world.site.restart()
  assert.equal((await usageOf(world, 'a1')).month.slow, 64)
  await budget(100_000)
  await device.manifest(({ link, slow }) => link !== undefined && slow === undefined)
  assert.equal((await usageOf(world, 'a1')).month.slow, 1)
  await budget(1000)
  await eventually(20_000, 'it is slow again', async () => (await usageOf(world, 'a1')).month.slow === 64)
  await budget(null)
  await eventually(20_000, 'it is not', async () => (await usageOf(world, 'a1')).month.slow === 1)
  await device.leave()
})

test.run()
