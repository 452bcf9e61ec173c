// Permits at the manager: given over MQTT and HTTP, kept, answered, shown, and right again after a restart or a loss.
import * as assert from 'node:assert/strict'
import mqtt from 'mqtt'
import type { Hold } from '../../protocol/messages/reported.js'
import { FakeDevice } from '../support/device.js'
import type { Embedded, Plc } from '../support/embedded.js'
import { eventually } from '../support/within.js'
import { plcSuite } from './plc-site.js'
import { deviceIs, request, startSite, webApp } from './site.js'

const test = plcSuite('permits at the manager')
const topic = 'skerry/permit/group/line-1'

const permitOf = async (site: Embedded) => (await site.api('GET', '/groups/line-1')).permit
const events = async (site: Embedded, type: string) => (await site.api('GET', `/events?type=${type}&limit=50`)).items
/** What the broker keeps on a topic, as the next subscriber gets it; undefined if nothing. */
async function kept({ client }: Plc, name: string): Promise<string | undefined> {
  const heard = new Promise<string | undefined>(resolve => {
    const listen = (at: string, payload: Buffer) => {
      if (at !== name && at !== 'skerry/state/manager') return
      client.off('message', listen)
      resolve(at === name ? payload.toString() : undefined)
    }
    client.on('message', listen)
  })
  // The manager's state is always there, and asked for last.
  await client.subscribeAsync([name, 'skerry/state/manager'])
  const found = await heard
  await client.unsubscribeAsync(name)
  return found
}

test('a permit is recorded with who, value, lease and since when, and each message is answered', async ({ site, plc }) => {
  assert.equal(await permitOf(site), null)
  const answer = await plc.ask(topic, '0', { retain: true })
  assert.deepEqual([answer.code, answer.text, answer.changed, answer.permit], [0, 'ok: the permit of group line-1 is 0', true, 0])
  const first = await permitOf(site)
  assert.deepEqual([first.value, first.leaseS, first.by, first.address], [false, null, null, '127.0.0.1'])
  const again = await plc.ask(topic, 'FALSE\0', { retain: true, qos: 1 })
  assert.deepEqual([again.code, again.changed], [0, false])
  const leased = await plc.ask(topic, '{"value":1,"lease":30,"by":"press PLC","id":7}', { retain: true })
  assert.deepEqual([leased.id, leased.permit, leased.leaseS, leased.text], ['7', 1, 30, 'ok: the permit of group line-1 is 1 for 30 s'])
  assert.deepEqual([(await permitOf(site)).by, (await permitOf(site)).leaseS], ['press PLC', 30])
  const { since } = await permitOf(site)
  await plc.ask(topic, '{"value":1,"lease":30,"by":"press PLC"}')
  assert.equal((await permitOf(site)).since, since)
  const cleared = await plc.ask(topic, '', { retain: true })
  assert.deepEqual([cleared.code, cleared.permit, await permitOf(site)], [0, null, null])
  const said = (await events(site, 'permit.changed')).map(({ data }: { data: { value: unknown } }) => data.value)
  assert.deepEqual(said, [false, true, null])
})

test('what is no permit, or of nobody, is refused and changes nothing', async ({ site, plc }) => {
  await plc.ask(topic, '1', { retain: true })
  const code = async (at: string, payload: string) => (await plc.ask(at, payload)).error
  assert.equal(await code(topic, 'perhaps'), 'request.invalid')
  assert.equal(await code(topic, '1 0'), 'request.invalid')
  assert.equal(await code('skerry/permit/group/none', '1'), 'group.unknown')
  assert.equal(await code('skerry/permit/device/none', '1'), 'device.unknown')
  assert.equal(await code('skerry/permit/fleet/x', '1'), 'topic.invalid')
  assert.equal((await permitOf(site)).value, true)
  const { warnings = [] } = await plc.ask(topic, '0')
  assert.match(warnings[0]?.message ?? '', /without the retain flag/)
})

test('a permit given over HTTP is retained at the broker under its giver’s name, and taken away again', async ({ site, plc }) => {
  const shown = await site.api('PUT', '/groups/line-1/permit', { value: false })
  assert.deepEqual([shown.value, shown.by, shown.user, shown.address], [false, 'local', 'local', '127.0.0.1'])
  await eventually(5000, 'it is at the broker', async () => (await kept(plc, topic)) === '{"value":0,"by":"local"}')
  await site.api('PUT', '/groups/line-1/permit', { value: true, leaseS: 20 })
  await eventually(5000, 'the lease is at the broker', async () => (await kept(plc, topic)) === '{"value":1,"lease":20,"by":"local"}')
  assert.equal(await site.api('PUT', '/groups/line-1/permit', { value: null }), null)
  await eventually(5000, 'nothing is there', async () => (await kept(plc, topic)) === undefined)
  assert.equal(await permitOf(site), null)
  // Its own messages come back to the manager: they are no commands.
  assert.equal(plc.told.filter(told => told.topic.startsWith('skerry/ack/')).length, 0)
  assert.equal((await events(site, 'permit.changed')).length, 3)
})

