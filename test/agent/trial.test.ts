// The judgement of a trial, of crash loops, and of what to follow: tables of data.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { awaitsRefresh, chooseCourse, entryOf, isGood, refreshedOf } from '../../agent/core/course.js'
import { againDelayMs, countRestarts, countStart, type Ends, isLooping, loopDelayMs, noEnds, showsLoop } from '../../agent/core/crashes.js'
import { judgeEnding } from '../../agent/core/ended.js'
import type { ObservedContainer } from '../../agent/core/observed.js'
import type { AppRecord, Failed, Good } from '../../agent/core/record.js'
import { neededImages, spareImages } from '../../agent/core/spare.js'
import { judgeTrial, type TrialTimes } from '../../agent/core/trial.js'
import type { Service } from '../../protocol/compose/project.js'
import { container, memory, observed, project, wish } from '../support/project.js'

const trial = suite('trial')
const times = (fields: Partial<TrialTimes> = {}): TrialTimes => ({
  elapsedMs: 1_000,
  steadyMs: 1_000,
  settleMs: undefined,
  ends: {},
  ...fields,
})

interface Case {
  readonly what: string
  readonly container: Partial<ObservedContainer>
  readonly service?: Partial<Service>
  readonly times?: Partial<TrialTimes>
  readonly expected: 'good' | 'waiting' | string
}

const always = { restart: { policy: 'always' } } as const
const check = { healthcheck: { test: ['CMD', 'x'], intervalMs: 1_000, timeoutMs: 1_000, retries: 2 } } as const
const cases: readonly Case[] = [
  { what: 'has just started', container: {}, expected: 'waiting' },
  { what: 'has run steadily', container: {}, times: { steadyMs: 10_000 }, expected: 'good' },
  {
    what: 'has run steadily, but not for as long as was asked',
    container: {},
    times: { steadyMs: 10_000, elapsedMs: 10_000, settleMs: 60_000 },
    expected: 'waiting',
  },
  { what: 'has run as long as was asked', container: {}, times: { steadyMs: 2_000, elapsedMs: 2_000, settleMs: 2_000 }, expected: 'good' },
  { what: 'has not been started', container: { state: 'created' }, times: { elapsedMs: 60_000 }, expected: 'waiting' },
  {
    what: 'has not been started in the time that was asked for',
    container: { state: 'created' },
    times: { elapsedMs: 6_000, settleMs: 5_000 },
    expected: 'service.exited',
  },
  { what: 'is done', container: { state: 'exited' }, times: { steadyMs: 10_000 }, expected: 'good' },
  { what: 'has failed', container: { state: 'exited', exitCode: 3 }, expected: 'service.exited' },
  {
    what: 'is restarting for the first time',
    container: { state: 'restarting', exitCode: 1 },
    service: always,
    times: { ends: { web: 1 } },
    expected: 'waiting',
  },
  {
    what: 'restarts again and again, but not for long yet',
    container: { state: 'restarting' },
    service: always,
    times: { ends: { web: 9 }, elapsedMs: 20_000 },
    expected: 'waiting',
  },
  {
    what: 'restarts again and again',
    container: { state: 'restarting' },
    service: always,
    times: { ends: { web: 9 }, elapsedMs: 30_000 },
    expected: 'service.crash-loop',
  },
  {
    what: 'has ended again and again, and has just come up once more',
    container: {},
    service: always,
    times: { ends: { web: 9 }, elapsedMs: 30_000, steadyMs: 500 },
    expected: 'service.crash-loop',
  },
  {
    what: 'waited for another service and runs now',
    container: {},
    service: always,
    times: { ends: { web: 9 }, elapsedMs: 30_000, steadyMs: 10_000 },
    expected: 'good',
  },
  {
    what: 'is becoming healthy',
    container: { health: 'starting' },
    service: check,
    times: { steadyMs: 20_000, elapsedMs: 20_000 },
    expected: 'waiting',
  },
  {
    what: 'never becomes healthy',
    container: { health: 'starting' },
    service: check,
    times: { elapsedMs: 36_000 },
    expected: 'service.unhealthy',
  },
  {
    what: 'does not become healthy in the time that was asked for',
    container: { health: 'starting' },
    service: check,
    times: { elapsedMs: 5_000, settleMs: 5_000 },
    expected: 'service.unhealthy',
  },
  { what: 'is unhealthy', container: { health: 'unhealthy' }, service: check, expected: 'service.unhealthy' },
  {
    what: 'is unhealthy, but has time left',
    container: { health: 'unhealthy' },
    service: check,
    times: { settleMs: 60_000 },
    expected: 'waiting',
  },
  { what: 'is healthy', container: { health: 'healthy' }, service: check, times: { steadyMs: 10_000 }, expected: 'good' },
]

for (const { what, container: fields, service = {}, times: at = {}, expected } of cases) {
  trial(`a service that ${what}: ${expected}`, () => {
    const verdict = judgeTrial(wish(project({ web: service })), observed([container('web', fields)]), memory(), times(at))
    assert.is(verdict.state === 'failed' ? verdict.refusal.code : verdict.state, expected)
  })
}

trial('a revision is not good while one of its services is missing, or one of the old ones is there', () => {
  const both = wish(project({ web: {}, db: {} }))
  const steady = times({ steadyMs: 60_000 })
  assert.is(judgeTrial(both, observed([container('web')]), memory(), steady).state, 'waiting')
  const old = container('old')
  assert.is(judgeTrial(both, observed([container('web'), container('db'), old]), memory(), steady).state, 'waiting')
  assert.is(judgeTrial(both, observed([container('web'), container('db')]), memory(), steady).state, 'good')
})

