// Logs and restarts through the API, with devices that answer as a test wants.
import * as assert from 'node:assert/strict'
import { get } from 'node:http'
import { suite } from 'uvu'
import type { Response } from '../../protocol/messages/request.js'
import { credentials } from '../support/credentials.js'
import { FakeDevice } from '../support/device.js'
import { eventually, within } from '../support/within.js'
import { type Answer, deviceIs, openEvents, request, type Site, startSite, webApp } from './site.js'

const test = suite<{ site: Site; device: FakeDevice }>('asking')

test.before(async context => {
  context.site = await startSite()
  const { url } = context.site.broker
  context.device = await FakeDevice.online({ url, id: 'a1' })
  const away = await FakeDevice.online({ url, id: 'b1' })
  await away.end('Stopped')
  await away.leave()
  await deviceIs(context.site.manager, 'a1', 'Ready')
  await deviceIs(context.site.manager, 'b1', 'NotReady')
  for (const id of ['a1', 'b1']) await request(context.site.manager, 'PUT', `/devices/${id}/apps/web`, webApp())
})
test.before.each(({ device }) => {
  device.asked.length = 0
})
test.after(async ({ site, device }) => {
  await device.leave()
  await site.stop()
})

const out = (service: string, text: string, stream: 'out' | 'err' = 'out') => ({ service, stream, data: Buffer.from(text) })

/** Answers the next request of the kind with these parts, the first of them without data. */
async function answer(device: FakeDevice, kind: 'logs' | 'restart', parts: readonly Omit<Response, 'version' | 'part'>[]) {
  const asked = await device.request(kind)
  for (const [part, fields] of [{}, ...parts].entries()) await device.respond(asked.rid, part, fields)
  return asked
}

async function readLogs(site: Site, query = '', accept = '*/*'): Promise<{ status: number; type: string | null; text: string }> {
  const response = await fetch(`${site.manager.url}/api/v1/devices/a1/apps/web/logs${query}`, { headers: { ...credentials, accept } })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

test('logs are lines with their service, put together from parts of several services and streams', async ({ site, device }) => {
  const reading = readLogs(site, '?service=web&service=db&tail=5&since=1767225600')
  const asked = await answer(device, 'logs', [
    out('web', 'one\ntw'),
    out('db', 'ready\r\n'),
    out('web', 'oops\n', 'err'),
    out('web', 'o\nunend'),
    { last: true },
  ])
  const { kind, epoch, app, services, tail, sinceS, follow } = asked
  assert.deepEqual([kind, epoch, app, services, tail, sinceS, follow], ['logs', 65_537, 'web', ['web', 'db'], 5, 1_767_225_600, undefined])
  const { status, type, text } = await reading
  assert.deepEqual([status, type], [200, 'text/plain; charset=utf-8'])
  assert.equal(text, 'web | one\ndb | ready\nweb | oops\nweb | two\nweb | unend\n')
})

test('a part that comes twice is one; JSON lines tell stream and time', async ({ site, device }) => {
  const reading = readLogs(site, '?timestamps=true', 'application/x-ndjson')
  const { rid, timestamps } = await device.request('logs')
  assert.equal(timestamps, true)
  await device.respond(rid, 0)
  for (const part of [1, 1, 0]) await device.respond(rid, part, out('web', '2026-01-01T00:00:00.000000001Z hello\n', 'err'))
  await device.respond(rid, 2, { last: true })
  const { type, text } = await reading
  assert.equal(type, 'application/x-ndjson')
  assert.deepEqual(
    text
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line)),
    [{ service: 'web', stream: 'err', time: '2026-01-01T00:00:00.000000001Z', line: 'hello' }],
  )
})

test('server-sent events end with an event that says so', async ({ site, device }) => {
  const reading = readLogs(site, '', 'text/event-stream')
  await answer(device, 'logs', [out('web', 'hello\n'), { last: true }])
  const { type, text } = await reading
  assert.equal(type, 'text/event-stream')
  assert.equal(text, 'data: {"service":"web","stream":"out","line":"hello"}\n\nevent: end\ndata: {}\n\n')
})

test('a fault before the first line is the status of the answer, a later one its last line', async ({ site, device }) => {
  const early = request(site.manager, 'GET', '/devices/a1/apps/web/logs')
  const { rid } = await device.request('logs')
  await device.respond(rid, 0, { last: true, fault: { code: 'service.unknown', message: 'no such service' } })
  const { status, body } = await early
  assert.deepEqual([status, body.code, body.detail], [404, 'service.unknown', 'no such service'])
  device.asked.length = 0
  const late = readLogs(site, '', 'application/x-ndjson')
  await answer(device, 'logs', [out('web', 'one\n'), { last: true, fault: { code: 'new.code', message: 'something new' } }])
  assert.deepEqual(JSON.parse((await late).text.split('\n').at(-2)!), { fault: { code: 'internal', message: 'something new (new.code)' } })
})

