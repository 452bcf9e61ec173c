// What becomes of an app whose desired revision the device's policy denies: by tables of what is remembered of it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { EffectiveApp } from '../../../agent/core/effective.js'
import type { AppRecord } from '../../../agent/core/record.js'
import { Disk } from '../../../agent/disk.js'
import { Ledger } from '../../../agent/ledger.js'
import { Permits } from '../../../agent/permits.js'
import type { Target } from '../../../agent/target.js'
import { type TargetSources, targetOf } from '../../../agent/targets.js'
import { Verdicts } from '../../../agent/verdicts.js'
import { parseCompose } from '../../../protocol/compose/parse.js'
import { unwrap } from '../../../protocol/errors.js'
import { digestText } from '../../../protocol/spec.js'
import { ManualClock } from '../../support/clock.js'

const log = pino({ level: 'silent' })
const clock = new ManualClock()

interface World {
  folder: string
  disk: Disk
  ledger: Ledger
  /** Besides the one that is aimed at. */
  apps: EffectiveApp[]
  aim(app: Partial<EffectiveApp>, record?: AppRecord): Target
}

const test = suite<World>('targets under a policy')

const digest = (name: string) => Buffer.alloc(32, name)
const [mild, wild, fickle] = [digest('mild'), digest('wild'), digest('fickle')]
const [high, low, roaming] = [digest('high'), digest('low'), digest('roaming')]

/** Each spec by its digest; `wants` is a variable of the device. */
const specs: Record<string, (wants: string) => string> = {
  [digestText(mild)]: () => 'services: { web: { image: x } }',
  [digestText(wild)]: () => 'services: { web: { image: x, privileged: true } }',
  [digestText(high)]: () => 'services: { web: { image: x, volumes: ["/srv:/s"] } }',
  [digestText(low)]: () => 'services: { web: { image: x, volumes: ["/srv/x/y:/s"] } }',
  [digestText(roaming)]: wants => `services: { web: { image: x, volumes: ["${wants}:/s"] } }`,
  [digestText(fickle)]: wants => `services: { web: { image: x, privileged: ${wants} } }`,
}

test.before.each(async world => {
  world.folder = mkdtempSync(join(tmpdir(), 'skerry-targets-'))
  world.disk = new Disk(world.folder, log)
  world.ledger = new Ledger(world.disk, clock, log)
  const { disk, ledger } = world
  const permits = await Permits.open({ source: undefined, folder: world.folder, engine: '/run/none.sock', clock, log })
  const verdicts = new Verdicts({ ledger, clock, random: () => 0, log, onVerdict: () => {} })
  const variablesOf = ({ group }: EffectiveApp) => ({ wants: group ?? 'false' })
  const project = (app: EffectiveApp, name: string, variables = variablesOf(app)) => {
    const text = specs[name]?.(variables.wants ?? '')
    return text === undefined
      ? undefined
      : ({ ok: true, value: { project: unwrap(parseCompose(text)).project, digestOf: () => undefined } } as const)
  }
  const effective = () => ({ apps: world.apps, conflicts: [] })
  const holdings = {
    project,
    variablesOf,
    effective,
    imageLists: () => [],
    unknownGroups: () => [],
  } as unknown as TargetSources['holdings']
  world.apps = []
  world.aim = (fields, record) => {
    if (record !== undefined) ledger.change('app', () => record)
    const app: EffectiveApp = { name: 'app', digest: wild, run: 'running', revision: 2, ...fields }
    return targetOf(app, { holdings, disk, ledger, verdicts, permits, now: () => 0 })
  }
})

test.after.each(({ folder, disk, ledger }) => {
  ledger.close()
  disk.close()
  rmSync(folder, { recursive: true, force: true })
})

const applied = { revision: 1, digest: mild, run: 'running' } as const
const good = {
  revision: 1,
  digest: mild,
  content: '',
  generation: 0,
  images: [{ service: 'web', id: 'sha256:1' }],
  variables: [{ name: 'wants', value: 'false' }],
}
const failed = {
  revision: 7,
  entry: 'e',
  generation: 0,
  fault: { code: 'service.exited', message: 'm' },
  retry: false,
  references: [],
} as const

const isDenied = (target: Target) => {
  assert.is(target.fault?.code, 'policy.denied')
  assert.is(target.fault?.path, 'services.web.privileged')
  assert.is(target.trial, undefined)
  assert.is(target.failed?.revision, 2)
}

