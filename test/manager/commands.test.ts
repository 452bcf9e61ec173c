// Commands of a PLC reach the fleet as requests of the API do, each is answered, and none is done late, twice or by mistake.
import * as assert from 'node:assert/strict'
import type { Answer } from '../../protocol/answer.js'
import { encodeCbor } from '../../protocol/cbor.js'
import { type Clock, systemClock } from '../../protocol/clock.js'
import { digestText, packFile } from '../../protocol/spec.js'
import { credentials } from '../support/credentials.js'
import { FakeDevice } from '../support/device.js'
import type { Embedded } from '../support/embedded.js'
import { eventually } from '../support/within.js'
import { plcSuite } from './plc-site.js'
import { deviceIs, webApp } from './site.js'

// The wall clock can be moved on; everything else goes by the monotonic one.
const later = { ms: 0 }
/** What is still to be run, with its delay. */
const timers = new Map<() => void, number>()
const clock: Clock = {
  ...systemClock,
  now: () => Date.now() + later.ms,
  after(delayMs, run) {
    const cancel = () => {
      timers.delete(runNow)
      stop()
    }
    const runNow = () => {
      cancel()
      run()
    }
    const stop = systemClock.after(delayMs, runNow)
    timers.set(runNow, delayMs)
    return cancel
  },
}
const test = plcSuite('commands of PLCs', clock)

test.after.each(() => {
  later.ms = 0
})

const web = 'skerry/c/g/line-1/web'
const app = (site: Embedded) => site.api('GET', '/groups/line-1/apps/web')

test('a compose file as payload is deployed with its origin; the same again changes nothing', async ({ site, plc }) => {
  const topic = 'skerry/cmd/group/line-1/app/web/spec'
  const answer = await plc.ask(topic, webApp())
  assert.deepEqual(answer, {
    code: 0,
    text: 'ok: revision 1 of web is current',
    verb: 'spec',
    app: 'web',
    changed: true,
    revision: 1,
    run: 'running',
  })
  const [revision] = (await site.api('GET', '/groups/line-1/apps/web/revisions')).items
  assert.deepEqual(revision.origin, { via: 'mqtt', from: '127.0.0.1', topic })
  assert.equal((await site.api('GET', '/groups/line-1/apps/web/revisions/1')).compose, webApp())
  const again = await plc.ask('skerry/c/g/line-1/web/spec', encodeCbor(new Map([['compose', webApp()]])), { qos: 1 })
  assert.deepEqual([again.code, again.changed, again.revision], [0, false, 1])
  assert.ok(!plc.told.some(({ topic, retain }) => retain && !topic.startsWith('skerry/state/')))
})

test('a compose file that is none is refused with every reason and its path', async ({ site, plc }) => {
  const answer = await plc.ask(`${web}/spec`, '{"services":{"web":{"image":1,"ports":["x"]},"db":{}}}')
  assert.deepEqual([answer.code, answer.error], [1, 'compose.schema'])
  assert.ok(answer.path?.startsWith('services.') && answer.others!.length >= 1, JSON.stringify(answer))
  assert.deepEqual((await site.api('GET', '/apps')).items, [])
})