test('a part that is missing ends the answer, and the device is told', async ({ site, device }) => {
  const reading = readLogs(site)
  const { rid } = await device.request('logs')
  await device.respond(rid, 0)
  await device.respond(rid, 1, out('web', 'one\n'))
  await device.respond(rid, 3, out('web', 'three\n'))
  assert.match((await reading).text, /^web \| one\nerror: .*\(response\.lost\)\n$/)
  await device.request('cancel', asked => asked.rid === rid)
})

test('answers of another device are not taken for this one’s', async ({ site, device }) => {
  const reading = readLogs(site)
  const { rid } = await device.request('logs')
  const other = await FakeDevice.connect({ url: site.broker.url, id: 'c1' })
  await other.respond(rid, 0)
  await other.respond(rid, 1, out('web', 'forged\n'))
  await device.respond(rid, 0)
  await device.respond(rid, 1, { ...out('web', 'true\n'), last: true })
  assert.equal((await reading).text, 'web | true\n')
  await other.leave()
})

test('what cannot be asked is refused at once', async ({ site }) => {
  const code = async (method: string, path: string, body?: unknown) => {
    const answer = await request(site.manager, method, path, body)
    return [answer.status, answer.body.code, answer.body.path]
  }
  assert.deepEqual(await code('GET', '/devices/b1/apps/web/logs'), [503, 'device.unavailable', undefined])
  assert.deepEqual(await code('POST', '/devices/b1/apps/web/restart'), [503, 'device.unavailable', undefined])
  assert.deepEqual(await code('GET', '/devices/a1/apps/none/logs'), [404, 'app.unknown', undefined])
  assert.deepEqual(await code('GET', '/devices/zz/apps/web/logs'), [404, 'device.unknown', undefined])
  assert.deepEqual(await code('GET', '/devices/a1/apps/web/logs?since=yesterday'), [400, 'request.invalid', 'since'])
  assert.deepEqual(await code('GET', '/devices/a1/apps/web/logs?tail=-1'), [400, 'request.invalid', 'tail'])
  assert.deepEqual(await code('POST', '/devices/a1/apps/web/restart', { service: 'web' }), [400, 'request.invalid', 'service'])
  await request(site.manager, 'POST', '/groups', { name: 'logs', devices: ['a1'] })
  await request(site.manager, 'PUT', '/groups/logs/apps/shared', webApp())
  const { status, body } = await request(site.manager, 'GET', '/groups/logs/apps/shared/logs')
  assert.deepEqual([status, body.code], [400, 'request.invalid'])
  assert.match(body.detail, /a1/)
  await request(site.manager, 'DELETE', '/groups/logs?force=true')
})

test('a client that leaves ends the request at the device', async ({ site, device }) => {
  const abort = new AbortController()
  const response = await Promise.all([
    fetch(`${site.manager.url}/api/v1/devices/a1/apps/web/logs?follow=true`, { headers: credentials, signal: abort.signal }),
    answer(device, 'logs', [out('web', 'one\n')]),
  ])
  await response[0].body!.getReader().read()
  abort.abort()
  await device.request('cancel', ({ rid }) => rid === response[1].rid)
})

test('a client that leaves before the device has answered ends it, too', async ({ site, device }) => {
  const abort = new AbortController()
  const asking = fetch(`${site.manager.url}/api/v1/devices/a1/apps/web/logs?follow=true`, {
    headers: credentials,
    signal: abort.signal,
  }).catch(() => undefined)
  const { rid } = await device.request('logs')
  abort.abort()
  await device.request('cancel', asked => asked.rid === rid)
  await asking
})