const loop = (count: number): Ends => {
  let ends = noEnds
  for (let n = 0; n <= count; n++) ends = countRestarts(ends, [container('web', { restarts: n })], n * 1_000)
  return ends
}

trial('five ends without a calm time are a crash loop; what happened before is not counted', () => {
  assert.equal(
    [4, 5].map(count => isLooping(loop(count))),
    [false, true],
  )
  assert.not(isLooping(countRestarts(noEnds, [container('web', { restarts: 90 })], 0)))
})

trial('a loop is told of until it has run a while, and forgotten after a longer one', () => {
  const running = [container('web', { restarts: 5 })]
  const ends = loop(5)
  assert.ok(showsLoop(ends, running, 5_000 + 29_000))
  assert.not(showsLoop(ends, running, 5_000 + 30_000))
  assert.ok(showsLoop(ends, [container('web', { restarts: 5, state: 'exited' })], 3_600_000))
  assert.is(countRestarts(ends, running, 5_000 + 299_000).at.length, 5)
  assert.is(countRestarts(ends, running, 5_000 + 300_000).at.length, 0)
})

trial("starts by the agent wait longer and longer, and so does a loop of the Engine's", () => {
  const ended = (count: number) => Array.from({ length: count }).reduce<Ends>(ends => countStart(ends, 0), noEnds)
  assert.equal([1, 2, 3, 20].map(count => againDelayMs(ended(count), 0.999999)).map(Math.round), [1_000, 2_000, 4_000, 300_000])
  assert.equal([5, 6, 7, 30].map(count => loopDelayMs(ended(count), 0.999999)).map(Math.round), [10_000, 20_000, 40_000, 300_000])
})

trial("the app's policy holds for services that ask for no restart", () => {
  const no = { policy: 'no' } as const
  const failed = container('web', { state: 'exited', exitCode: 3, finishedAt: 5 })
  const done = container('web', { state: 'exited', exitCode: 0, finishedAt: 5 })
  const judge = (restart: 'no' | 'on-failure' | 'always') => [failed, done].map(each => judgeEnding(each, no, memory({ restart })))
  assert.equal(judge('no'), ['failed', 'completed'])
  assert.equal(judge('on-failure'), ['start', 'completed'])
  assert.equal(judge('always'), ['start', 'start'])
})

const digest = new Uint8Array(32)
const good: Good = { revision: 1, digest, content: 'one', generation: 0, images: [] }
const failed: Failed = {
  revision: 2,
  entry: 'two',
  generation: 3,
  fault: { code: 'service.exited', message: 'x' },
  retry: false,
  references: [],
}
const candidate = { entry: 'two', content: 'two', generation: 3 }

trial('what has failed is not followed until its entry changes or it is tried again', () => {
  const course = (record: AppRecord | undefined, entry = 'two', retrying = false) => chooseCourse(record, { ...candidate, entry }, retrying)
  assert.is(course(undefined), 'desired')
  assert.is(course({ good }), 'desired')
  assert.is(course({ good, failed }), 'last-good')
  assert.is(course({ good, failed }, 'three'), 'desired')
  assert.is(course({ good, failed }, 'two', true), 'desired')
  assert.is(course({ failed, kept: [] }), 'undone')
  assert.is(course({ failed }), 'desired', 'with containers of before and nothing to go back to')
})

trial('an entry differs by revision, spec, refresh and policy, not by its run state', () => {
  const app = { name: 'web', digest, run: 'running', revision: 1 } as const
  const others = [
    { ...app, revision: 2 },
    { ...app, digest: new Uint8Array(32).fill(1) },
    { ...app, refresh: { generation: 1 } },
    { ...app, refresh: { generation: 1, services: ['a'] } },
    { ...app, policy: { settleS: 5 } },
    { ...app, policy: { rollBack: false } },
  ]
  assert.is(new Set([app, ...others].map(entryOf)).size, others.length + 1)
  assert.is(entryOf({ ...app, run: 'stopped' }), entryOf(app))
})

trial('a refresh is done once it is good, or given up', () => {
  assert.is(refreshedOf({ good: { ...good, generation: 2 } }), 2)
  assert.is(refreshedOf({ good, failed }), 3)
  assert.is(refreshedOf({ good, failed: { ...failed, retry: true } }), 0)
  assert.ok(isGood({ good }, { entry: 'x', content: 'one', generation: 0 }))
  assert.not(isGood({ good }, { entry: 'x', content: 'one', generation: 1 }))
})

trial('a refresh that came to nothing is not tried with the next revision', () => {
  const next = { entry: 'next', content: 'two', generation: 3 }
  assert.ok(awaitsRefresh({ good }, next))
  assert.not(awaitsRefresh({ good, failed }, next))
  assert.not(awaitsRefresh({ good, failed }, { ...next, entry: failed.entry }), 'nor when that is tried again')
  assert.ok(awaitsRefresh({ good, failed }, { ...next, entry: failed.entry, content: good.content }), 'it is all that is new')
  assert.ok(awaitsRefresh({ good, failed }, { ...next, generation: 4 }), 'it is wanted anew')
  assert.not(awaitsRefresh({ good: { ...good, generation: 3 } }, next))
})

trial('images of the present and of the last good revision are never spare', () => {
  const apps = new Map<string, AppRecord>([
    ['web', { images: [{ reference: 'a:1', id: 'now' }], good: { ...good, images: [{ service: 'web', id: 'before' }] } }],
  ])
  const known = ['now', 'before', 'old', 'wanted'].map(id => ({ id, reference: 'a:1' }))
  assert.equal(spareImages([...known, { id: 'old', reference: 'b:1' }], neededImages(apps, [{ id: 'wanted' }])), [
    { id: 'old', references: ['a:1', 'b:1'] },
  ])
})

trial.run()
