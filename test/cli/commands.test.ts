// Each command that talks to a server, against a real server.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { App } from '../../cli/api/apps.js'
import type { Device } from '../../cli/api/devices.js'
import { openClient } from '../../cli/client.js'
import { type CliResult, type RunningCli, runCli, runHere, startCli } from '../support/cli.js'
import { localCredentials, localToken } from '../support/credentials.js'
import { FakeDevice } from '../support/device.js'
import { joinAs } from '../support/joined.js'
import { eventually } from '../support/within.js'

const test = suite('cli: commands')

const folder = mkdtempSync(join(tmpdir(), 'skerry-commands-'))
const data = join(folder, 'data')
const specFile = join(folder, 'compose.yaml')
const spec = 'services:\n  web:\n    image: web:1\n'
let server: RunningCli
let url: string
let press7: FakeDevice
let press8: FakeDevice

const cli = (...args: string[]): Promise<CliResult> => runHere(args, { env: { SKERRY_SERVER: url, SKERRY_DATA: data, HOME: folder } })

async function fine(...args: string[]): Promise<string> {
  const { code, out, err } = await cli(...args)
  assert.is(code, 0, `skerry ${args.join(' ')}: ${err}`)
  return out
}

/** The exit code and the codes of the errors that were printed. */
async function refused(...args: string[]): Promise<[number | null, string[]]> {
  const { code, out, err } = await cli(...args)
  assert.is(out, '', 'data on standard output')
  return [code, [...err.matchAll(/^error: .* \(([a-z.-]+)\)/gm)].map(([, found]) => found ?? '')]
}

const client = () => openClient(url, { token: localToken(data) })

const waitForDevice = (id: string): Promise<Device | undefined> =>
  eventually(10_000, `device ${id}`, () =>
    client()
      .request<Device>('GET', `/devices/${id}`)
      .catch(() => undefined),
  )

test.before(async () => {
  writeFileSync(specFile, spec)
  server = startCli(['server', '--data', data, '--mqtt-port', '0', '--http-port', '0'], { HOME: folder })
  url = (await server.until(/^http:\S+/m))[0]
  const mqttUrl = (await server.until(/MQTT at (\S+)/))[1]!
  // Births that come before the manager listens are old news to it.
  await eventually(
    10_000,
    'the manager at its broker',
    async () => (await fetch(`${url}/api/v1/ready`, { headers: localCredentials(data) })).ok,
  )
  const { token } = await client().request<{ token: string }>('POST', '/tokens', { body: { uses: 2 } })
  const online = async (id: string) =>
    FakeDevice.online({ url: mqttUrl, id, intervalS: 3600, credentials: await joinAs(id, { url: mqttUrl, token }) })
  press7 = await online('press-7')
  press8 = await online('press-8')
  await waitForDevice('press-7')
  await waitForDevice('press-8')
})