test('stop, start and going back to a revision, on a group and on a device by its name', async ({ site, plc }) => {
  const device = await FakeDevice.online({ url: site.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  await site.api('PATCH', '/devices/a1', { name: 'Press 7 (hall Ü)' })
  const named = 'skerry/cmd/device/Press 7 (hall Ü)/app/web'
  for (const image of ['one', 'two', 'three']) assert.equal((await plc.ask(`${named}/spec`, webApp(image))).code, 0)
  const stopped = await plc.ask(`${named}/run`, 'OFF\u0000')
  assert.deepEqual([stopped.code, stopped.run, stopped.changed], [0, 'stopped', true])
  await device.manifest(({ apps }) => apps[0]?.run === 'stopped')
  const back = await plc.ask('skerry/c/d/a1/web/rev', '+1.0')
  assert.deepEqual([back.code, back.revision, back.run], [0, 4, 'stopped'])
  const manifest = await device.manifest(({ apps }) => apps[0]?.revision === 4)
  assert.equal(manifest.apps[0]?.run, 'stopped')
  assert.equal((await site.api('GET', '/devices/a1/apps/web/revisions/4')).compose, webApp('one'))
  assert.deepEqual((await plc.ask('skerry/c/d/a1/web/rev', '4')).changed, false)
  assert.equal((await plc.ask('skerry/c/d/a1/web/rev', 'previous')).revision, 5)
  assert.equal((await site.api('GET', '/devices/a1/apps/web/revisions/5')).compose, webApp('three'))
  assert.equal((await plc.ask('skerry/c/d/a1/web/run', '1')).run, 'running')
  await device.manifest(({ apps }) => apps[0]?.run === 'running' && apps[0]?.revision === 5)
  assert.equal((await plc.ask('skerry/c/d/a1/web/rev', '99')).error, 'revision.unknown')
  const events = (await site.api('GET', '/events?type=app.stopped')).items
  assert.deepEqual(events[0].data.origin, { via: 'mqtt', from: '127.0.0.1', topic: `${named}/run` })
  await device.leave()
})

test('a revision with files comes back with its files, and the app keeps its policy', async ({ site, plc }) => {
  const device = await FakeDevice.online({ url: site.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  const put = (compose: string, files: Record<string, string>, query = '') =>
    site.api('PUT', `/devices/a1/apps/web${query}`, { compose, files })
  const { digest } = await put(webApp('one'), { 'app.conf': 'level=1\n' })
  await put(webApp('two'), {}, '?restart=always')
  await device.manifest(({ apps }) => apps[0]?.revision === 2)
  assert.equal((await plc.ask('skerry/c/d/a1/web/rev', '1')).revision, 3)
  const manifest = await device.manifest(({ apps }) => apps[0]?.revision === 3)
  assert.equal(manifest.apps[0]?.policy?.restart, 'always')
  const { files, digest: again } = await site.api('GET', '/devices/a1/apps/web/revisions/3')
  assert.deepEqual([again, files.map((file: { path: string }) => file.path)], [digest, ['app.conf']])
  const contents = `skerry/spec/${digestText(packFile(Buffer.from('level=1\n')).digest)}`
  const retained: string[] = []
  plc.client.on('message', topic => void retained.push(topic))
  await plc.client.subscribeAsync('skerry/spec/+')
  await eventually(5000, 'the file is retained again', () => retained.includes(contents) && retained.includes(`skerry/spec/${digest}`))
  await device.leave()
})

test('whatever cannot be done is answered with its code and changes nothing', async ({ site, plc }) => {
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  const before = await app(site)
  const cases: readonly [topic: string, payload: string, code: number, error: string][] = [
    [`${web}/run`, '', 1, 'request.invalid'],
    [`${web}/run`, '\u0000\u0000', 1, 'request.invalid'],
    [`${web}/run`, '2', 1, 'request.invalid'],
    [`${web}/run`, 'x'.repeat(5000), 5, 'message.too-large'],
    [`${web}/spec`, `# ${'x'.repeat(1024 * 1024)}`, 5, 'spec.too-large'],
    ['skerry/cmd/nonsense', '1', 1, 'topic.invalid'],
    ['skerry/cmd', '1', 1, 'topic.invalid'],
    ['skerry/c/g/none/web/run', '1', 2, 'group.unknown'],
    ['skerry/c/d/none/web/run', '1', 2, 'device.unknown'],
    ['skerry/c/g/line-1/other/run', '1', 2, 'app.unknown'],
    ['skerry/c/g/line-1', 'run web', 1, 'request.invalid'],
    ['skerry/c/g/line-1', '{"verb":"run","app":"web","value":0,"expires":"2020-01-01T00:00:00Z"}', 4, 'command.expired'],
  ]
  for (const [topic, payload, code, error] of cases) {
    const answer = await plc.ask(topic, payload)
    assert.deepEqual([answer.code, answer.error], [code, error], topic)
    assert.ok(answer.text.length <= 100 && answer.text.startsWith(error), answer.text)
  }
  assert.deepEqual(await app(site), before)
  const { commands } = await site.api('GET', '/stats')
  assert.equal(commands.received, cases.length)
  assert.equal(commands.done, 0)
  assert.equal(commands.refused['request.invalid'], 4)
})

test('unknown keys are told, and the id comes back, also from a command that is refused', async ({ site, plc }) => {
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  const answer = await plc.ask(
    'skerry/cmd/group/line-1',
    '\ufeff{"VERB":"run","App":"web","value":"off","id":7,"colour":1,"timestamp":5}\u0000',
  )
  assert.deepEqual([answer.code, answer.id, answer.run], [0, '7', 'stopped'])
  assert.deepEqual(
    answer.warnings?.map(({ path }) => path),
    ['colour'],
  )
  const refused = await plc.ask('skerry/cmd/group/line-1', '{"verb":"run","app":"none","value":1,"id":"a"}')
  assert.deepEqual([refused.code, refused.id, refused.app], [2, 'a', 'none'])
})

test('a command with the retain flag changes nothing and is answered so: when it is sent, and when the manager comes back', async ({
  site,
  plc,
}) => {
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  const live = await plc.ask(`${web}/run`, '{"value":0,"id":"r"}', { retain: true })
  assert.deepEqual([live.code, live.error, live.id], [4, 'command.retained', 'r'])
  const from = plc.told.length
  await site.restartManager()
  const kept = await plc.answer(`${web}/run`, from)
  assert.deepEqual([kept.code, kept.error], [4, 'command.retained'])
  assert.equal((await app(site)).run, 'running')
  // Taken away: no command, and no answer to it before that to the next one.
  const cleared = plc.told.length
  await plc.client.publishAsync(`${web}/run`, '', { retain: true, qos: 1 })
  assert.equal((await plc.ask(`${web}/run`, '1')).code, 0)
  assert.equal(plc.told.slice(cleared).filter(({ topic }) => topic === 'skerry/a/g/line-1/web/run').length, 1)
  assert.equal((await app(site)).run, 'running')
})

test('an id that comes again is answered as before and not done again, after a restart too, for ten minutes', async ({ site, plc }) => {
  await site.api('PUT', '/groups/line-1/apps/web', webApp('one'))
  await site.api('PUT', '/groups/line-1/apps/web', webApp('two'))
  const back = JSON.stringify({ value: 'previous', id: 'n1' })
  const first = await plc.ask(`${web}/rev`, back)
  assert.deepEqual([first.code, first.revision, first.repeated], [0, 3, undefined])
  assert.deepEqual(await plc.ask(`${web}/rev`, back), { ...first, repeated: true })
  await site.restartManager()
  await plc.state('manager', '1')
  assert.deepEqual(await plc.ask(`${web}/rev`, back), { ...first, repeated: true })
  const other = await plc.ask(`${web}/rev`, JSON.stringify({ value: 1, id: 'n1' }))
  assert.deepEqual([other.code, other.error, other.id], [3, 'command.repeated', 'n1'])
  assert.equal((await plc.ask(`${web}/run`, JSON.stringify({ value: 1, id: 'n1' }))).code, 0)
  assert.equal((await app(site)).revision, 3)
  later.ms = 10 * 60_000 + 1000
  assert.equal((await plc.ask(`${web}/rev`, back)).revision, 4)
})

test('a command that was done and comes again after its time is answered as before; one that was not done has expired', async ({
  site,
  plc,
}) => {
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  const stop = (id: string) => JSON.stringify({ value: 0, id, expires: Math.floor(Date.now() / 1000) + 60 })
  const [done, late] = [stop('n1'), stop('n2')]
  const first = await plc.ask(`${web}/run`, done)
  assert.deepEqual([first.code, first.changed], [0, true])
  later.ms = 61_000
  assert.deepEqual(await plc.ask(`${web}/run`, done), { ...first, repeated: true })
  assert.equal((await plc.ask(`${web}/run`, late)).error, 'command.expired')
  assert.equal((await plc.ask(`${web}/run`, JSON.stringify({ value: 1, id: 'n1', expires: 1 }))).error, 'command.repeated')
})

test('a command that comes while the manager is away is not done when it is back', async ({ site, plc }) => {
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  const from = plc.told.length
  await site.restartManager(async () => {
    await plc.client.publishAsync(`${web}/run`, '0', { qos: 1 })
  })
  await plc.state('manager', '1')
  assert.equal((await plc.ask(`${web}/run`, '1')).changed, false)
  assert.equal(plc.told.slice(from).filter(({ topic }) => topic === 'skerry/a/g/line-1/web/run').length, 1)
})

/** A device that is Ready, and has an app of its own. */
async function withApp(site: Embedded): Promise<FakeDevice> {
  const device = await FakeDevice.online({ url: site.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  await site.api('PUT', '/devices/a1/apps/web', webApp())
  return device
}

test('a restart is answered when the devices have done it; one under way is joined, a repeated id is not done again', async ({
  site,
  plc,
}) => {
  const device = await FakeDevice.online({ url: site.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  await site.api('POST', '/groups/line-1/join', { devices: ['a1'] })
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  const restart = '{"value":1,"id":5}'
  const [first, joined] = [plc.ask(`${web}/rst`, restart), plc.ask('skerry/cmd/group/line-1/app/web/restart', 'on')]
  const { rid, app: asked } = await device.request('restart')
  assert.equal(asked, 'web')
  // Nothing else waits for it.
  assert.equal((await plc.ask(`${web}/run`, '1')).code, 0)
  await device.respond(rid, 0)
  await device.respond(rid, 1, { last: true })
  const answer = await first
  assert.deepEqual([answer.code, answer.text, answer.id], [0, 'ok: web was restarted', '5'])
  assert.equal((await joined).code, 0)
  assert.deepEqual(await plc.ask(`${web}/rst`, restart), { ...answer, repeated: true })
  assert.deepEqual([(await plc.ask(`${web}/rst`, '0')).changed, device.asked.length], [false, 1])
  device.asked.length = 0
  const failing = plc.ask('skerry/c/d/a1/web/rst', '1')
  const { rid: again } = await device.request('restart')
  await device.respond(again, 0, { last: true, fault: { code: 'engine.unavailable', message: 'no Engine' } })
  assert.deepEqual([(await failing).code, (await failing).error], [6, 'engine.unavailable'])
  device.die()
  await deviceIs(site.manager, 'a1', 'NotReady')
  const away = await plc.ask(`${web}/rst`, '1')
  assert.deepEqual([away.code, away.error, away.path], [6, 'device.unavailable', 'a1'])
  assert.equal((await plc.ask('skerry/c/g/line-1/none/rst', '1')).error, 'app.unknown')
})

test('the id of a restart restarts nothing twice: not while it is under way, and not after a restart of the manager', async ({
  site,
  plc,
}) => {
  const device = await withApp(site)
  const rst = 'skerry/c/d/a1/web/rst'
  const restart = '{"value":1,"id":5}'
  const asked = () => device.asked.filter(({ kind }) => kind === 'restart').length
  await plc.client.publishAsync(rst, restart)
  await device.request('restart')
  await plc.client.publishAsync(rst, restart)
  assert.equal((await plc.ask(rst, '{"value":0,"id":5}')).error, 'command.repeated')
  await site.restartManager()
  await plc.state('manager', '1')
  await device.beat()
  await deviceIs(site.manager, 'a1', 'Ready')
  for (let n = 0; n < 2; n++) {
    const { code, error, id, repeated } = await plc.ask(rst, restart)
    assert.deepEqual([code, error, id, repeated], [7, 'wait.timeout', '5', true])
  }
  assert.equal(asked(), 1)
  const next = plc.ask(rst, '{"value":1,"id":6}')
  const [first] = device.asked
  const { rid } = await device.request('restart', request => request.rid !== first?.rid)
  const joined = plc.ask(rst, '{"value":1,"id":6}')
  assert.equal((await plc.ask('skerry/c/d/a1/web/run', '1')).code, 0)
  await device.respond(rid, 0)
  await device.respond(rid, 1, { last: true })
  assert.deepEqual([(await next).code, (await joined).code, asked()], [0, 0, 2])
  await device.leave()
})

test('the id of a restart may come again where no device was asked; else it is answered as before, however it went', async ({
  site,
  plc,
}) => {
  const device = await withApp(site)
  const [rst, restart] = ['skerry/c/d/a1/web/rst', '{"value":1,"id":5}']
  const failing = plc.ask(rst, restart)
  const { rid } = await device.request('restart')
  await device.respond(rid, 0, { last: true, fault: { code: 'engine.unavailable', message: 'no Engine' } })
  const failed = await failing
  assert.deepEqual([failed.code, failed.repeated], [6, undefined])
  assert.deepEqual(await plc.ask(rst, restart), { ...failed, repeated: true })
  await device.end('Disconnected')
  await deviceIs(site.manager, 'a1', 'NotReady')
  for (let n = 0; n < 2; n++) {
    const { code, error, repeated } = await plc.ask(rst, '{"value":1,"id":6}')
    assert.deepEqual([code, error, repeated], [6, 'device.unavailable', undefined])
  }
  assert.equal(device.asked.filter(({ kind }) => kind === 'restart').length, 1)
  await device.leave()
})

test('a restart of a group where some devices did not is not done again on the others by the same id', async ({ site, plc }) => {
  const [one, other] = [await FakeDevice.online({ url: site.url, id: 'a1' }), await FakeDevice.online({ url: site.url, id: 'a2' })]
  for (const { id } of [one, other]) await deviceIs(site.manager, id, 'Ready')
  await site.api('POST', '/groups/line-1/join', { devices: ['a1', 'a2'] })
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  other.die()
  await deviceIs(site.manager, 'a2', 'NotReady')
  const restart = '{"value":1,"id":5}'
  const answered = plc.ask(`${web}/rst`, restart)
  const { rid } = await one.request('restart')
  await one.respond(rid, 0)
  await one.respond(rid, 1, { last: true })
  const answer = await answered
  assert.deepEqual([answer.code, answer.error, answer.path, answer.repeated], [6, 'device.unavailable', 'a2', undefined])
  for (let n = 0; n < 2; n++) assert.deepEqual(await plc.ask(`${web}/rst`, restart), { ...answer, repeated: true })
  assert.equal(one.asked.filter(({ kind }) => kind === 'restart').length, 1)
  await one.leave()
})

test('the id of a restart that takes longer than its answer may is not done again, and is answered with its end in the end', async ({
  site,
  plc,
}) => {
  const device = await withApp(site)
  const [rst, restart] = ['skerry/c/d/a1/web/rst', '{"value":1,"id":5}']
  const slow = plc.ask(rst, restart)
  const { rid } = await device.request('restart')
  await device.respond(rid, 0)
  for (const [runNow, delayMs] of timers) if (delayMs === 60_000) runNow()
  const late = await slow
  assert.deepEqual([late.code, late.error, late.id], [7, 'wait.timeout', '5'])
  assert.deepEqual(await plc.ask(rst, restart), { ...late, repeated: true })
  await device.respond(rid, 1, { last: true })
  const end = await eventually(5000, 'its end', async () => {
    const answer = await plc.ask(rst, restart)
    return answer.code === 0 && answer
  })
  assert.deepEqual([end.text, end.id, end.repeated], ['ok: web was restarted', '5', true])
  assert.equal(device.asked.filter(({ kind }) => kind === 'restart').length, 1)
  await device.leave()
})

test('a restart that was asked for when the broker goes is answered with 7, over HTTP at once; one that was not, with 6', async ({
  site,
}) => {
  const device = await withApp(site)
  const ask = async (id: number) => {
    const response = await fetch(`${site.manager.url}/api/v1/topics/c/d/a1/web/rst`, {
      method: 'PUT',
      headers: credentials,
      body: JSON.stringify({ value: 1, id }),
    })
    const { code, error, repeated } = (await response.json()) as Answer
    return [code, error, repeated]
  }
  const asked = ask(5)
  await device.request('restart')
  await site.broker.stop()
  assert.deepEqual(await asked, [7, 'wait.timeout', undefined])
  assert.deepEqual(await ask(5), [7, 'wait.timeout', true])
  for (let n = 0; n < 2; n++) {
    const [code, , repeated] = await ask(6)
    assert.deepEqual([code, repeated], [6, undefined])
  }
})

test('a manager that stops waits for the answers of restarts under way, and leaves nothing that is still to be run', async ({
  site,
  plc,
}) => {
  const device = await withApp(site)
  await plc.client.publishAsync('skerry/c/d/a1/web/rst', '1')
  await device.request('restart')
  await site.manager.stop()
  assert.deepEqual([...timers.values()], [])
  await device.leave()
})

test('a restart of a device by its id joins the one that was asked for by its name', async ({ site, plc }) => {
  const device = await FakeDevice.online({ url: site.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  await site.api('PATCH', '/devices/a1', { name: 'press' })
  await site.api('PUT', '/devices/a1/apps/web', webApp())
  const byName = plc.ask('skerry/c/d/press/web/rst', '1')
  const { rid } = await device.request('restart')
  const byId = plc.ask('skerry/c/d/a1/web/rst', '1')
  // The one before it has been taken in by the time that this one is answered.
  assert.equal((await plc.ask('skerry/c/d/a1/web/run', '1')).code, 0)
  await device.respond(rid, 0)
  await device.respond(rid, 1, { last: true })
  assert.deepEqual([(await byName).code, (await byId).code], [0, 0])
  assert.equal(device.asked.filter(({ kind }) => kind === 'restart').length, 1)
  await device.leave()
})

test('of 200 commands in one burst, good and bad, each is answered once and in order, and the last one holds', async ({ site, plc }) => {
  const apps = Array.from({ length: 10 }, (_, n) => `app-${n}`)
  for (const name of apps) await site.api('PUT', `/groups/line-1/apps/${name}`, webApp())
  const sent = Array.from({ length: 200 }, (_, n) => {
    const topic = `skerry/c/g/line-1/app-${n % 10}/run`
    const good = n % 3 !== 0
    const payload = good ? String(Math.floor(n / 10) % 2) : ['', 'x', '\u00ff{', '{"value":'][n % 4]!
    plc.client.publish(topic, payload, { qos: n % 2 === 0 ? 0 : 1 })
    return { topic: topic.replace('/c/', '/a/'), code: good ? '0' : '1' }
  })
  const codes = () => plc.told.filter(({ topic }) => topic.startsWith('skerry/a/') && topic.endsWith('/run'))
  await eventually(10_000, 'all answers', () => codes().length >= 200)
  assert.deepEqual(
    codes().map(({ topic, text }) => ({ topic, code: text })),
    sent,
  )
  const { commands } = await site.api('GET', '/stats')
  assert.deepEqual([commands.received, commands.done, commands.refused], [200, 133, { 'request.invalid': 67 }])
  for (const [n, name] of apps.entries()) {
    const last = [19, 18, 17].map(round => round * 10 + n).find(each => each % 3 !== 0)!
    assert.equal((await site.api('GET', `/groups/line-1/apps/${name}`)).run, Math.floor(last / 10) % 2 === 1 ? 'running' : 'stopped')
  }
})

test.run()
