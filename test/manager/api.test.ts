// The HTTP API as its users meet it: what it shows, what it changes, and how it refuses.
import * as assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import { startManager } from '../../manager/manager.js'
import { packStates } from '../../protocol/messages/heartbeat.js'
import { credentials, testHttp } from '../support/credentials.js'
import { FakeDevice, someFacts } from '../support/device.js'
import { eventually } from '../support/within.js'
import { deviceIs, openEvents, request, type Site, silent, startSite, webApp } from './site.js'

const test = suite<{ site: Site; device: FakeDevice }>('API')

test.before(async context => {
  context.site = await startSite()
  context.device = await FakeDevice.online({ url: context.site.broker.url, id: 'a1' })
  const twins = ['b1', 'b2'].map(id => FakeDevice.online({ url: context.site.broker.url, id, facts: { ...someFacts, name: 'twin' } }))
  for (const twin of await Promise.all(twins)) {
    await twin.end('Stopped')
    await twin.leave()
  }
  for (const id of ['a1', 'b1', 'b2']) await deviceIs(context.site.manager, id, id === 'a1' ? 'Ready' : 'NotReady')
})
test.after(async ({ site, device }) => {
  await device.leave()
  await site.stop()
})

const refusal = ({ status, body }: Awaited<ReturnType<typeof request>>) => [status, body.code, body.path]

test('health needs nothing; readiness names its checks', async ({ site }) => {
  assert.deepEqual((await request(site.manager, 'GET', '/health')).body.status, 'ok')
  assert.deepEqual((await request(site.manager, 'GET', '/ready')).body, { ready: true, checks: { database: true, broker: true } })
  assert.deepEqual((await request(site.manager, 'GET', '/stats')).body.devices, { ready: 1, notReady: 2, unknown: 0 })
})

test('a URL, a header or bytes that make no request are refused as a problem, too', async ({ site }) => {
  const badUrl = await fetch(`${site.manager.url}/api/v1/groups/%zz`)
  assert.equal(badUrl.headers.get('content-type'), 'application/problem+json')
  assert.deepEqual([badUrl.status, ((await badUrl.json()) as { code: string }).code], [400, 'request.invalid'])
  const largeHeader = await fetch(`${site.manager.url}/api/v1/groups`, { headers: { 'x-large': 'x'.repeat(20_000) } })
  assert.deepEqual([largeHeader.status, ((await largeHeader.json()) as { code: string }).code], [413, 'message.too-large'])
  const socket = connect(Number(new URL(site.manager.url).port), '127.0.0.1')
  socket.end('\u0001\u0002\r\n\r\n')
  assert.match(await text(socket), /^HTTP\/1.1 400 .*"code":"request.invalid"/s)
})

test('a refusal says what is allowed, once', async ({ site }) => {
  const told = async (method: string, path: string, sent?: unknown) => {
    const { body } = await request(site.manager, method, path, sent)
    return [body.code, body.path, body.detail, body.errors]
  }
  assert.deepEqual(await told('GET', '/devices?state=Asleep'), [
    'request.invalid',
    'state',
    'must be one of Ready, NotReady, Unknown',
    undefined,
  ])
  assert.deepEqual(await told('POST', '/groups', { name: 'x', colour: 1 }), [
    'request.invalid',
    'colour',
    'there is no such property here',
    undefined,
  ])
})

test('an unknown route is refused as a problem', async ({ site }) => {
  const response = await fetch(`${site.manager.url}/api/v1/nothing`, { headers: credentials })
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  assert.deepEqual(
    [response.status, await response.json()],
    [404, { type: 'about:blank', title: 'Not Found', status: 404, code: 'route.unknown', detail: 'there is no GET /api/v1/nothing' }],
  )
})

test('bodies that are not as they should be are refused with the path of the fault', async ({ site }) => {
  const patch = (body: unknown) => request(site.manager, 'PATCH', '/devices/a1', body)
  assert.deepEqual(refusal(await patch({ intervalS: 0 })), [400, 'request.invalid', 'intervalS'])
  assert.deepEqual(refusal(await patch({ labels: { site: 5 } })), [400, 'request.invalid', 'labels.site'])
  assert.deepEqual(refusal(await patch({ state: 'Ready' })), [403, 'property.read-only', 'state'])
  assert.deepEqual(refusal(await patch({ colour: 'red' })), [400, 'request.invalid', 'colour'])
  const raw = await request(site.manager, 'PATCH', '/devices/a1', '{"name":', { 'content-type': 'application/json' })
  assert.deepEqual(refusal(raw), [400, 'request.invalid', undefined])
  assert.deepEqual(refusal(await request(site.manager, 'GET', '/devices?state=Fine')), [400, 'request.invalid', 'state'])
  assert.equal((await request(site.manager, 'POST', '/groups', { name: 'Line 1' })).body.code, 'name.invalid')
  assert.equal((await request(site.manager, 'POST', '/groups', { name: 'x', devices: 'a1' })).body.code, 'request.invalid')
})