test.after(async () => {
  await Promise.all([press7.leave(), press8.leave()])
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('devices are listed in every form', async () => {
  assert.match(await fine('get', 'devices'), /^NAME {5}ID {7}STATE[^\n]*\npress-7 {2}press-7 {2}Ready[^\n]*\npress-8 {2}press-8 {2}Ready/)
  assert.match(await fine('get', 'devices', '-o', 'wide'), /ARCH[\s\S]*arm64/)
  assert.is(await fine('get', 'devices', '-o', 'name'), 'press-7\npress-8\n')
  const json = JSON.parse(await fine('get', 'devices', '-o', 'json'))
  assert.equal(
    json.items.map((device: Device) => device.id),
    ['press-7', 'press-8'],
  )
  const yaml = parse(await fine('get', 'devices', '-o', 'yaml'))
  assert.equal(Object.keys(yaml.items[0]), Object.keys(json.items[0]))
  assert.is(await fine('get', 'device', 'press-8', '-o', 'name'), 'press-8\n')
  assert.equal(await cli('get', 'devices', '--state', 'NotReady'), { code: 0, out: '', err: 'no devices\n' })
})

test('a device is changed and described', async () => {
  await fine(
    'set',
    'device',
    'press-7',
    '--name',
    'Press 7',
    '--label',
    'hall=3',
    '--label',
    'spare',
    '--interval',
    '1m',
    '--description',
    'old',
  )
  assert.is(await fine('get', 'devices', '-l', 'hall=3', '-o', 'name'), 'press-7\n')
  const text = await fine('describe', 'device', 'press-7')
  for (const part of [/Name: +Press 7/, /Labels: +hall=3,spare/, /Processor: +Cortex-A72, 4 cores/, /Description: +old/])
    assert.match(text, part)
  await fine('set', 'device', 'press-7', '--label', 'spare-', '--interval', 'default', '--name', 'press-7')
  assert.equal(JSON.parse(await fine('describe', 'device', 'press-7', '-o', 'json')).labels, { hall: '3' })
  assert.equal(await refused('set', 'device', 'press-7'), [2, ['usage.invalid']])
  assert.equal(await refused('set', 'device', 'press-7', '--interval', '1x'), [2, ['usage.invalid']])
  assert.equal(await refused('set', 'device', 'nobody', '--name', 'x'), [3, ['device.unknown']])
})

test('a link is set, shown and cleared, of a device and of a group', async () => {
  assert.match(
    await fine('link', 'profiles'),
    /^PROFILE +HEARTBEAT +NOT READY AFTER[^\n]*\nlan +10s +32s[^\n]*\ncellular +5m +15m2s[^\n]*\nsatellite +20m +1h2s/,
  )
  await fine('group', 'create', 'vans', 'press-8')
  assert.match(await fine('link', 'show', 'group/vans'), /nothing is set/)
  assert.match(await fine('link', 'set', 'group/vans', 'satellite', '--quiet', '22:00-06:00', '--budget', '2MB'), /NotReady after 3602 s/)
  assert.match(
    await fine('link', 'show', 'device/press-8'),
    /Profile: +satellite\nSet by: +group vans\n[\s\S]*Quiet: +22:00-06:00 UTC\nBudget: +2 MB a month/,
  )
  assert.match(await fine('describe', 'device', 'press-8'), /desired: every 1200 s\nLink: +satellite, by group vans, quiet/)
  assert.match(await fine('describe', 'device', 'press-8'), /Expected by: +2\d\d\d-/)
  await fine('link', 'set', 'device/press-8', 'radio', '--heartbeat', '1m', '--changes', '--pulls', 'none', '--log-rate', '4KB')
  const { setting, link, of } = JSON.parse(await fine('link', 'show', 'device/press-8', '-o', 'json'))
  assert.equal(setting, { profile: 'radio', intervalS: 60, changes: true, logBytesPerS: 4000, pulls: null })
  assert.equal([link.intervalS, link.pulls, of.name], [60, null, 'press-8'])
  await fine('link', 'clear', 'device/press-8')
  await fine('link', 'clear', 'group/vans')
  assert.match(await fine('link', 'show', 'device/press-8'), /Set by: +nobody/)
  assert.equal(await refused('link', 'set', 'press-8', 'lan'), [2, ['usage.invalid']])
  assert.equal(await refused('link', 'set', 'device/press-8', 'lan', '--heartbeat', '100ms'), [2, ['usage.invalid']])
  assert.equal(await refused('link', 'set', 'device/press-8', 'lan', '--heartbeat', '5m', '--keep-alive', '5m'), [4, ['request.invalid']])
  assert.equal(await refused('link', 'set', 'group/nobody', 'lan'), [3, ['group.unknown']])
  await fine('delete', 'group', 'vans')
})

test('what connections cost is shown of all devices and of one', async () => {
  assert.equal((await cli('usage', 'press-7')).out, 'press-7 has not told what its connection costs\n')
  await fine('link', 'set', 'device/press-7', 'cellular', '--budget', '1MB')
  await press7.account({ heartbeat: { sent: 900_000, received: 0 }, headers: { sent: 30_000, received: 20_000 } })
  const usage = await eventually(10_000, 'its account', async () => {
    const { items } = JSON.parse(await fine('usage', '-o', 'json'))
    return items[0].month?.slow === 64 && items[0]
  })
  assert.equal([usage.device, usage.month.usedBytes, usage.month.budgetBytes], ['press-7', 950_000, 1_000_000])
  assert.match(
    await fine('usage'),
    /^NAME +ID +MONTH +USED[^\n]*\npress-7 +press-7 +\d{4}-\d\d +950 KB [^\n]*1 MB +95 % +64 times more rarely\npress-8 +press-8 +-/,
  )
  assert.match(
    await fine('usage', 'press-7', '--days', '1'),
    /Used: +950 KB, 95 % of 1 MB\n[\s\S]*HEARTBEATS[^\n]*\n\d{4}-\d\d-\d\d +950 KB +900 KB[^\n]*\n\d{4}-\d\d +950 KB +900 KB/,
  )
  assert.match(await fine('get', 'devices', '-o', 'wide'), /USED[\s\S]*950 KB/)
  assert.match(await fine('get', 'events', '--type', 'device.budget'), /64 times more rarely: 95 % of its budget is spent/)
  await fine('link', 'clear', 'device/press-7')
  assert.equal(await refused('usage', 'nobody'), [3, ['device.unknown']])
})

test('groups are made, joined, left and deleted', async () => {
  await fine('group', 'create', 'line-1', 'press-7')
  assert.equal(await refused('group', 'create', 'line-1'), [4, ['group.exists']])
  assert.equal(await refused('group', 'create', 'Line 1'), [4, ['name.invalid']])
  await fine('group', 'join', 'line-1', 'press-8', 'press-7')
  assert.match(await fine('get', 'groups'), /line-1 {2}2\/2/)
  assert.equal(await refused('group', 'join', 'line-1', 'a', 'press-8', 'b'), [3, ['device.unknown', 'device.unknown']])
  await fine('group', 'leave', 'line-1', 'press-8')
  assert.match(await fine('describe', 'group', 'line-1'), /Devices:\n {2}press-7 \(press-7\): Ready$/m)
  await fine('group', 'create', 'spare')
  assert.match(await fine('permit', 'group/spare', 'hold'), 'group spare is held: no container is changed')
  assert.match(await fine('describe', 'group', 'spare'), /^Permit: +holds, by local, for /m)
  assert.match(await fine('get', 'groups', 'spare'), / holds /)
  assert.match(await fine('permit', 'group/spare', 'allow', '--lease', '60'), 'group spare may change containers for 60 s')
  assert.match(await fine('permit', 'device/press-7', 'allow', '-o', 'json'), /"value": true/)
  assert.match(await fine('describe', 'device', 'press-7'), /^Permit: +allows, by local, for /m)
  assert.match(await fine('permit', 'device/press-7', 'clear'), 'no permit is asked for of device press-7 any more')
  assert.equal(await refused('permit', 'group/spare', 'perhaps'), [2, ['usage.invalid']])
  assert.equal(await refused('permit', 'spare', 'hold'), [2, ['usage.invalid']])
  assert.equal(await refused('permit', 'group/spare', 'hold', '--lease', '5'), [4, ['request.invalid']])
  assert.equal(await refused('permit', 'group/none', 'hold'), [3, ['group.unknown']])
  await fine('delete', 'group', 'spare')
  assert.is(await fine('get', 'groups', '-o', 'name'), 'line-1\n')
  assert.equal(await refused('delete', 'group', 'spare'), [3, ['group.unknown']])
})

test('signing keys are listed and changed', async () => {
  const [first] = JSON.parse(await fine('key', 'list', '-o', 'json')).items
  assert.equal([first.number, first.current], [1, true])
  assert.match(await fine('key', 'rotate'), /^key 2 \([0-9a-f]{16}\) signs from now on/)
  assert.match(
    await fine('key', 'list'),
    /^NUMBER {2}ID {16}STATE {4}DEVICES {2}AGE\n2 +[0-9a-f]{16} {2}signs +0 [^\n]+\n1 +[0-9a-f]{16} {2}retired +0 /,
  )
  assert.is((await fine('key', 'list', '-o', 'name')).split('\n')[1], first.id)
  assert.match(await fine('get', 'events', '-o', 'json'), /"key\.rotated"/)
})

test('a compose file is checked, deployed, stopped, started and deleted', async () => {
  assert.match(await fine('apply', '-f', specFile, '-n', 'web', '--group', 'line-1', '--dry-run'), 'can be deployed; services: web')
  assert.is(await fine('get', 'apps', '-o', 'name'), '')
  assert.match(await fine('apply', '-f', specFile, '-n', 'web', '--group', 'line-1'), 'app web revision 1 deployed')
  assert.match(await fine('apply', '-f', specFile, '-n', 'web', '--group', 'line-1'), 'app web unchanged, revision 1')
  assert.match(await fine('get', 'apps'), /web {3}group line-1/)
  assert.is((JSON.parse(await fine('get', 'apps', 'web', '-o', 'json')).items[0] as App).run, 'running')
  await fine('stop', 'web')
  assert.is((JSON.parse(await fine('describe', 'app', 'web', '-o', 'json')) as App).run, 'stopped')
  await fine('start', 'web', '--group', 'line-1')
  assert.match(await fine('describe', 'app', 'web'), /press-7 \(press-7, Ready\)/)

  const piped = await runCli(['apply', '-f', '-', '-n', 'web', '--device', 'press-8'], {
    env: { SKERRY_SERVER: url, SKERRY_DATA: data },
    input: spec,
  })
  assert.is(piped.code, 0, piped.err)
  assert.equal(await refused('stop', 'web'), [2, ['usage.invalid']])
  assert.equal(await refused('delete', 'group', 'line-1'), [4, ['group.not-empty']])
  await fine('delete', 'app', 'web', '--device', 'press-8')
  await fine('delete', 'app', 'web')
  assert.equal(await refused('delete', 'app', 'web'), [3, ['app.unknown']])
  assert.equal(await refused('get', 'apps', 'web'), [3, ['app.unknown']])
})

test('a bad compose file is refused with the place of each fault, and nothing changes', async () => {
  const bad = join(folder, 'bad.yaml')
  writeFileSync(bad, 'services:\n  web:\n    image: a\n    imagee: b\n')
  const { code, err } = await cli('apply', '-f', bad, '-n', 'bad', '--device', 'press-7')
  assert.is(code, 4)
  assert.match(err, /^error: .* \(compose\.[a-z]+\) at services\.web\.imagee/m)
  const json = await cli('apply', '-f', bad, '-n', 'bad', '--device', 'press-7', '-o', 'json')
  assert.is(json.code, 4)
  assert.match(JSON.parse(json.err).path, 'services.web.imagee')
  writeFileSync(bad, 'services: [')
  assert.equal(await refused('apply', '-f', bad, '-n', 'bad', '--device', 'press-7'), [4, ['compose.yaml']])
  assert.equal(await refused('apply', '-f', specFile, '-n', 'bad', '--device', 'nobody'), [3, ['device.unknown']])
  assert.is(await fine('get', 'apps', '-o', 'name'), '')
})

const reported = (state: 'running' | 'failed', revision: number) => ({
  name: 'live',
  revision,
  digest: new Uint8Array(32),
  state,
  services: [{ name: 'web', state: state === 'running' ? ('running' as const) : ('exited' as const), image: 'web:1', ports: [] }],
  ...(state === 'failed' ? { fault: { code: 'image.unavailable', message: 'no such image', path: 'services.web.image' } } : {}),
})

test('what is no app name, and what is too large, is refused before anything is sent', async () => {
  const large = join(folder, 'large.yaml')
  writeFileSync(large, '#'.repeat(10 * 1024 * 1024))
  assert.equal(await refused('apply', '-f', large, '-n', 'web', '-d', 'press-7'), [4, ['spec.too-large']])
  assert.equal(await refused('apply', '-f', specFile, '-n', 'Web App', '-d', 'press-7'), [4, ['name.invalid']])
})

test('a deploy that waits ends when the device runs it, shows what changes, and fails with the fault', async () => {
  const args = ['apply', '-f', specFile, '-n', 'live', '--device', 'press-7', '--wait']
  const running = startCli(args, { SKERRY_SERVER: url, SKERRY_DATA: data, HOME: folder })
  await running.until(/revision 1 deployed/)
  await press7.report({ apps: [reported('running', 1)] })
  await running.until(/app live runs on 1 device$/m)
  assert.match(running.err(), 'press-7: app running revision 1')

  writeFileSync(specFile, spec.replace('web:1', 'web:2'))
  const failing = startCli(args, { SKERRY_SERVER: url, SKERRY_DATA: data, HOME: folder })
  await failing.until(/revision 2 deployed/)
  await press7.report({ apps: [reported('failed', 1)] })
  await failing.until(/error: app live failed on press-7: no such image \(image\.unavailable\) at services\.web\.image/)
  assert.is(await failing.end(), 1)

  writeFileSync(specFile, spec.replace('web:1', 'web:3'))
  const again = startCli(args, { SKERRY_SERVER: url, SKERRY_DATA: data, HOME: folder })
  await again.until(/revision 3 deployed/)
  await press7.report({ apps: [reported('running', 3)] })
  await again.until(/app live runs on 1 device$/m)
  assert.is(await again.end(), 0)
  assert.is(await running.end(), 0)
  writeFileSync(specFile, spec)
})

test('a deploy that nobody takes up in time ends with 5', async () => {
  assert.equal((await cli('apply', '-f', specFile, '-n', 'late', '--device', 'press-8', '--wait', '--timeout', '300ms')).code, 5)
  await fine('delete', 'app', 'late')
})

const cliEnv = () => ({ SKERRY_SERVER: url, SKERRY_DATA: data, HOME: folder })

test('logs are shown by service, as data too, and end with the fault of the device', async () => {
  await fine('apply', '-f', specFile, '-n', 'spoken', '-d', 'press-7')
  const data = Buffer.from('2026-01-01T00:00:00.000000001Z hello\n')
  const logs = startCli(['logs', 'spoken', 'web', '-d', 'press-7', '--follow', '--tail', '5', '--timestamps'], cliEnv())
  const asked = await press7.request('logs')
  assert.equal([asked.app, asked.services, asked.follow, asked.tail, asked.timestamps], ['spoken', ['web'], true, 5, true])
  await press7.respond(asked.rid, 0)
  await press7.respond(asked.rid, 1, { service: 'web', stream: 'out', data })
  await logs.until(/^web \| 2026-01-01T00:00:00\.000000001Z hello$/m)
  assert.is(await logs.stop(), 0)
  await press7.request('cancel', ({ rid }) => rid === asked.rid)

  press7.asked.length = 0
  const json = startCli(['logs', 'spoken', '-d', 'press-7', '-o', 'json'], cliEnv())
  const { rid } = await press7.request('logs')
  await press7.respond(rid, 0)
  await press7.respond(rid, 1, { service: 'web', stream: 'err', data: Buffer.from('oops\n') })
  await press7.respond(rid, 2, { last: true, fault: { code: 'engine.unavailable', message: 'gone' } })
  assert.is(await json.end(), 1)
  assert.equal(JSON.parse(json.out()), { service: 'web', stream: 'err', line: 'oops' })
  assert.is(JSON.parse(json.err()).code, 'engine.unavailable')
  assert.equal(await refused('logs', 'nothing', '-d', 'press-7'), [3, ['app.unknown']])
  assert.equal(await refused('logs', 'spoken'), [2, ['usage.invalid']])
})

test('a restart tells what became of it on each device, and fails if it did on any', async () => {
  const restart = startCli(['restart', 'spoken', '-d', 'press-7', 'web'], cliEnv())
  const { rid, services } = await press7.request('restart')
  assert.equal(services, ['web'])
  await press7.respond(rid, 0)
  await press7.respond(rid, 1, { last: true })
  assert.is(await restart.end(), 0)
  assert.is(restart.out(), 'press-7: restarted\n')

  await fine('group', 'create', 'both', 'press-7', 'press-8')
  await fine('apply', '-f', specFile, '-n', 'shared', '-g', 'both')
  press7.asked.length = 0
  const group = startCli(['restart', 'shared', '-g', 'both'], cliEnv())
  const first = await press7.request('restart')
  const second = await press8.request('restart')
  await press7.respond(first.rid, 0, { last: true })
  await press8.respond(second.rid, 0, { last: true, fault: { code: 'engine.unavailable', message: 'no engine' } })
  assert.is(await group.end(), 1)
  assert.match(group.out(), /^press-7: restarted\npress-8: no engine \(engine\.unavailable\)$/m)
  assert.match(group.err(), 'app shared was not restarted on press-8: no engine')
  await fine('delete', 'group', 'both', '--force')
})

test('an update waits until the device has done it, and fails with what it rolled back from', async () => {
  const update = startCli(['update', 'spoken', 'web', '--wait'], cliEnv())
  await update.until(/is to get newer images: web/)
  const wished = await press7.manifest(manifest => manifest.apps.some(({ refresh }) => refresh !== undefined))
  const generation = wished.apps.find(({ name }) => name === 'spoken')?.refresh?.generation ?? 0
  await press7.report({ sequence: 2, apps: [{ ...reported('running', 1), name: 'spoken', refreshed: generation }] })
  await update.until(/app spoken runs on 1 device$/m)
  assert.is(await update.end(), 0)

  const failing = startCli(['update', 'spoken', '--wait'], cliEnv())
  await failing.until(/is to get newer images/)
  const next = await press7.manifest(manifest => manifest.apps.some(({ refresh }) => (refresh?.generation ?? 0) > generation))
  const refreshed = next.apps.find(({ name }) => name === 'spoken')?.refresh?.generation ?? 0
  const fault = { code: 'service.unhealthy', message: 'web is unhealthy' }
  await press7.report({ sequence: 3, apps: [{ ...reported('running', 1), name: 'spoken', state: 'rolled-back', fault, refreshed }] })
  await failing.until(/error: app spoken rolled-back on press-7: web is unhealthy \(service\.unhealthy\)/)
  assert.is(await failing.end(), 1)
  assert.equal(await refused('update', 'spoken', 'cache'), [3, ['service.unknown']])
})

test('a policy goes with a deploy, and volumes and images with a deletion', async () => {
  await fine('apply', '-f', specFile, '-n', 'spoken', '-d', 'press-7', '--restart', 'on-failure', '--settle', '2m', '--no-rollback')
  assert.match(await fine('describe', 'app', 'spoken'), /Policy: +restart on-failure, settle 120 s, no roll-back/)
  await fine('apply', '-f', specFile, '-n', 'spoken', '-d', 'press-7', '--rollback')
  assert.match(await fine('describe', 'app', 'spoken'), /Policy: +restart on-failure, settle 120 s$/m)
  assert.equal(await refused('apply', '-f', specFile, '-n', 'spoken', '-d', 'press-7', '--restart', 'never'), [2, ['usage.invalid']])
  await fine('delete', 'app', 'spoken', '--volumes', '--images')
  const manifest = await press7.manifest(({ purges = [] }) => purges.length > 0)
  assert.equal(manifest.purges, [{ name: 'spoken', volumes: true, images: true }])
})

test('events are listed and watched', async () => {
  assert.match(await fine('get', 'events', '--type', 'group.created'), /^ID[\s\S]*group line-1/)
  assert.is((await fine('get', 'events', '--limit', '2', '-o', 'name')).split('\n').length, 3)
  const watch = startCli(['watch', '-o', 'json', '--type', 'group.created'], { SKERRY_SERVER: url, SKERRY_DATA: data, HOME: folder })
  await watch.until(/watching/)
  await fine('group', 'create', 'seen')
  const line = (await watch.until(/^.*"group":"seen".*$/m))[0]
  assert.is(JSON.parse(line).type, 'group.created')
  assert.is(await watch.stop(), 0)
  await fine('group', 'delete', 'seen')
})

test('a device is released', async () => {
  await fine('delete', 'device', 'press-8', '--apps', 'remove')
  assert.is(await fine('get', 'devices', '-o', 'name'), 'press-7\n')
})

test('contexts name servers', async () => {
  const env = { HOME: folder }
  assert.is((await runHere(['context', 'set', 'plant', url, '--token-stdin'], { env, input: `${localToken(data)}\n` })).code, 0)
  assert.is((await runHere(['context', 'set', 'gone', 'http://127.0.0.1:9', '--token-stdin'], { env, input: 'secret\n' })).code, 0)
  assert.is((await runHere(['get', 'devices', '-o', 'name'], { env })).out, 'press-7\n')
  const list = await runHere(['context', 'list'], { env })
  assert.match(list.out, /^\* {8}plant/m)
  assert.not.match(list.out, 'secret')
  assert.is((await runHere(['context', 'use', 'gone'], { env })).code, 0)
  assert.is((await runHere(['get', 'devices'], { env })).code, 1)
  assert.is((await runHere(['get', 'devices', '--context', 'plant', '-o', 'name'], { env })).out, 'press-7\n')
  assert.is((await runHere(['context', 'use', 'nowhere'], { env })).code, 2)
  assert.is((await runHere(['get', 'devices', '--context', 'nowhere'], { env })).code, 2)
})

test('the server of a data folder is found without being named, and only one may use the folder', async () => {
  assert.is((await runHere(['get', 'devices', '--data', data, '-o', 'name', '--server', url])).out, 'press-7\n')
  assert.is((await runHere(['get', 'devices', '-o', 'name'], { env: { SKERRY_DATA: data, HOME: join(folder, 'other') } })).out, 'press-7\n')
  const second = await runCli(['server', '--data', data, '--mqtt-port', '0', '--http-port', '0'])
  assert.is(second.code, 4)
  assert.match(second.err, `serving ${url}; stop it, or choose another folder with --data (state.in-use)`)
})

test('a port that is taken is named with the flag that changes it', async () => {
  const port = new URL(url).port
  const taken = await runCli(['server', '--data', join(folder, 'b'), '--mqtt-port', '0', '--http-port', port])
  assert.is(taken.code, 4)
  assert.match(taken.err, `port ${port} is in use by another program; choose another one with --http-port`)
  const mqtt = (await server.until(/MQTT at mqtts:\/\/127\.0\.0\.1:(\d+)/))[1]!
  const second = await runCli(['server', '--data', join(folder, 'c'), '--mqtt-port', mqtt, '--http-port', '0'])
  assert.match(second.err, `port ${mqtt} is in use by another program; choose another one with --mqtt-port`)
})

test('beyond loopback everything has TLS and lets in nobody unknown', async () => {
  const dir = join(folder, 'd')
  const hosts = ['--mqtt-host', '0.0.0.0', '--http-host', '0.0.0.0']
  const wide = startCli(['server', '--data', dir, '--mqtt-port', '0', '--http-port', '0', ...hosts], { HOME: folder })
  const [address] = await wide.until(/^https:\S+/m)
  const [, mqttUrl = ''] = await wide.until(/MQTT at (mqtts:\S+)/)
  const home = join(folder, 'stranger')
  assert.is((await runHere(['get', 'devices', '--data', dir], { env: { HOME: home } })).err, 'no devices\n')
  assert.match((await runHere(['get', 'devices'], { env: { HOME: home, SKERRY_SERVER: address } })).err, '(server.unavailable)')
  const nobody = await fetch(`${address.replace('https:', 'http:')}/api/v1/health`).catch(() => undefined)
  assert.is(nobody, undefined)
  const refusal: { code?: number } = await connectAsync(mqttUrl, { ca: readFileSync(join(dir, 'pki', 'ca.crt')), reconnectPeriod: 0 }).then(
    () => assert.unreachable(),
    error => error,
  )
  assert.is(refusal.code, 5)
  assert.is(await wide.stop(), 0)
})

test('a version is given at the deploy or later, listed, moved, gone back to and taken away', async () => {
  const other = join(folder, 'other.yaml')
  writeFileSync(other, 'services:\n  web:\n    image: web:2\n')
  const apply = (file: string, ...more: string[]) => ['apply', '-f', file, '-n', 'named', '-d', 'press-7', ...more]
  assert.match(await fine(...apply(specFile, '--version', '1.4.0')), 'app named revision 1 (1.4.0) deployed')
  assert.equal(await refused(...apply(other, '--version', '1.4.0')), [4, ['version.exists']])
  assert.equal(await refused(...apply(other, '--version', '1.4.0', '--dry-run')), [4, ['version.exists']])
  assert.match(await fine(...apply(other)), 'app named revision 2 deployed')
  assert.match(await fine('tag', 'named', '1.5.0'), 'version 1.5.0 of app named is revision 2')
  assert.equal(await refused('tag', 'named', '1.5.0', '--revision', '1'), [4, ['version.exists']])
  assert.match(await fine('tag', 'named', '1.5.0', '--revision', '1', '--move'), 'version 1.5.0 of app named is revision 1')
  assert.match(await fine('get', 'versions', 'named'), /^VERSION +REVISION +AGE +BY\n1\.5\.0 +1 +\S+ +local\n1\.4\.0 +1 /)
  assert.match(await fine('switch', 'named', '1.4.0'), 'app named is to run revision 3 (1.4.0)')
  assert.match(await fine('get', 'apps', 'named'), /REVISION +VERSION +UPDATED *\nnamed .* 3 +1\.4\.0 /)
  assert.match(await fine('describe', 'app', 'named'), /Revision: +3 \(1\.4\.0\), /)
  assert.match(await fine('describe', 'device', 'press-7'), /App named \(its own\): pending, revision none, 3 \(1\.4\.0\) desired/)
  assert.match(await fine('switch', 'named', '--revision', 'previous'), 'app named is to run revision 4')
  assert.is(JSON.parse(await fine('switch', 'named', '--revision', '1', '-o', 'json')).version, '1.4.0')
  await fine('delete', 'version', 'named', '1.4.0')
  assert.is(await fine('get', 'versions', 'named', '-o', 'name'), '1.5.0\n')
  assert.equal(await refused('switch', 'named', '1.4.0'), [3, ['version.unknown']])
  assert.equal(await refused('switch', 'named'), [2, ['usage.invalid']])
  assert.equal(await refused('switch', 'named', '1.5.0', '--revision', '1'), [2, ['usage.invalid']])
  assert.equal(await refused('switch', 'named', '--revision', '0'), [2, ['usage.invalid']])
  assert.equal(await refused('tag', 'named', 'no name'), [4, ['name.invalid']])
  await fine('delete', 'app', 'named')
})

test('apply of a folder lists what would travel, sends just that, and a file of it can be read again', async () => {
  const dir = join(folder, 'bundle')
  mkdirSync(join(dir, 'conf'), { recursive: true })
  writeFileSync(join(dir, 'compose.yaml'), 'services:\n  web:\n    image: "web:$TAG"\n    volumes: ["./conf:/conf"]\n')
  writeFileSync(join(dir, 'conf/app.conf'), 'level=1')
  writeFileSync(join(dir, 'unneeded'), 'x')
  const args = ['apply', '-f', dir, '-n', 'bundled', '--device', 'press-7', '--env', 'TAG=7']
  const dry = await cli(...args, '--dry-run')
  assert.is(dry.code, 0, dry.err)
  assert.match(dry.err, /^would travel: conf\/app\.conf, 7 bytes$/m)
  assert.match(dry.err, /^with values of: TAG$/m)
  assert.not.match(dry.err, /unneeded/)
  assert.match(await fine(...args), 'app bundled revision 1 deployed')
  assert.match(await fine(...args), 'unchanged')
  const revision = await client().request<{ files: { path: string }[]; environment: string[] }>(
    'GET',
    '/devices/press-7/apps/bundled/revisions/1',
  )
  assert.equal([revision.files.map(file => file.path), revision.environment], [['conf/app.conf'], ['TAG']])
  await fine('delete', 'app', 'bundled', '--device', 'press-7')
})

test.run()
