// Links of devices and groups: what a setting comes to, who is told of it, and when a silent device is NotReady under it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Libsql from 'libsql'
import { suite } from 'uvu'
import { formatSeconds } from '../../cli/table.js'
import { checkLink, deviceLink, type LinkSetting, linkOf, showLink } from '../../manager/core/links.js'
import { noSigns } from '../../manager/core/liveness.js'
import { unwrap } from '../../protocol/errors.js'
import { type Link, profileNames, profiles } from '../../protocol/messages/link.js'
import { manifestCodec } from '../../protocol/messages/manifest.js'
import { ManualClock } from '../support/clock.js'
import { FakeDevice } from '../support/device.js'
import { eventually } from '../support/within.js'
import { deviceIs, request, type Site, startSite } from './site.js'

const test = suite('links')

const refusal = (setting: LinkSetting) => {
  const result = checkLink(setting)
  return result.ok ? undefined : [result.refusals[0].code, result.refusals[0].path]
}

test('a profile comes to its own settings, and whatever differs to what was given', () => {
  for (const profile of profileNames) assert.deepEqual(linkOf({ profile }), profiles[profile])
  assert.deepEqual(linkOf({ profile: 'cellular', intervalS: 60, pulls: null, quiet: ['22:00-06:00'], budgetBytes: 7 }), {
    ...withoutPulls(profiles.cellular),
    intervalS: 60,
    quiet: [{ fromMin: 1320, toMin: 360 }],
  })
})

test('a profile of another name begins from that of a local network', () => {
  const radio = linkOf({ profile: 'radio', keepaliveS: 240, intervalS: 60, changes: true })
  assert.deepEqual(radio, { ...profiles.lan, profile: 'radio', keepaliveS: 240, intervalS: 60, changes: true })
})

test('an answer of the broker is not asked for more often than with every other heartbeat', () => {
  assert.equal(linkOf({ profile: 'cellular', intervalS: 3600 }).keepaliveS, 7202)
  assert.deepEqual(refusal({ profile: 'lan', intervalS: 60, keepaliveS: 100 }), ['request.invalid', 'keepaliveS'])
})

test('a setting that was stored under other bounds comes to what holds now', () => {
  const of = (setting: LinkSetting) => [linkOf(setting).intervalS, linkOf(setting).keepaliveS]
  assert.deepEqual(of({ profile: 'lan', keepaliveS: 20 }), [10, 22])
  assert.deepEqual(of({ profile: 'lan', keepaliveS: 10_000 }), [10, 7202])
  assert.deepEqual(of({ profile: 'satellite', intervalS: 7200, keepaliveS: 14_400 }), [3600, 7202])
})

test('quiet hours that are none are refused', () => {
  assert.deepEqual(refusal({ profile: 'lan', quiet: ['22:00-06:00', '8-9'] }), ['request.invalid', 'quiet'])
})

test('whatever a profile comes to fits a manifest and comes back the same', () => {
  for (const link of [...Object.values(profiles), linkOf({ profile: 'x', changes: false, quiet: ['00:00-23:59'] })]) {
    const manifest = { version: 1, instance: new Uint8Array(8), revision: 1, apps: [], link }
    assert.deepEqual(unwrap(manifestCodec.decode(manifestCodec.encode(manifest))).link, link)
  }
})

test("a device follows its own setting, then that of the first of its groups by name, then its agent's", () => {
  const settings = new Map<string, LinkSetting>([
    ['device/a1', { profile: 'lan' }],
    ['group/x', { profile: 'satellite', budgetBytes: 5 }],
    ['group/y', { profile: 'cellular' }],
  ])
  const device = (id: string, intervalS: number | null = null) => ({ id, intervalS, signs: { ...noSigns(0), intervalS: 7 } })
  const told = (of: ReturnType<typeof deviceLink>) => [of.of?.name, of.link.profile, of.link.intervalS, of.budgetBytes]
  assert.deepEqual(told(deviceLink(device('a1'), ['x'], settings)), ['a1', 'lan', 10, null])
  assert.deepEqual(told(deviceLink(device('a2'), ['y', 'x', 'w'], settings)), ['x', 'satellite', 1200, 5])
  assert.deepEqual(told(deviceLink(device('a2', 30), ['y'], settings)), ['y', 'cellular', 30, null])
  assert.deepEqual(told(deviceLink(device('a2'), ['w'], settings)), [undefined, 'lan', 7, null])
})