test('a device is renamed, described and labelled; null takes back', async ({ site }) => {
  const patch = (body: unknown) => request(site.manager, 'PATCH', '/devices/a1', body)
  const { body } = await patch({ name: 'press', description: 'by the door', labels: { site: 'x', line: '1' } })
  assert.deepEqual([body.name, body.description, body.labels], ['press', 'by the door', { line: '1', site: 'x' }])
  assert.equal((await request(site.manager, 'GET', '/devices/press')).body.id, 'a1')
  assert.equal((await request(site.manager, 'GET', '/devices?label=site=x&label=line')).body.items.length, 1)
  assert.equal((await request(site.manager, 'GET', '/devices?label=site=y')).body.items.length, 0)
  assert.equal((await request(site.manager, 'GET', '/devices?state=NotReady')).body.items.length, 2)
  const back = await patch({ name: null, labels: { site: null, line: null } })
  assert.deepEqual([back.body.name, back.body.labels], ['a1', {}])
})

test('a name that two devices have names neither', async ({ site }) => {
  const answer = await request(site.manager, 'GET', '/devices/twin')
  assert.deepEqual(refusal(answer), [400, 'request.invalid', undefined])
  assert.match(answer.body.detail, /b1, b2/)
})

test('unknown devices refuse the whole request, each by name, and nothing changes', async ({ site }) => {
  const created = await request(site.manager, 'POST', '/groups', { name: 'line-1' })
  assert.equal(created.status, 201)
  const answer = await request(site.manager, 'POST', '/groups/line-1/join', { devices: ['a1', 'ghost', 'twin', 'phantom'] })
  assert.deepEqual(refusal(answer), [404, 'device.unknown', 'devices[1]'])
  assert.deepEqual(
    answer.body.errors.map((error: { path: string }) => error.path),
    ['devices[1]', 'devices[2]', 'devices[3]'],
  )
  assert.deepEqual((await request(site.manager, 'GET', '/groups/line-1')).body.devices, [])
  assert.equal((await request(site.manager, 'POST', '/groups', { name: 'line-2', devices: ['ghost'] })).body.code, 'device.unknown')
  assert.equal((await request(site.manager, 'GET', '/groups/line-2')).body.code, 'group.unknown')
  assert.deepEqual(refusal(await request(site.manager, 'POST', '/groups', { name: 'line-1' })), [409, 'group.exists', undefined])
  assert.equal((await request(site.manager, 'DELETE', '/groups/line-1')).status, 204)
})

test('bad specs are refused with the path of the fault, and nothing changes', async ({ site }) => {
  const put = (body: unknown, headers = {}) => request(site.manager, 'PUT', '/devices/a1/apps/web', body, headers)
  assert.equal((await put('services: [')).body.code, 'compose.yaml')
  const unknown = await put('services:\n  web:\n    image: x\n    imaje: y\n')
  assert.deepEqual(refusal(unknown), [400, 'compose.unknown', 'services.web.imaje'])
  assert.equal((await put('x'.repeat(10 * 1024 * 1024))).body.code, 'spec.too-large')
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (let n = 1; n < 20; n++)
    bomb.push(
      `${'abcdefghijklmnopqrstuvwxyz'[n]}: &${'abcdefghijklmnopqrstuvwxyz'[n]} [${Array(9).fill(`*${'abcdefghijklmnopqrstuvwxyz'[n - 1]}`)}]`,
    )
  assert.equal((await put(bomb.join('\n'))).body.code, 'compose.too-complex')
  assert.equal((await request(site.manager, 'PUT', '/devices/a1/apps/Bad%20Name', webApp())).body.code, 'name.invalid')
  assert.equal((await request(site.manager, 'PUT', '/devices/ghost/apps/web', webApp())).body.code, 'device.unknown')
  assert.equal((await request(site.manager, 'PUT', '/groups/ghost/apps/web', webApp())).body.code, 'group.unknown')
  assert.deepEqual(refusal(await put(webApp(), { 'content-type': 'image/png' })), [415, 'media.unsupported', undefined])
  const dry = await request(site.manager, 'PUT', '/devices/a1/apps/web?dryRun=true', webApp())
  assert.deepEqual([dry.status, dry.body], [200, { services: ['web'], changed: false, warnings: [] }])
  assert.equal((await request(site.manager, 'GET', '/devices/a1/apps/web')).body.code, 'app.unknown')
  assert.deepEqual(
    site.broker.published.filter(topic => topic.includes('spec')),
    [],
  )
})

