// The agent's small decisions: what is effective, how long to wait, whether the broker is there, how big a heartbeat is.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backoffMs, withinLease } from '../../agent/core/backoff.js'
import { effectiveApps, supersedes } from '../../agent/core/effective.js'
import { fullHeartbeat, standingOf } from '../../agent/core/heartbeat.js'
import { hostPath } from '../../agent/core/mounts.js'
import { splitReference } from '../../agent/docker-shapes.js'
import { osName, processorName } from '../../agent/facts.js'
import { cpuTimes, cpuUse, memoryUsedMiB } from '../../agent/metrics.js'
import { leaseMs } from '../../protocol/link.js'
import { heartbeatCodec, isFull } from '../../protocol/messages/heartbeat.js'
import type { Manifest } from '../../protocol/messages/manifest.js'
import type { Reported } from '../../protocol/messages/reported.js'

const manifest = (fields: Partial<Manifest> = {}): Manifest => ({ version: 1, instance: Buffer.alloc(8), revision: 1, apps: [], ...fields })
const app = (name: string, revision = 1) => ({ name, digest: Buffer.alloc(32), run: 'running' as const, revision })
const core = suite('core')

core("the device's own app wins, then the first group by name, and losers are told of", () => {
  const groups = new Map([
    ['b', manifest({ apps: [app('web', 2), app('db', 2)] })],
    ['a', manifest({ apps: [app('db', 3)] })],
    ['not-mine', manifest({ apps: [app('x')] })],
  ])
  const { apps, conflicts } = effectiveApps(manifest({ apps: [app('web', 1)], groups: ['b', 'a'] }), groups)
  assert.equal(
    apps.map(({ name, group, revision }) => [name, group, revision]),
    [
      ['db', 'a', 3],
      ['web', undefined, 1],
    ],
  )
  assert.equal(
    conflicts.map(({ code, path }) => `${code} ${path}`),
    ['app.conflict apps.web', 'app.conflict apps.db'],
  )
})

core('nothing is desired before the first manifest', () => {
  assert.equal(effectiveApps(undefined, new Map()), { apps: [], conflicts: [] })
})

core('an older manifest is ignored within one instance only', () => {
  const held = manifest({ revision: 5 })
  assert.not(supersedes(manifest({ revision: 5 }), held))
  assert.not(supersedes(manifest({ revision: 4 }), held))
  assert.ok(supersedes(manifest({ revision: 6 }), held))
  assert.ok(supersedes(manifest({ revision: 1, instance: Buffer.alloc(8, 1) }), held))
})

core('back-off doubles to its limit, and half of it is chance', () => {
  const limits = { firstMs: 1000, maxMs: 60_000 }
  assert.equal(
    [1, 2, 3, 7, 100].map(failures => backoffMs(failures, limits, 0)),
    [500, 1000, 2000, 30_000, 30_000],
  )
  assert.equal(
    [1, 100].map(failures => Math.round(backoffMs(failures, limits, 0.999999))),
    [1000, 60_000],
  )
})

const worst = {
  uptimeS: 0xffffffff,
  cpuPermille: 1000,
  memoryUsedMiB: 65_535,
  diskUsedPermille: 1000,
  loadCentis: 65_535,
  temperatureDeci: 1200,
}
for (const [services, most] of [
  [3, 48],
  [10, 60],
] as const) {
  core(`a heartbeat with ${services} services has at most ${most} bytes`, () => {
    const states = Array.from({ length: services }, (_, n) => ({ name: `s${n}`, state: 'running' as const, image: 'i' }))
    const reported: Reported = {
      version: 1,
      sequence: 65_535,
      revision: 1,
      groups: [],
      apps: [{ name: 'a', revision: 1, state: 'running', services: states }],
    }
    const standing = standingOf({ intervalS: 65_535, engineVersion: '20' }, 65_535, reported)
    const bytes = heartbeatCodec.encode(fullHeartbeat({ epoch: 0xffffffff, sequence: 0xffffffff }, standing, worst))
    assert.ok(bytes.length <= most, `${bytes.length} bytes`)
    const decoded = heartbeatCodec.decode(bytes)
    assert.ok(decoded.ok && isFull(decoded.value) && decoded.value.states.length === services)
  })
}

core('references of images split into name and tag', () => {
  const cases = ['busybox', 'busybox:1', 'host:5000/a/b', 'host:5000/a/b:2', 'a@sha256:00', 'a:1@sha256:00']
  assert.equal(
    cases.map(splitReference).map(({ name, tag }) => [name, tag]),
    [
      ['busybox', 'latest'],
      ['busybox', '1'],
      ['host:5000/a/b', 'latest'],
      ['host:5000/a/b', '2'],
      ['a', 'sha256:00'],
      ['a', 'sha256:00'],
    ],
  )
})

core("relative sources start from the app's folder", () => {
  assert.equal(
    ['/a/b', './x', '../x', 'x/../y'].map(source => hostPath(source, '/apps/web')),
    ['/a/b', '/apps/web/x', '/apps/x', '/apps/web/y'],
  )
})

core('facts and metrics are read from what Linux says', () => {
  assert.is(osName('ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'), 'Debian GNU/Linux 12 (bookworm)')
  assert.is(processorName('processor\t: 0\nmodel name\t: ARM X\n'), 'ARM X')
  assert.is(processorName('processor\t: 0\nHardware\t: BCM2835\n'), 'BCM2835')
  const before = cpuTimes('cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1')
  assert.equal(before, { busy: 200, total: 1000 })
  assert.is(cpuUse(before, cpuTimes('cpu  200 0 100 1100 0 0 0 0 0 0\n')), 250)
  assert.is(cpuUse(before, before), 0)
  assert.is(memoryUsedMiB('MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\n'), 1)
})

core('attempts to connect never grow rarer than twice a lease, so that a broker that is back takes nobody for dead', () => {
  const limits = { firstMs: 1000, maxMs: 60_000 }
  assert.is(backoffMs(30, withinLease(limits, leaseMs(10)), 0.999), 15_992)
  assert.is(withinLease(limits, leaseMs(1)).maxMs, 2500)
  assert.is(withinLease(limits, leaseMs(3600)).maxMs, 60_000)
})

core.run()