test('under each profile the time to NotReady is known', () => {
  assert.deepEqual(
    profileNames.map(name => [name, showLink(profiles[name]).notReadyAfterS]),
    [
      ['lan', 32],
      ['cellular', 902],
      ['satellite', 3602],
    ],
  )
})

test('the table for operators has what the profiles come to', () => {
  const page = readFileSync('docs/operating.md', 'utf8')
  for (const name of profileNames) {
    const { intervalS, keepaliveS } = profiles[name]
    const row = [`\`${name}\``, ...[intervalS, 3 * intervalS + 2, 1.5 * keepaliveS].map(formatSeconds)].join(' | ')
    assert.ok(page.includes(`| ${row} |`), row)
  }
})

async function withSite(act: (site: Site, clock: ManualClock) => Promise<void>): Promise<void> {
  const clock = new ManualClock()
  const site = await startSite({ clock })
  try {
    await act(site, clock)
  } finally {
    await site.stop()
  }
}

const online = async (site: Site, id: string) => {
  const device = await FakeDevice.online({ url: site.broker.url, id })
  await deviceIs(site.manager, id, 'Ready')
  return device
}
const put = (site: Site, path: string, body: unknown) => request(site.manager, 'PUT', `${path}/link`, body)
const get = async (site: Site, path: string) => (await request(site.manager, 'GET', path)).body

test("a device's link is set, told in its manifest, shown, and cleared", () =>
  withSite(async site => {
    const device = await online(site, 'a1')
    const { status, body } = await put(site, '/devices/a1', { profile: 'cellular', intervalS: 60, budgetBytes: 20_000_000 })
    assert.equal(status, 200)
    assert.deepEqual(body.setting, { profile: 'cellular', intervalS: 60, budgetBytes: 20_000_000 })
    assert.deepEqual(body.of, { kind: 'device', name: 'a1' })
    assert.deepEqual([body.link.intervalS, body.link.keepaliveS, body.link.notReadyAfterS], [60, 2400, 182])
    const told = await device.manifest(({ link }) => link?.profile === 'cellular')
    assert.deepEqual(told.link, { ...profiles.cellular, intervalS: 60 })
    assert.deepEqual((await get(site, '/devices/a1')).link, { ...body.link, of: body.of })
    assert.deepEqual((await get(site, '/devices')).items[0].link, { ...body.link, of: body.of })

    assert.equal((await request(site.manager, 'DELETE', '/devices/a1/link')).status, 204)
    await device.manifest(({ revision, link }) => revision > told.revision && link === undefined)
    assert.deepEqual((await get(site, '/devices/a1/link')).of, null)
    await device.leave()
  }))

test("a group's link holds for its devices until it is cleared, and goes with it", () =>
  withSite(async site => {
    const device = await online(site, 'a1')
    await request(site.manager, 'POST', '/groups', { name: 'line-1', devices: ['a1'] })
    assert.deepEqual(await get(site, '/groups/line-1/link'), { setting: null, link: null, of: null })
    assert.equal((await put(site, '/groups/line-1', { profile: 'satellite', quiet: ['22:00-06:00'] })).status, 200)
    const shown = await get(site, '/devices/a1/link')
    assert.deepEqual([shown.setting, shown.of, shown.link.profile], [null, { kind: 'group', name: 'line-1' }, 'satellite'])
    assert.deepEqual(shown.link.quiet, ['22:00-06:00'])
    await site.restart()
    assert.deepEqual((await get(site, '/groups/line-1/link')).setting, { profile: 'satellite', quiet: ['22:00-06:00'] })
    await request(site.manager, 'DELETE', '/groups/line-1')
    await request(site.manager, 'POST', '/groups', { name: 'line-1', devices: ['a1'] })
    assert.equal((await get(site, '/devices/a1/link')).of, null)
    await device.leave()
  }))

test('a manager shows and tells a setting that was stored under other bounds', () =>
  withSite(async site => {
    const device = await online(site, 'a1')
    await put(site, '/devices/a1', { profile: 'lan', keepaliveS: 300 })
    const database = new Libsql(join(site.folder, 'manager.db'))
    database.exec(`update links set setting = '{"profile":"lan","keepaliveS":20}'`)
    database.close()
    await site.restart()
    assert.equal((await get(site, '/devices/a1/link')).link.keepaliveS, 22)
    assert.equal((await request(site.manager, 'GET', '/devices')).status, 200)
    await request(site.manager, 'PATCH', '/devices/a1', { name: 'press-7' })
    await device.manifest(({ link }) => link?.keepaliveS === 22)
    await device.leave()
  }))

