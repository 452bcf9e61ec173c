// The pure decisions: precedence of apps, roll-up, events from differences, and which device is meant.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { effectiveApps, manifestOf } from '../../manager/core/desired.js'
import { readinessEvent, reportEvents } from '../../manager/core/events.js'
import { heldOf, type PermitRecord } from '../../manager/core/held.js'
import { type App, type Device, newDevice } from '../../manager/core/model.js'
import { resolveDevice, resolveDevices } from '../../manager/core/resolve.js'
import { appOnDevice, appsOnDevice, type Standing, standingOf, summarise } from '../../manager/core/rollup.js'
import { profiles } from '../../protocol/messages/link.js'
import type { Reported, ReportedApp } from '../../protocol/messages/reported.js'

const test = suite('manager core')

let ids = 0
const app = (more: Partial<App> = {}): App => ({
  id: ++ids,
  target: { kind: 'group', name: 'line-1' },
  name: 'web',
  revision: 2,
  digest: 'd',
  version: null,
  run: 'running',
  services: ['web'],
  refresh: null,
  policy: {},
  manifest: 7,
  createdAt: 0,
  updatedAt: 0,
  ...more,
})
const reportedApp = (more: Partial<ReportedApp> = {}): ReportedApp => ({
  name: 'web',
  group: 'line-1',
  revision: 2,
  state: 'running',
  services: [],
  ...more,
})
const report = (apps: readonly ReportedApp[]): Reported => ({
  version: 1,
  sequence: 1,
  revision: 1,
  groups: [{ name: 'line-1', revision: 7 }],
  apps,
})
const device = (more: Partial<Device> = {}): Device => ({
  ...newDevice('a1', null, { now: 0, monotonic: 0 }),
  state: 'Ready',
  reason: null,
  ...more,
})

test("a device's own app wins over its groups', and the first group by name over the others", () => {
  const own = app({ target: { kind: 'device', name: 'a1' } })
  const first = app({ target: { kind: 'group', name: 'a' } })
  const second = app({ target: { kind: 'group', name: 'b' } })
  assert.equal(effectiveApps([second, first]).get('web'), first)
  assert.equal(effectiveApps([second, own, first]).get('web'), own)
})

test('who holds a device is the giver of the permit that does; one that was given since is not it', () => {
  const permit = (more: Partial<PermitRecord>): PermitRecord => ({
    target: { kind: 'group', name: 'line-1' },
    value: true,
    leaseS: null,
    by: 'bob',
    user: null,
    address: null,
    via: 'http',
    since: 0,
    given: 0,
    ...more,
  })
  const who = (why: 'withheld' | 'lapsed' | 'missing', more: Partial<PermitRecord>) => {
    const hold = { by: 'group', group: 'line-1', why, who: 'press PLC' } as const
    return heldOf(device({ reported: { ...report([]), hold } }), [permit(more)])?.who
  }
  assert.deepEqual(
    [who('withheld', { value: false }), who('withheld', {}), who('withheld', { leaseS: 9 })],
    ['bob', 'press PLC', 'press PLC'],
  )
  assert.deepEqual([who('lapsed', { leaseS: 9 }), who('lapsed', {}), who('lapsed', { value: false })], ['bob', 'press PLC', 'press PLC'])
  assert.equal(who('withheld', { value: false, target: { kind: 'group', name: 'line-2' } }), 'press PLC')
  assert.equal(who('missing', {}), 'press PLC')
})

test('a released device is told its release and no apps', () => {
  const desired = {
    target: { kind: 'device', name: 'a1' },
    revision: 3,
    groups: ['g'],
    images: ['**'],
    link: profiles.cellular,
    slow: 4,
    fleet: true,
    purges: [{ name: 'old', volumes: true }],
    intervalS: null,
    epochFloor: null,
  } as const
  const bytes = (text: string) => Buffer.from(text)
  const manifest = manifestOf({ ...desired, apps: [app()], release: 'keep', givenName: 'n', labels: { a: 'b' } }, new Uint8Array(8), bytes)
  assert.deepEqual(manifest, { version: 1, instance: new Uint8Array(8), revision: 3, apps: [], release: 'keep' })
})

test('a device is told the name that a user gave it and its labels, and nothing of them if it has none', () => {
  const desired = {
    target: { kind: 'device', name: 'a1' },
    revision: 3,
    groups: [],
    images: null,
    link: null,
    slow: null,
    fleet: false,
    purges: [],
    intervalS: null,
    epochFloor: null,
  } as const
  const told = (givenName: string | null, labels: Record<string, string>) =>
    manifestOf({ ...desired, apps: [], release: null, givenName, labels }, new Uint8Array(8), text => Buffer.from(text)).variables
  assert.equal(told(null, {}), undefined)
  assert.deepEqual(told('press-7', { 'hall-1': 'x', hall_1: 'y', a: '' }), [
    { name: 'DEVICE_NAME', value: 'press-7' },
    { name: 'LABEL_A', value: '' },
    { name: 'LABEL_HALL_1', value: 'x' },
  ])
})