test('of two permits given at once the later one holds, and the one before does not come back', async ({ site, plc }) => {
  for (let n = 0; n < 5; n++) {
    await site.api('PUT', '/groups/line-1/permit', { value: true })
    await site.api('PUT', '/groups/line-1/permit', { value: false })
    await eventually(5000, 'it is at the broker', async () => {
      assert.equal((await permitOf(site)).value, false)
      return (await kept(plc, topic)) === '{"value":0,"by":"local"}'
    })
    assert.equal((await permitOf(site)).value, false)
  }
})

test('the last word counts, whoever has it', async ({ site, plc }) => {
  for (let n = 0; n < 10; n++) {
    const [, answer] = await Promise.all([site.api('PUT', '/groups/line-1/permit', { value: true }), plc.ask(topic, '0', { retain: true })])
    assert.equal(answer.code, 0)
    await eventually(5000, 'the manager shows what the broker has', async () => {
      const value = (await kept(plc, topic))?.startsWith('{"value":1') === true
      return (await permitOf(site))?.value === value
    })
  }
})

test('a manager that was away goes by what the broker has, and tells it what it has lost of its own', async ({ site, plc }) => {
  await site.api('POST', '/groups', { name: 'line-2' })
  await site.api('POST', '/groups', { name: 'line-3' })
  await plc.ask(topic, '1', { retain: true })
  await plc.ask('skerry/permit/group/line-2', '1', { retain: true })
  await site.api('PUT', '/groups/line-3/permit', { value: false })
  await site.restartManager(async () => {
    await plc.client.publishAsync(topic, '{"value":0,"by":"press PLC"}', { retain: true, qos: 1 })
    for (const name of ['line-2', 'line-3']) await plc.client.publishAsync(`skerry/permit/group/${name}`, '', { retain: true, qos: 1 })
  })
  await eventually(5000, 'the new value', async () => (await permitOf(site)).value === false)
  assert.equal((await permitOf(site)).by, 'press PLC')
  await eventually(5000, 'what is gone', async () => (await site.api('GET', '/groups/line-2')).permit === null)
  await eventually(5000, 'what is told again', async () => (await kept(plc, 'skerry/permit/group/line-3')) === '{"value":0,"by":"local"}')
})

test('a permit that was there before its group is known with it, and goes with it', async ({ site, plc }) => {
  const later = 'skerry/permit/group/later'
  assert.equal((await plc.ask(later, '0', { retain: true })).error, 'group.unknown')
  await site.api('POST', '/groups', { name: 'later' })
  await eventually(5000, 'it is known', async () => (await site.api('GET', '/groups/later')).permit?.value === false)
  await site.api('DELETE', '/groups/later')
  await eventually(5000, 'it is gone', async () => (await kept(plc, later)) === undefined)
})