test('an app shows its state on each device, offline members too', async ({ site, device }) => {
  await request(site.manager, 'POST', '/groups', { name: 'hall', devices: ['a1', 'b1'] })
  const put = await request(site.manager, 'PUT', '/groups/hall/apps/web', { compose: webApp() })
  assert.deepEqual([put.body.state, put.body.counts], ['pending', { total: 2, running: 0, pending: 2 }])
  const services = [{ name: 'web', state: 'starting' as const, image: 'busybox:local', ports: ['0.0.0.0:80->80/tcp'] }]
  const events = await openEvents(site.manager, {}, '?type=app.state')
  await device.report({ sequence: 7, apps: [{ name: 'web', group: 'hall', revision: 1, state: 'running', services }] })
  const event = await events.find(({ device }) => device === 'a1')
  assert.deepEqual([event.data.state, event.data.fault, event.data.services], ['running', null, services])
  await device.beat({ reported: 7, states: packStates(['healthy']) })
  const app = await eventually(5000, 'the state of the heartbeat', async () => {
    const { body } = await request(site.manager, 'GET', '/groups/hall/apps/web')
    return body.devices[0].services[0]?.state === 'healthy' && body
  })
  assert.deepEqual([app.state, app.counts], ['partial', { total: 2, running: 1, pending: 1 }])
  assert.deepEqual(
    app.devices.map((on: Record<string, unknown>) => [on.device, on.deviceState, on.state, on.revision, on.desiredRevision]),
    [
      ['a1', 'Ready', 'running', 1, 1],
      ['b1', 'NotReady', 'pending', null, 1],
    ],
  )
  const shown = (await request(site.manager, 'GET', '/devices/a1')).body
  assert.deepEqual([shown.groups, shown.apps[0].app, shown.apps[0].state], [['hall'], 'web', 'running'])
  assert.equal((await request(site.manager, 'GET', '/apps')).body.items.length, 1)
  assert.equal((await request(site.manager, 'GET', '/groups/hall/apps')).body.items[0].name, 'web')
  await request(site.manager, 'PUT', '/groups/hall/apps/web', webApp('other'))
  const { items } = (await request(site.manager, 'GET', '/groups/hall/apps/web/revisions')).body
  assert.deepEqual(
    items.map((row: { revision: number; origin: unknown }) => [row.revision, row.origin]),
    [
      [2, { via: 'api', from: '127.0.0.1', user: 'local' }],
      [1, { via: 'api', from: '127.0.0.1', user: 'local' }],
    ],
  )
  assert.equal((await request(site.manager, 'GET', '/groups/hall/apps/web/revisions/9')).body.code, 'revision.unknown')
  await events.close()
})

test('beyond this machine the API listens only with TLS; nothing but health answers without credentials', async ({ site }) => {
  const options = { file: `${site.folder}/second.db`, root: 'skerry', broker: { url: site.broker.url }, log: silent }
  await assert.rejects(startManager({ ...options, http: { host: '0.0.0.0', port: 0 } }), { code: 'listener.insecure' })
  const manager = await startManager({ ...options, http: { host: '127.0.0.1', port: 0, tokens: { config: 'a-secret-of-the-settings' } } })
  assert.equal((await request(manager, 'GET', '/health')).status, 200)
  assert.deepEqual(refusal(await request(manager, 'GET', '/devices', undefined, { authorization: '' })), [401, 'auth.refused', undefined])
  assert.equal((await request(manager, 'GET', '/devices', undefined, { authorization: 'Bearer wrong' })).status, 401)
  assert.equal((await request(manager, 'GET', '/nothing', undefined, { authorization: '' })).status, 401)
  assert.equal((await request(manager, 'GET', '/devices', undefined, { authorization: 'Bearer a-secret-of-the-settings' })).status, 200)
  await manager.stop()
})

test('a second manager on the same database is refused', async ({ site }) => {
  const options = { file: `${site.folder}/manager.db`, root: 'skerry', broker: { url: site.broker.url }, log: silent }
  await assert.rejects(startManager({ ...options, http: testHttp }), { code: 'state.in-use' })
})

test('a port that is in use and a broker URL that is none are refused, and leave nothing open', async ({ site }) => {
  const options = { file: `${site.folder}/third.db`, root: 'skerry', log: silent }
  const port = Number(new URL(site.manager.url).port)
  const busy = startManager({ ...options, broker: { url: site.broker.url }, http: { host: '127.0.0.1', port } })
  await assert.rejects(busy, { code: 'port.in-use' })
  const nowhere = startManager({ ...options, broker: { url: 'gopher://x' }, http: testHttp })
  await assert.rejects(nowhere, { code: 'config.invalid' })
  const manager = await startManager({ ...options, broker: { url: site.broker.url }, http: testHttp })
  await manager.stop()
})

test.run()
