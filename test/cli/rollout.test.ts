import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { App, AppDevice } from '../../cli/api/apps.js'
import { describeChanges, describeDone, judge } from '../../cli/rollout.js'

const test = suite('cli: rollout')

const device = (fields: Partial<AppDevice> = {}): AppDevice => ({
  device: 'd1',
  name: 'press-1',
  deviceState: 'Ready',
  reason: null,
  group: null,
  revision: 2,
  desiredRevision: 2,
  desiredVersion: null,
  state: 'running',
  fault: null,
  held: null,
  failedRevision: null,
  refreshed: null,
  services: [],
  ...fields,
})
const app = (...devices: AppDevice[]): App => ({
  name: 'web',
  target: { kind: 'group', name: 'g' },
  revision: 2,
  version: null,
  digest: '',
  run: 'running',
  createdAt: '',
  updatedAt: '',
  services: ['web'],
  refresh: null,
  policy: { restart: 'no', settleS: null, rollBack: true },
  state: 'running',
  counts: { total: devices.length, running: 0 },
  devices,
})
const failed: Partial<AppDevice> = { state: 'failed', fault: { code: 'image.unavailable', message: 'no image' } }

test('a rollout is judged by its Ready devices', () => {
  const table: [string, AppDevice[], string[], string][] = [
    ['runs', [device()], [], 'done'],
    ['an older revision runs', [device({ revision: 1 })], [], 'waiting'],
    ['no report yet', [device({ state: 'pending', revision: null })], [], 'waiting'],
    ['nobody there', [], [], 'done'],
    ['nobody Ready', [device({ deviceState: 'NotReady' })], [], 'waiting'],
    ['one of two is away', [device(), device({ device: 'd2', deviceState: 'NotReady', revision: 1 })], [], 'done'],
    ['failed', [device(failed)], [], 'failed'],
    ['rolled back', [device({ state: 'rolled-back', revision: 1 })], [], 'failed'],
    ['failed before', [device(failed)], ['d1'], 'waiting'],
    ['rolled back from this one, said before', [device({ state: 'rolled-back', revision: 1, failedRevision: 2 })], ['d1'], 'failed'],
    ['rolled back from an earlier one', [device({ state: 'rolled-back', revision: 1, failedRevision: 1 })], [], 'waiting'],
    ['failed, another still at it', [device(failed), device({ device: 'd2', state: 'updating' })], [], 'waiting'],
    ['failed, another runs', [device(failed), device({ device: 'd2' })], [], 'failed'],
  ]
  for (const [what, devices, stale, kind] of table) {
    assert.is(judge(app(...devices), { revision: 2, stale: new Set(stale) }).kind, kind, what)
  }
})

test('newer images are waited for by their generation', () => {
  const goal = { revision: 2, refresh: 9, stale: new Set<string>() }
  const back = { state: 'rolled-back', revision: 2, failedRevision: 2 } as const
  const table: [string, Partial<AppDevice>, string][] = [
    ['not yet', { refreshed: 8 }, 'waiting'],
    ['never', {}, 'waiting'],
    ['done', { refreshed: 9 }, 'done'],
    ['a later one done', { refreshed: 11 }, 'done'],
    ['given up', { ...back, refreshed: 9 }, 'failed'],
    ['an earlier one given up', { ...back, refreshed: 8 }, 'waiting'],
  ]
  for (const [what, fields, kind] of table) assert.is(judge(app(device(fields)), goal).kind, kind, what)
})

test('who is not Ready is named with its reason, while waiting and at the end', () => {
  const away = device({ device: 'd2', name: 'press-2', deviceState: 'NotReady', reason: 'Disconnected', revision: 1 })
  const goal = { revision: 2, stale: new Set<string>() }
  assert.equal(judge(app(away), goal), { kind: 'waiting', why: 'no device is Ready: press-2 (Disconnected)' })
  const verdict = judge(app(device(), away), goal)
  if (verdict.kind !== 'done') throw new Error(verdict.kind)
  assert.is(describeDone('web', verdict), 'app web runs on 1 device; not Ready, will get it when back: press-2 (Disconnected)')
})

test('each change is one line', () => {
  const service = { name: 'web', image: 'nginx:1', ports: [] }
  const before = app(device({ state: 'pending', revision: null }))
  const pulling = app(device({ state: 'updating', revision: null, services: [{ ...service, state: 'pulling' }] }))
  assert.equal(describeChanges(before, pulling), ['press-1: web pulling (nginx:1)', 'press-1: app updating'])
  const running = app(device({ services: [{ ...service, state: 'running' }] }))
  assert.equal(describeChanges(pulling, running), ['press-1: web running', 'press-1: app running revision 2'])
  assert.equal(describeChanges(running, running), [])
  const at = (pulledBytes: number) => {
    const [on] = pulling.devices
    return app({ ...on!, services: [{ ...on!.services[0]!, pulledBytes, pullBytes: 1000 }] })
  }
  assert.equal(describeChanges(pulling, at(310)), ['press-1: web pulling (nginx:1): 30 %'])
  assert.equal([describeChanges(at(310), at(390)), describeChanges(at(310), at(300))], [[], []])
  assert.equal(describeChanges(running, app(device({ ...failed, services: running.devices[0]!.services }))), [
    'press-1: app failed: no image (image.unavailable)',
  ])
  assert.equal(describeChanges(running, app({ ...running.devices[0]!, deviceState: 'NotReady', reason: 'Disconnected' })), [
    'press-1: device is NotReady (Disconnected)',
  ])
})

test('devices that are held are waited for, and the wait says by whom', () => {
  const held = device({ state: 'held', revision: 1, held: { by: 'group', group: 'line-1', why: 'withheld', who: 'press PLC', since: '' } })
  assert.equal(judge(app(device(), held), { revision: 2, stale: new Set() }), { kind: 'waiting', why: 'held by group line-1 on 1 device' })
  assert.equal(judge(app(device({ state: 'updating' }), held), { revision: 2, stale: new Set() }), { kind: 'waiting' })
})

test.run()
