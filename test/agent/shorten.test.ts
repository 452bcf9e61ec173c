// A report always fits its message, and every text that it holds is valid.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fullHeartbeat, standingOf } from '../../agent/core/heartbeat.js'
import { shorten } from '../../agent/core/shorten.js'
import { heartbeatCodec } from '../../protocol/messages/heartbeat.js'
import { type Reported, type ReportedService, reportedCodec } from '../../protocol/messages/reported.js'

const service = (fields: Partial<ReportedService> = {}): ReportedService => ({
  name: 'web',
  state: 'running',
  image: 'registry.example/press/web:1.27.3',
  container: '4f1c0a9be2d7',
  ports: ['0.0.0.0:8080->80/tcp'],
  ...fields,
})
const report = (apps: number, services: number, fields: Partial<ReportedService> = {}): Reported => ({
  version: 1,
  sequence: 1,
  revision: 3,
  groups: [],
  apps: Array.from({ length: apps }, (_, n) => ({
    name: `app-${n}`,
    revision: 1,
    state: 'running',
    services: Array.from({ length: services }, (_, k) => service({ name: `web-${k}`, ...fields })),
  })),
})
const received = (value: Reported): Reported => {
  const decoded = reportedCodec.decode(reportedCodec.encode(value))
  if (!decoded.ok) throw new Error(decoded.refusals[0].message)
  return decoded.value
}
const shortening = suite('shortening')

shortening('a report that fits is told whole', () => {
  const whole = report(500, 3)
  assert.equal(shorten(whole), whole)
})

shortening('a service with more ports than fit is reported with those that do', () => {
  const ports = Array.from({ length: 300 }, (_, n) => `0.0.0.0:${20_000 + n}->${n + 1}/tcp`)
  assert.is(received(shorten(report(1, 1, { ports }))).apps[0]?.services[0]?.ports?.length, 256)
})

shortening('a device with too much to tell leaves out details, keeps every app, and says so', () => {
  for (const [apps, services] of [
    [400, 20],
    [1000, 20],
    [20, 1000],
  ] as const) {
    const told = received(shorten(report(apps, services)))
    assert.is(told.apps.length, apps)
    assert.is(told.faults?.[0]?.code, 'message.too-large')
    assert.ok(told.apps.every(({ state }) => state === 'running'))
  }
})

shortening('a heartbeat of more services than it has room for is still a heartbeat', () => {
  const metrics = { uptimeS: 1, cpuPermille: 1, memoryUsedMiB: 1, diskUsedPermille: 1, loadCentis: 1, temperatureDeci: null }
  const standing = standingOf({ intervalS: 10, engineVersion: '20' }, 1, report(500, 10))
  assert.ok(heartbeatCodec.decode(heartbeatCodec.encode(fullHeartbeat({ epoch: 1, sequence: 1 }, standing, metrics))).ok)
})

shortening('half of a character is no reason to refuse a report', () => {
  assert.is(received(report(1, 1, { image: 'x\ud83d' })).apps[0]?.services[0]?.image, 'x\ufffd')
})

shortening.run()
