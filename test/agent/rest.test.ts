// An app's loop without a permit: what it may still do, what it refuses, and the time that a trial gets back.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Step } from '../../agent/core/step.js'
import type { Clearance } from '../../agent/interlock.js'
import { Rest } from '../../agent/rest.js'
import { Restarts } from '../../agent/restart.js'
import { Trial } from '../../agent/trial.js'
import { SkerryError } from '../../protocol/errors.js'
import { ManualClock } from '../support/clock.js'
import { memory, observed, project, wish } from '../support/project.js'

const test = suite('rest')
const free: Clearance = { mayAct: true, hold: undefined }
const held: Clearance = { mayAct: false, hold: { by: 'group', group: 'line-1', why: 'withheld' } }
const unknown: Clearance = { mayAct: false, hold: undefined }
const steps: readonly Step[] = [
  { kind: 'pull', image: 'a', services: ['web'] } as unknown as Step,
  { kind: 'build', image: 'b', services: ['db'] } as unknown as Step,
  { kind: 'start', service: 'web', id: 'x', files: [], hooks: [], again: false } as unknown as Step,
]

function loop() {
  const clock = new ManualClock()
  const restarts = new Restarts()
  const state = { clearance: free }
  const rest = new Rest(() => state.clearance, restarts)
  const trial = new Trial(clock, { settleMs: 5_000 })
  const judge = () => trial.judge(wish(project({ web: {} })), observed([]), memory(), {}).state
  return { clock, restarts, state, rest, trial, judge }
}

test('only pulls and refusals need no permit', () => {
  const { rest, state, trial } = loop()
  assert.equal(rest.look(steps, true, trial), steps)
  assert.is(rest.holdsBack, false)
  for (const clearance of [held, unknown]) {
    state.clearance = clearance
    assert.equal(
      rest.look(steps, true, trial).map(({ kind }) => kind),
      ['pull'],
    )
    assert.is(rest.resting, true)
    // What is only not known yet is no hold.
    assert.is(rest.holdsBack, clearance === held)
  }
  rest.look([], false, trial)
  assert.is(rest.holdsBack, false)
})

test('a restart is refused while the device is held, and waits while that is not known', async () => {
  const { rest, state, restarts, trial } = loop()
  const asked = restarts.add([], new AbortController().signal).catch((error: unknown) => error)
  state.clearance = unknown
  rest.look([], false, trial)
  assert.is(rest.refusal(), undefined)
  state.clearance = held
  rest.look([], false, trial)
  const error = await asked
  assert.ok(error instanceof SkerryError && error.code === 'device.held')
})

test('a trial does not run out while the device is held, but it does while the permits are only not known yet', () => {
  for (const [clearance, wanted] of [
    [held, 'waiting'],
    [unknown, 'failed'],
  ] as const) {
    const { rest, state, trial, judge, clock } = loop()
    assert.is(judge(), 'waiting')
    state.clearance = clearance
    rest.look(steps, true, trial)
    clock.advance(3_600_000)
    state.clearance = free
    rest.look(steps, true, trial)
    assert.is(judge(), wanted)
  }
})

test.run()
