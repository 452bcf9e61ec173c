// One app's loop, with an Engine that only writes down what is asked of it.
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Engine } from '../../agent/engine.js'
import type { Clearance } from '../../agent/interlock.js'
import { Lane } from '../../agent/lane.js'
import { PullBoard } from '../../agent/pulls.js'
import { noTarget, type Target } from '../../agent/target.js'
import { ManualClock } from '../support/clock.js'
import { container, observed } from '../support/project.js'

const test = suite('lane')
const owner = { app: 'app', device: 'dev' }
const stopped: Target = { ...noTarget, owner, wish: { run: 'stopped', owner } }
const held: Clearance = { mayAct: false, hold: { by: 'device', why: 'withheld' } }

/** Containers that have ended, and that the Engine would start again by itself. */
class World {
  readonly clock = new ManualClock()
  clearance: Clearance = { mayAct: true, hold: undefined }
  readonly policies = new Map(['a', 'b', 'c'].map(id => [id, 'always']))
  /** While a policy is set. */
  meanwhile = () => {}
  #onChange = () => {}
  readonly lane = new Lane(stopped, {
    engine: {
      observe: async () =>
        observed([...this.policies].map(([id, policy]) => container(id, { id, state: 'exited', restart: { policy } as never }))),
      setRestart: async (id: string, { policy }: { policy: string }) => {
        this.policies.set(id, policy)
        this.meanwhile()
      },
    } as unknown as Engine,
    clock: this.clock,
    random: () => 0.5,
    log: pino({ level: 'silent' }),
    pulls: new PullBoard(this.clock, () => {}),
    gate: { isWaiting: () => false, deferral: () => undefined },
    clearance: () => this.clearance,
    prepare: () => {},
    onChange: () => this.#onChange(),
    onTrial: () => {},
    onOutcome: () => {},
    onImages: () => {},
    onConverged: () => {},
    onUnavailable: () => {},
  })

  /** What is set once the loop tells that it is held, or has nothing left to do. */
  async turn(): Promise<string> {
    await new Promise<void>(resolve => {
      this.#onChange = () => {
        const { busy, held } = this.lane.view()
        if (!busy || held) resolve()
      }
      this.lane.wake()
    })
    return [...this.policies.values()].join(' ')
  }
}

test('no further restart policy is set when the device is held meanwhile, and the rest are when it is free', async () => {
  const world = new World()
  world.meanwhile = () => {
    world.clearance = held
  }
  assert.is(await world.turn(), 'no always always')
  world.clearance = { mayAct: true, hold: undefined }
  world.meanwhile = () => {}
  assert.is(await world.turn(), 'no no no')
  await world.lane.stop()
})

test('no further restart policy of a target is set when there is another', async () => {
  const world = new World()
  world.meanwhile = () => {
    world.meanwhile = () => {}
    world.lane.aim({ ...noTarget, owner })
  }
  assert.is(await world.turn(), 'no always always')
  await world.lane.stop()
})

test.run()