test('a held device and its app show by whom and since when, in the API, the states and the events', async ({ site, plc }) => {
  const device = await FakeDevice.online({ url: site.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  await site.api('POST', '/groups/line-1/join', { devices: ['a1'] })
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  await plc.ask(topic, '{"value":0,"by":"press PLC"}', { retain: true })
  const app = { name: 'web', group: 'line-1', revision: 0, state: 'held', services: [] } as const
  const hold: Hold = { by: 'group', group: 'line-1', why: 'withheld' }
  await device.report({ sequence: 1, apps: [app], hold })
  const shown = await eventually(5000, 'it is held', async () => {
    const found = await site.api('GET', '/devices/a1')
    return found.held !== null && found
  })
  const { since, ...held } = shown.held
  assert.deepEqual(held, { by: 'group', group: 'line-1', why: 'withheld', who: 'press PLC' })
  assert.ok(Math.abs(Date.parse(since) - Date.now()) < 60_000)
  assert.deepEqual([shown.apps[0].state, shown.apps[0].held.who], ['held', 'press PLC'])
  const onGroup = await site.api('GET', '/groups/line-1/apps/web')
  assert.deepEqual([onGroup.state, onGroup.devices[0].held.since], ['held', since])
  await plc.state('group/line-1/app/web', '2')
  await plc.state('device/a1', '2')
  for (const name of ['device/a1', 'device/a1/app/web'])
    await eventually(5000, `${name} says so`, () =>
      plc.states[`skerry/state/${name}/json`]?.includes(`"held":${JSON.stringify(shown.held)}`),
    )
  await site.restartManager()
  assert.equal((await site.api('GET', '/devices/a1')).held.since, since)
  await device.report({ sequence: 2, apps: [{ ...app, state: 'running', revision: 1 }] })
  await eventually(5000, 'it is free', async () => (await site.api('GET', '/devices/a1')).held === null)
  assert.deepEqual([(await events(site, 'device.held')).length, (await events(site, 'device.freed')).length], [1, 1])
  await device.leave()
})

test('a device says since when it is held, and is held anew when it says another time or another reason', async ({ site }) => {
  const device = await FakeDevice.online({ url: site.url, id: 'a4' })
  await deviceIs(site.manager, 'a4', 'Ready')
  const nowS = Math.floor(Date.now() / 1000)
  const told = async (hold: Hold) => {
    await device.report({ sequence: ++sequence, hold })
    const held = () => site.api('GET', '/devices/a4').then(({ held }) => held?.why === hold.why && held.who === (hold.who ?? null) && held)
    const { since } = await eventually(5000, 'it is held', held)
    return Date.parse(since) / 1000 - nowS
  }
  let sequence = 0
  assert.equal(await told({ by: 'device', why: 'lapsed', since: nowS - 5000 }), -5000)
  assert.equal(await told({ by: 'device', why: 'withheld', since: nowS - 4000 }), -4000)
  assert.equal(await told({ by: 'device', why: 'withheld', who: 'press PLC', since: nowS - 3000 }), -3000)
  // Ahead of the manager's clock, or without one: since it was learned.
  for (const hold of [{ why: 'lapsed', since: nowS + 5000 } as const, { why: 'withheld' } as const]) {
    const since = await told({ by: 'device', ...hold })
    assert.ok(since >= 0 && since < 5000)
  }
  // Once more by the same, with no word in between.
  await told({ by: 'device', why: 'lapsed', since: nowS - 2000 })
  await device.report({ sequence: ++sequence, hold: { by: 'device', why: 'lapsed', since: nowS - 1000 } })
  await device.report({ sequence: ++sequence, hold: { by: 'device', why: 'lapsed', since: nowS - 1000 }, revision: 3 })
  await told({ by: 'device', why: 'withheld' })
  // Its clock has been set.
  await device.report({ sequence: ++sequence, hold: { by: 'device', why: 'withheld', since: nowS - 7000 } })
  const since = async () => Date.parse((await site.api('GET', '/devices/a4')).held.since) / 1000 - nowS
  await eventually(5000, 'it has its date', async () => (await since()) === -7000)
  const own = async () => (await events(site, 'device.held')).filter(({ device: id }: { device: string }) => id === 'a4').length
  await eventually(5000, 'an event for each, and none for the same', async () => (await own()) === 8)
  await device.leave()
})

test('what users gave a device goes when it is released, what a PLC said when it has gone', async ({ site, plc }) => {
  const own = (id: string) => `skerry/permit/device/${id}`
  const devices = await Promise.all(['a2', 'a3'].map(id => FakeDevice.online({ url: site.url, id })))
  for (const { id } of devices) await deviceIs(site.manager, id, 'Ready')
  await site.api('PUT', '/devices/a2/permit', { value: false })
  await eventually(5000, 'it is there', async () => (await kept(plc, own('a2'))) !== undefined)
  await plc.ask(own('a3'), '0', { retain: true })
  for (const { id } of devices) await site.api('DELETE', `/devices/${id}?apps=remove`)
  await eventually(5000, 'the first is cleared', async () => (await kept(plc, own('a2'))) === undefined)
  assert.equal(await kept(plc, own('a3')), '0')
  for (const device of devices) await device.end('Released')
  await eventually(5000, 'the second is cleared', async () => (await kept(plc, own('a3'))) === undefined)
  for (const device of devices) await device.leave()
})

test('with another broker, which tells nobody’s name, permits are recorded and answered, and the manager’s own are not', async () => {
  const site = await startSite()
  const client = await mqtt.connectAsync(site.broker.url)
  try {
    const told: string[] = []
    client.on('message', (at, payload) => void told.push(`${at} ${payload}`))
    await client.subscribeAsync('skerry/ack/#', { qos: 1 })
    await request(site.manager, 'POST', '/groups', { name: 'line-1' })
    await client.publishAsync(topic, '0', { retain: true, qos: 1 })
    await eventually(5000, 'an answer', () => told.includes('skerry/ack/permit/group/line-1 0'))
    const { permit } = (await request(site.manager, 'GET', '/groups/line-1')).body
    assert.deepEqual([permit.value, permit.user, permit.by], [false, null, null])
    await request(site.manager, 'PUT', '/groups/line-1/permit', { value: true })
    await client.subscribeAsync(topic, { qos: 1 })
    await eventually(5000, 'the manager’s own', () => told.includes(`${topic} {"value":1,"by":"local"}`))
    await client.publishAsync(topic, '{"value":0,"id":9}', { retain: true, qos: 1 })
    await eventually(5000, 'the next answer', () => told.some(line => line.includes('"id":"9"')))
    assert.equal(told.filter(line => line.startsWith('skerry/ack/permit/group/line-1 ')).length, 2)
    assert.equal((await request(site.manager, 'GET', '/groups/line-1')).body.permit.value, false)
  } finally {
    await client.endAsync(true)
    await site.stop()
  }
})

test('while the broker is away none is given: it would come behind what others say by then', async () => {
  const site = await startSite()
  try {
    await request(site.manager, 'POST', '/groups', { name: 'line-1' })
    await site.broker.stop()
    const refused = await eventually(10_000, 'the manager has noticed', async () => {
      const answer = await request(site.manager, 'PUT', '/groups/line-1/permit', { value: true })
      return answer.status === 503 && answer
    })
    assert.equal(refused.body.code, 'broker.unavailable')
  } finally {
    await site.stop()
  }
})

test.run()