test('a reader that stops reading gets no more credit; nothing is lost when it goes on', async ({ site, device }) => {
  const response = new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    get(`${site.manager.url}/api/v1/devices/a1/apps/web/logs`, { headers: { ...credentials } }, resolve).on('error', reject)
  })
  const { rid, creditBytes = 0 } = await device.request('logs')
  await device.respond(rid, 0)
  const reader = await response
  const line = Buffer.from(`${'x'.repeat(8191)}\n`)
  const granted = () => Math.max(creditBytes, ...device.asked.filter(({ kind }) => kind === 'credit').map(asked => asked.creditBytes ?? 0))
  const most = 64 * 1024 * 1024
  let sent = 0
  let part = 1
  const sendUpTo = async (limit: number) => {
    while (sent < limit && sent + line.length <= granted()) {
      await device.respond(rid, part++, { service: 'web', stream: 'out', data: line })
      sent += line.length
    }
  }
  const moreComes = () =>
    eventually(500, 'credit', () => sent + line.length <= granted()).then(
      () => true,
      () => false,
    )
  do await sendUpTo(most)
  while (sent < most && (await moreComes()))
  assert.ok(sent < most, 'a reader that stands still is given credit for ever')
  let read = 0
  reader.on('data', (chunk: Buffer) => {
    read += chunk.length
  })
  await eventually(10_000, 'credit as it reads', () => sent + line.length <= granted())
  await sendUpTo(sent + 20 * line.length)
  await device.respond(rid, part, { last: true })
  await within(10_000, 'the end', new Promise(resolve => reader.once('end', resolve)))
  assert.equal(read, (sent / line.length) * (line.length + 'web | '.length))
})

test('a device that is lost ends what it was asked', async ({ site }) => {
  const lost = await FakeDevice.online({ url: site.broker.url, id: 'd1' })
  await deviceIs(site.manager, 'd1', 'Ready')
  await request(site.manager, 'PUT', '/devices/d1/apps/web', webApp())
  const reading = fetch(`${site.manager.url}/api/v1/devices/d1/apps/web/logs?follow=true`, { headers: credentials })
  await answer(lost, 'logs', [out('web', 'one\n')])
  const response = await reading
  lost.die()
  assert.match(await response.text(), /^web \| one\nerror: .*NotReady \(Disconnected\) \(device\.unavailable\)\n$/)
})

test('a manager that stops ends what is read from it', async () => {
  const site = await startSite()
  const told = await FakeDevice.online({ url: site.broker.url, id: 'f1' })
  await deviceIs(site.manager, 'f1', 'Ready')
  await request(site.manager, 'PUT', '/devices/f1/apps/web', webApp())
  const reading = fetch(`${site.manager.url}/api/v1/devices/f1/apps/web/logs?follow=true`, { headers: credentials })
  const { rid } = await answer(told, 'logs', [out('web', 'one\n')])
  const text = (await reading).text().catch(() => 'cut')
  await within(5_000, 'the manager stops', site.manager.stop())
  await within(5_000, 'the end', text)
  await told.request('cancel', asked => asked.rid === rid)
  await told.leave()
  await site.stop()
})

test('a restart answers when the device has done it, and is told as an event', async ({ site, device }) => {
  const events = await openEvents(site.manager)
  const asking = request(site.manager, 'POST', '/devices/a1/apps/web/restart', { services: ['web'] })
  const asked = await answer(device, 'restart', [{ last: true }])
  assert.deepEqual([asked.app, asked.services], ['web', ['web']])
  const { status, body } = await asking
  assert.deepEqual([status, body], [200, { items: [{ device: 'a1', name: 'a1', restarted: true, fault: null }] }])
  await events.find(event => event.type === 'app.restarted' && event.device === 'a1')
  await events.close()
})

test('a restart that a device refuses is refused with its fault', async ({ site, device }) => {
  const asking = request(site.manager, 'POST', '/devices/a1/apps/web/restart')
  await answer(device, 'restart', [{ last: true, fault: { code: 'engine.unavailable', message: 'no answer' } }])
  const { status, body } = await asking
  assert.deepEqual([status, body.code], [503, 'engine.unavailable'])
})

test('on a group each member answers for itself', async ({ site, device }) => {
  const own = await FakeDevice.online({ url: site.broker.url, id: 'e1' })
  await deviceIs(site.manager, 'e1', 'Ready')
  await request(site.manager, 'POST', '/groups', { name: 'line', devices: ['a1', 'b1', 'e1'] })
  await request(site.manager, 'PUT', '/groups/line/apps/shared', webApp())
  await request(site.manager, 'PUT', '/devices/e1/apps/shared', webApp())
  const asking: Promise<Answer> = request(site.manager, 'POST', '/groups/line/apps/shared/restart')
  await answer(device, 'restart', [{ last: true }])
  const { status, body } = await asking
  assert.equal(status, 200)
  assert.deepEqual(
    body.items.map((item: { device: string; restarted: boolean; fault: { code: string } | null }) => [
      item.device,
      item.restarted,
      item.fault?.code,
    ]),
    [
      ['a1', true, undefined],
      ['b1', false, 'device.unavailable'],
      ['e1', false, 'app.conflict'],
    ],
  )
  await own.leave()
})

test.run()