const own = app({ target: { kind: 'device', name: 'a1' } })
const reportedOwn: ReportedApp = { name: 'web', revision: 2, state: 'failed', services: [] }
const standings: [name: string, app: App, reported: ReportedApp | undefined, standing: Standing][] = [
  ['not reported', app(), undefined, 'pending'],
  ['runs', app(), reportedApp(), 'running'],
  ['runs an older revision', app(), reportedApp({ revision: 1 }), 'pending'],
  ['is updating', app(), reportedApp({ revision: 1, state: 'updating' }), 'updating'],
  ['has rolled back', app(), reportedApp({ revision: 1, state: 'rolled-back', failedRevision: 2 }), 'rolled-back'],
  [
    'has rolled back from another revision',
    app({ revision: 3 }),
    reportedApp({ revision: 1, state: 'rolled-back', failedRevision: 2 }),
    'pending',
  ],
  [
    'had rolled back before it was told what is desired',
    app({ manifest: 8, run: 'stopped' }),
    reportedApp({ revision: 1, state: 'rolled-back', failedRevision: 2 }),
    'pending',
  ],
  ['had failed before it was told what is desired', app({ manifest: 8 }), reportedApp({ state: 'failed' }), 'pending'],
  ['failed on a device that holds no manifest of its own', own, reportedOwn, 'pending'],
  ['has failed', app(), reportedApp({ state: 'failed' }), 'failed'],
  ['is to be stopped and runs', app({ run: 'stopped' }), reportedApp(), 'pending'],
  ['is to be stopped and is', app({ run: 'stopped' }), reportedApp({ state: 'stopped' }), 'stopped'],
  ['has not got its newer images', app({ refresh: { generation: 9 } }), reportedApp({ refreshed: 8 }), 'pending'],
  ['has got them', app({ refresh: { generation: 9 } }), reportedApp({ refreshed: 9 }), 'running'],
  ['has rolled back from them', app({ refresh: { generation: 9 } }), reportedApp({ refreshed: 9, state: 'rolled-back' }), 'rolled-back'],
  [
    'is to be stopped, newer images or not',
    app({ run: 'stopped', refresh: { generation: 9 } }),
    reportedApp({ state: 'stopped' }),
    'stopped',
  ],
  ['is to run and is stopped', app(), reportedApp({ state: 'stopped' }), 'pending'],
  ["is another target's", app(), reportedApp({ group: 'line-2' }), 'pending'],
]
for (const [name, desired, reported, standing] of standings) {
  test(`an app that ${name} counts as ${standing}`, () => {
    const on = appOnDevice(desired, device({ reported: report(reported === undefined ? [] : [reported]) }), desired)
    assert.equal(standingOf(desired, on), standing)
  })
}

test('an app that another one of its name hides is a conflict', () => {
  const hidden = app()
  const winner = app({ target: { kind: 'device', name: 'a1' } })
  const on = appOnDevice(hidden, device(), winner)
  assert.deepEqual([on.fault?.code, standingOf(hidden, on)], ['app.conflict', 'failed'])
})

const summaries: [standings: Standing[], summary: Standing][] = [
  [[], 'pending'],
  [['running', 'running'], 'running'],
  [['running', 'pending'], 'partial'],
  [['running', 'updating'], 'updating'],
  [['running', 'updating', 'failed'], 'failed'],
  [['rolled-back', 'running'], 'rolled-back'],
  [['stopped', 'stopped'], 'stopped'],
  [['pending', 'unknown'], 'pending'],
]
for (const [states, summary] of summaries)
  test(`${states.join(', ') || 'no device'} is ${summary}`, () => assert.equal(summarise(states), summary))

test('an app that is no longer desired is shown until it is gone', () => {
  const [shown] = appsOnDevice(device({ reported: report([reportedApp({ state: 'removing' })]) }), [])
  assert.deepEqual([shown?.app, shown?.desiredRevision, shown?.state], ['web', null, 'removing'])
})

test('a report makes an event for each app that differs, and for each that is gone', () => {
  const before = report([reportedApp(), reportedApp({ name: 'db' }), reportedApp({ name: 'old' })])
  const after = report([reportedApp(), reportedApp({ name: 'db', state: 'failed', fault: { code: 'image.unavailable', message: 'no' } })])
  const events = reportEvents('a1', before, after)
  assert.deepEqual(
    events.map(event => [event.app, event.data.state, event.message]),
    [
      ['db', 'failed', 'db on a1 is failed: no'],
      ['old', 'removed', 'old on a1 is removed'],
    ],
  )
  assert.deepEqual(reportEvents('a1', after, after), [])
})

test('a readiness that stays the same makes no event', () => {
  const gone = { state: 'NotReady', reason: 'Disconnected' } as const
  assert.equal(readinessEvent('a1', gone, gone), undefined)
  assert.equal(readinessEvent('a1', { state: 'Ready', reason: null }, gone)?.type, 'device.not-ready')
})

test('a device is meant by its id before any name', () => {
  const devices = new Map(
    [device({ id: 'a1', name: 'b1' }), device({ id: 'b1' }), device({ id: 'c1', name: 'c' })].map(one => [one.id, one]),
  )
  const found = (reference: string) => {
    const result = resolveDevice(devices, reference)
    return result.ok ? result.value.id : result.refusals[0].code
  }
  assert.deepEqual(['b1', 'c', 'd'].map(found), ['b1', 'c1', 'device.unknown'])
  const twice = resolveDevices(devices, ['c', 'c1'])
  assert.equal(twice.ok && twice.value.length, 1)
})

test.run()
