// What somebody sees whose role is for one group: lists, events past and present, and nothing of the rest.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { permitSender } from '../../manager/senders.js'
import type { Role, User } from '../../protocol/access.js'
import type { CommandTopic } from '../../protocol/command-topics.js'
import { bearer, type Credentials } from '../support/credentials.js'
import { FakeDevice } from '../support/device.js'
import { within } from '../support/within.js'
import { deviceIs, openEvents, request, type Site, startSite, webApp } from './site.js'

const test = suite<{ site: Site; one: Credentials; devices: FakeDevice[] }>('scope')

test.before(async context => {
  const site = await startSite()
  context.site = site
  context.devices = await Promise.all(['a1', 'b1', 'c1'].map(id => FakeDevice.online({ url: site.broker.url, id })))
  for (const { id } of context.devices) await deviceIs(site.manager, id, 'Ready')
  for (const [name, device] of [
    ['line-1', 'a1'],
    ['line-2', 'b1'],
  ] as const) {
    await request(site.manager, 'POST', '/groups', { name, devices: [device] })
    await request(site.manager, 'PUT', `/groups/${name}/apps/web`, webApp())
    await request(site.manager, 'PUT', `/devices/${device}/apps/own`, webApp())
  }
  const { body } = await request(site.manager, 'POST', '/access-tokens', { name: 'one', role: 'admin', groups: ['line-1'], days: 1 })
  context.one = bearer(body.token)
})
test.after(async ({ site, devices }) => {
  await Promise.all(devices.map(device => device.leave()))
  await site.stop()
})

// biome-ignore lint/suspicious/noExplicitAny: tests assert on whatever the API answers
type Item = any

test('lists show what is in scope', async ({ site, one }) => {
  const items = async (path: string): Promise<Item[]> => (await request(site.manager, 'GET', path, undefined, one)).body.items
  assert.deepEqual(
    (await items('/devices')).map(({ id }) => id),
    ['a1'],
  )
  assert.deepEqual(
    (await items('/devices?state=Ready')).map(({ id }) => id),
    ['a1'],
  )
  assert.deepEqual(
    (await items('/groups')).map(({ name }) => name),
    ['line-1'],
  )
  assert.deepEqual(
    (await items('/apps')).map(({ name, target }) => [name, target.name]),
    [
      ['own', 'a1'],
      ['web', 'line-1'],
    ],
  )
  for (const query of ['group=line-2', 'group=nowhere']) {
    assert.equal((await request(site.manager, 'GET', `/devices?${query}`, undefined, one)).body.code, 'auth.forbidden', query)
  }
})

test('what is not there and what is out of scope look the same', async ({ site, one }) => {
  const refusal = async (path: string, name: string) => {
    const { status, body } = await request(site.manager, 'GET', path, undefined, one)
    return [status, body.code, body.detail.replace(name, 'NAME')]
  }
  assert.deepEqual(await refusal('/devices/b1', 'b1'), await refusal('/devices/ghost', 'ghost'))
  assert.deepEqual(await refusal('/groups/line-2', 'line-2'), await refusal('/groups/ghost', 'ghost'))
  assert.deepEqual(await refusal('/devices/b1/apps/own', 'b1'), await refusal('/devices/ghost/apps/own', 'ghost'))
})

test('events, past and present, are those of the scope', async ({ site, one }) => {
  const past: Item[] = (await request(site.manager, 'GET', '/events?limit=1000', undefined, one)).body.items
  assert.ok(past.length > 3)
  for (const event of past) assert.ok(event.device === 'a1' || event.group === 'line-1', JSON.stringify(event))
  const newest: Item[] = (await request(site.manager, 'GET', '/events?limit=3', undefined, one)).body.items
  assert.deepEqual(newest, past.slice(-3))
  const oldest: Item[] = (await request(site.manager, 'GET', '/events?after=0&limit=3', undefined, one)).body.items
  assert.deepEqual(oldest, past.slice(0, 3))

  const stream = await openEvents(site.manager, { ...one, 'last-event-id': '0' })
  await request(site.manager, 'POST', '/devices/b1/apps/own/stop')
  await request(site.manager, 'POST', '/devices/a1/apps/own/stop')
  await stream.find(({ type }) => type === 'app.stopped')
  for (const event of stream.events) assert.ok(event.device === 'a1' || (event as Item).group === 'line-1', JSON.stringify(event))
  assert.deepEqual(
    stream.events.map(({ id }) => id).slice(0, past.length),
    past.map(({ id }) => id),
  )
  await stream.close()
})

test('nobody takes a device into their scope, and a device that leaves it is gone from there', async ({ site, one }) => {
  const join = (device: string, credentials?: Credentials) =>
    request(site.manager, 'POST', '/groups/line-1/join', { devices: [device] }, credentials)
  assert.equal((await join('c1', one)).body.code, 'auth.forbidden')
  assert.equal((await join('a1', one)).status, 200)
  const show = async () => (await request(site.manager, 'GET', '/devices/c1', undefined, one)).status
  assert.equal(await show(), 403)
  await join('c1')
  assert.equal(await show(), 200)
  await request(site.manager, 'POST', '/groups/line-1/leave', { devices: ['c1'] })
  assert.equal(await show(), 403)
})

test('a group that is made anew is another group to those who had the old one', async ({ site, one }) => {
  await request(site.manager, 'POST', '/groups', { name: 'line-3', devices: ['c1'] })
  const { body } = await request(site.manager, 'POST', '/access-tokens', { name: 'three', role: 'viewer', groups: ['line-3'], days: 1 })
  const stream = await openEvents(site.manager, bearer(body.token))
  await request(site.manager, 'DELETE', '/groups/line-3')
  await within(5000, 'the open stream ends', stream.ended)
  await request(site.manager, 'POST', '/groups', { name: 'line-3', devices: ['c1'] })
  assert.equal((await request(site.manager, 'GET', '/devices/c1', undefined, bearer(body.token))).status, 403)
  assert.equal((await request(site.manager, 'GET', '/devices/a1', undefined, one)).status, 200)
})

test('who sends a command is looked at once more', () => {
  const users = new Map<string, User>()
  const add = (name: string, role: Role, groups: 'all' | Set<string>) => users.set(name, { name, role, scope: { groups, devices: groups } })
  add('viewer', 'viewer', 'all')
  add('scada', 'operator', new Set(['line-1']))
  const target: CommandTopic = { kind: 'group', target: 'line-1', app: 'web', verb: 'run' }
  const ask = (areKnown: boolean, user: string | undefined, name = 'line-1') => {
    const sender = user === undefined ? undefined : { user, address: '10.1.4.7' }
    const result = permitSender({ user: each => users.get(each), areKnown }, { sender }, { ...target, target: name })
    return result.ok ? 'ok' : result.refusals[0].code
  }
  assert.deepEqual([ask(true, 'scada'), ask(true, 'scada', 'line-2')], ['ok', 'auth.forbidden'])
  assert.deepEqual([ask(true, 'viewer'), ask(true, 'gone'), ask(true, undefined)], ['auth.forbidden', 'auth.refused', 'auth.refused'])
  assert.deepEqual([ask(false, undefined), ask(false, 'viewer')], ['ok', 'auth.forbidden'])
})

test.run()