test('a device that is released and returns has no link of before', () =>
  withSite(async site => {
    const device = await online(site, 'a1')
    await put(site, '/devices/a1', { profile: 'satellite' })
    await request(site.manager, 'DELETE', '/devices/a1')
    const told = await device.manifest(({ release }) => release !== undefined)
    assert.equal(told.link, undefined)
    await device.end('Released')
    await device.leave()
    const again = await eventually(10_000, 'it is new', async () => {
      const next = await FakeDevice.online({ url: site.broker.url, id: 'a1', epoch: 655_360 })
      if ((await request(site.manager, 'GET', '/devices/a1')).status === 200) return next
      await next.leave()
      return undefined
    })
    assert.equal((await get(site, '/devices/a1/link')).setting, null)
    await again.leave()
  }))

test('what is no link is refused and changes nothing', () =>
  withSite(async site => {
    const device = await online(site, 'a1')
    const code = async (body: unknown) => (await put(site, '/devices/a1', body)).body.code
    for (const body of [
      {},
      { profile: 'Über' },
      { profile: 'lan', intervalS: 0 },
      { profile: 'lan', hours: [] },
      { profile: 'lan', quiet: ['x'] },
    ])
      assert.equal(await code(body), 'request.invalid', JSON.stringify(body))
    assert.equal((await put(site, '/devices/nobody', { profile: 'lan' })).body.code, 'device.unknown')
    assert.equal((await put(site, '/groups/nobody', { profile: 'lan' })).body.code, 'group.unknown')
    assert.equal((await get(site, '/devices/a1/link')).setting, null)
    await device.leave()
  }))

test('events and the audit trail tell of it, and the same setting again is no news', () =>
  withSite(async site => {
    await request(site.manager, 'POST', '/groups', { name: 'line-1' })
    for (let times = 0; times < 2; times++) await put(site, '/groups/line-1', { profile: 'satellite' })
    const events = (await get(site, '/events?type=link.changed')).items
    assert.deepEqual(
      events.map(({ group, data, message }: Record<string, unknown>) => [group, data, message]),
      [['line-1', { link: { profile: 'satellite' } }, 'the link of group line-1 is used as satellite']],
    )
    const rows = (await get(site, '/audit?target=groups/line-1')).items
    assert.ok(rows.some(({ action, outcome }: Record<string, string>) => action === 'link.changed' && outcome === 'done'))
  }))

test('a device says when it is expected, and is NotReady then and not before', () =>
  withSite(async (site, clock) => {
    const device = await online(site, 'a1')
    const { expectedBy, lastSeen } = await get(site, '/devices/a1')
    assert.equal(Date.parse(expectedBy) - Date.parse(lastSeen), 32_000)
    await device.beat({ intervalS: 1200 })
    const satellite = await eventually(5000, 'the longer lease', async () => {
      const { body } = await request(site.manager, 'GET', '/devices/a1')
      return body.leaseS === 3602 && body
    })
    assert.equal(Date.parse(satellite.expectedBy) - Date.parse(satellite.lastSeen), 3_602_000)
    clock.advance(Date.parse(satellite.expectedBy) - clock.now() - 1)
    assert.equal((await get(site, '/devices/a1')).state, 'Ready')
    clock.advance(251)
    const shown = await deviceIs(site.manager, 'a1', 'NotReady', 'HeartbeatMissed')
    assert.equal(shown.expectedBy, null)
    await device.leave()
  }))

test('nobody is expected while the manager does not hear its broker', () =>
  withSite(async site => {
    const device = await online(site, 'a1')
    await site.broker.stop()
    await eventually(5000, 'the manager notices', async () => (await request(site.manager, 'GET', '/ready')).status === 503)
    const { state, expectedBy } = await get(site, '/devices/a1')
    assert.deepEqual([state, expectedBy], ['Ready', null])
    device.client.end(true)
  }))

function withoutPulls({ pulls: _, ...link }: Link): Link {
  return link
}

test.run()
