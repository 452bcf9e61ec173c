// What is said of an app, and how often of its pulls: tables of data, and a clock by hand.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Failed } from '../../agent/core/record.js'
import { type AppView, reportApp } from '../../agent/core/report.js'
import { PullBoard } from '../../agent/pulls.js'
import { ManualClock } from '../support/clock.js'
import { container, memory, observed, project, wish } from '../support/project.js'

const reports = suite('report')
const failed: Failed = {
  revision: 2,
  entry: 'e',
  generation: 0,
  fault: { code: 'service.exited', message: 'web ended', path: 'services.web' },
  retry: false,
  references: [],
}
const view = (fields: Partial<AppView> = {}): AppView => ({
  name: 'app',
  group: undefined,
  revision: 1,
  digest: undefined,
  wish: wish(project({ web: {} })),
  known: true,
  deferred: undefined,
  observed: observed([container('web')]),
  memory: memory(),
  busy: false,
  pulling: new Map(),
  loops: new Map(),
  trying: false,
  fault: undefined,
  course: 'desired',
  failed: undefined,
  stays: false,
  refreshed: 0,
  held: false,
  ...fields,
})
const unavailable = { code: 'image.unavailable', message: 'no image' } as const
const deferred = { code: 'pull.deferred', message: 'not now' } as const
const removal = { run: 'removed', owner: { app: 'app', device: 'dev' }, volumes: true } as const

const halves = wish(project({ web: {}, db: {} }))
const half = observed([container('web'), container('db', { state: 'exited', exitCode: 1 })])

/** State, code of the fault, failed revision. */
const cases: readonly [string, Partial<AppView>, readonly [string, string?, number?]][] = [
  ['runs', {}, ['running']],
  ['is on its way', { busy: true }, ['updating']],
  ['has to wait for an image', { busy: true, deferred }, ['updating', 'pull.deferred']],
  ['has failed and waits for an image', { fault: unavailable, deferred }, ['failed', 'image.unavailable']],
  ['is still tried', { fault: unavailable, trying: true }, ['updating', 'image.unavailable']],
  ['cannot be applied', { fault: unavailable }, ['failed', 'image.unavailable']],
  ['went back', { course: 'last-good', failed }, ['rolled-back', 'service.exited', 2]],
  ['is going back', { course: 'last-good', failed, busy: true }, ['updating', 'service.exited', 2]],
  ['cannot go back', { course: 'last-good', failed, fault: unavailable }, ['failed', 'image.unavailable', 2]],
  ['is tried once more, with nothing touched', { failed, busy: true }, ['rolled-back', 'service.exited', 2]],
  ['never ran, and is tried once more', { failed, busy: true, revision: 0 }, ['failed', 'service.exited', 2]],
  ['failed and is left so', { failed, stays: true, wish: halves, observed: half }, ['failed', 'service.exited', 2]],
  ['was left as it failed, and is well again', { failed, stays: true }, ['running']],
  ['was undone', { course: 'undone', failed, wish: removal, observed: observed([]) }, ['failed', 'service.exited', 2]],
  ['loops', { loops: new Map([['web', 7]]) }, ['failed', 'service.crash-loop']],
  ['is wanted no more than zero times', { wish: wish(project({ web: { scale: 0 } })), observed: observed([]) }, ['running']],
]
for (const [what, fields, expected] of cases) {
  reports(`an app that ${what}: ${expected.filter(Boolean).join(', ')}`, () => {
    const { state, fault, failedRevision } = reportApp(view(fields))
    assert.equal([state, fault?.code, failedRevision], [expected[0], expected[1], expected[2]])
  })
}

reports('half of an app in a crash loop is partial', () => {
  const both = { wish: wish(project({ web: {}, db: {} })), observed: observed([container('web'), container('db')]) }
  assert.is(reportApp(view({ ...both, loops: new Map([['web', 7]]) })).state, 'partial')
})

reports('images are told by their digest, pulls by their bytes, scaled services by their count', () => {
  const seen = observed([container('web'), container('web', { id: 'id-2', number: 2, state: 'exited', exitCode: 1 })], {
    images: { 'img:1': { id: 'sha256:1', digest: 'sha256:abc', volumes: [], taggedAt: 0, used: true } },
  })
  const scaled = wish(project({ web: { scale: 2 } }))
  const [service] = reportApp(view({ wish: scaled, observed: seen, pulling: new Map([['web', { bytes: 5, total: 10 }]]) })).services
  assert.equal([service?.digest, service?.pulledBytes, service?.pullBytes, service?.running, service?.scale], ['sha256:abc', 5, 10, 1, 2])
  const older = observed([container('web', { imageId: 'sha256:0' })], { images: seen.images })
  assert.is(
    reportApp(view({ observed: older, wish: { ...wish(project({ web: {} })), images: { web: 'sha256:0' } } })).services[0]?.digest,
    'sha256:0',
  )
})

reports('progress alone is told at most every 5 s, and only when it has moved by 5 points', () => {
  const clock = new ManualClock()
  const told: number[] = []
  const board = new PullBoard(clock, () => told.push(board.shown('a')?.bytes ?? -1))
  const note = (currentBytes: number) => board.note({ image: 'a', status: '', currentBytes, totalBytes: 1000 })
  for (let bytes = 0; bytes < 400; bytes += 10) {
    note(bytes)
    clock.advance(250)
  }
  assert.equal(told, [0, 200])
  clock.advance(60_000)
  note(249)
  note(250)
  note(400)
  assert.equal(told, [0, 200, 250])
  board.end('a')
  assert.is(board.shown('a'), undefined)
})

reports.run()