/** By what is remembered: which revision is followed then, and of which images. */
const cases: Record<string, { record?: AppRecord; follows: number | undefined; pinned?: boolean }> = {
  'a first deploy: nothing is made': { follows: undefined },
  'one that runs and is good runs on, of its own images': { record: { applied, good }, follows: 1, pinned: true },
  'one that runs and has not proved itself runs on': { record: { applied }, follows: 1 },
  'one that was gone back to runs on': { record: { applied, good, failed }, follows: 1, pinned: true },
  'one whose successor had come, and failed, stays gone back to': {
    record: { applied: { revision: 7, digest: fickle, run: 'running' }, good, failed },
    follows: 1,
    pinned: true,
  },
  'one that was stopped stays so': { record: { applied: { ...applied, run: 'stopped' }, good }, follows: undefined },
}

for (const [what, { record, follows, pinned = false }] of Object.entries(cases)) {
  test(`denied after ${what}`, ({ aim }) => {
    const target = aim({}, record)
    isDenied(target)
    assert.is(target.revision?.revision, follows)
    assert.is(target.wish?.run, follows === undefined ? undefined : 'running')
    assert.is(target.wish?.run === 'running' && target.wish.images !== undefined, pinned)
    assert.is(target.wish?.run === 'running' && target.wish.project.services.web?.privileged === true, false)
  })
}

test('a first deploy that had failed goes on being undone', ({ aim }) => {
  const target = aim({}, { kept: ['data'], failed })
  isDenied(target)
  assert.equal(target.wish, { run: 'removed', owner: target.owner, volumes: true, kept: ['data'] })
  assert.is(target.course, 'undone')
})

test('what is denied may still be stopped', ({ aim }) => {
  const target = aim({ run: 'stopped' }, { applied, good })
  assert.equal([target.wish?.run, target.fault], ['stopped', undefined])
})

test('variables that make of an old revision what is denied do not bring it in by a side door', ({ aim }) => {
  const ran = { revision: 1, digest: fickle, run: 'running' } as const
  const unproved = aim({ group: 'true' }, { applied: ran })
  assert.equal([unproved.wish, unproved.fault?.code], [undefined, 'policy.denied'])
  const missing = aim({ group: 'true', digest: digest('missing') }, { applied: ran })
  assert.equal([missing.wish, missing.fault?.code], [undefined, 'policy.denied'])
  const proved = aim({ group: 'true', digest: fickle }, { applied: ran, good: { ...good, digest: fickle } })
  assert.is(proved.wish?.run === 'running' && proved.wish.project.services.web?.privileged, undefined)
  assert.is(proved.fault?.code, 'policy.denied')
})

test('what already runs and is denied now is left alone: nothing is made of it, and nothing stopped', ({ aim }) => {
  const target = aim(
    { revision: 2 },
    { applied: { revision: 2, digest: wild, run: 'running' }, good: { ...good, revision: 2, digest: wild } },
  )
  isDenied(target)
  assert.is(target.wish, undefined)
})

const other = (name: string, of: Uint8Array): EffectiveApp => ({ name, digest: of, run: 'running', revision: 1 })

test('of two new apps of which one could put a link into the way of the other, the first one by name is made', world => {
  world.apps = [other('aaa', high), other('app', low)]
  assert.is(world.aim({ digest: low }).fault?.code, 'policy.denied')
  world.apps = [other('app', low), other('zzz', high)]
  assert.is(world.aim({ digest: low }).fault, undefined)
  assert.is(world.aim({ name: 'zzz', digest: high }).fault?.code, 'policy.denied')
})

test('an app that runs is not refused for one that comes', world => {
  world.apps = [other('aaa', high), other('app', low)]
  const record = { applied: { revision: 2, digest: low, run: 'running' }, good: { ...good, digest: low } } as const
  assert.is(world.aim({ digest: low }, record).fault, undefined)
  assert.is(world.aim({ name: 'aaa', digest: high }).fault?.code, 'policy.denied')
})

test('a variable that gives an app other paths gives it no pass', world => {
  world.apps = [other('zzz', high), other('app', roaming)]
  world.ledger.change('zzz', () => ({ applied: { revision: 1, digest: high, run: 'running' } }))
  const ran = { applied: { revision: 2, digest: roaming, run: 'running' } } as const
  assert.is(world.aim({ digest: roaming, group: '/opt/a' }, ran).fault, undefined)
  assert.is(world.aim({ digest: roaming, group: '/srv/a' }, ran).fault?.code, 'policy.denied')
})

test('what would come back keeps its paths: no revision may get above them', world => {
  world.apps = [other('app', high)]
  assert.is(
    world.aim({ digest: high }, { applied: { revision: 1, digest: mild, run: 'running' }, good: { ...good, digest: low } }).fault?.code,
    'policy.denied',
  )
})

test.run()
