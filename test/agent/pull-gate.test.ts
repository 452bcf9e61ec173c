// When images may be pulled: so many at a time, none that would begin in quiet hours, and what is said meanwhile.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Engine } from '../../agent/engine.js'
import { PullGate, withGate } from '../../agent/pull-gate.js'
import { Quiet } from '../../agent/quiet.js'
import type { QuietHours } from '../../protocol/messages/link.js'
import { parseQuiet } from '../../protocol/quiet.js'
import { ManualClock } from '../support/clock.js'

const gates = suite('the gate of pulls')

/** Pulls that end when a test says so. The clock begins at midnight. */
class World {
  readonly clock = new ManualClock()
  atOnce: number | undefined
  hours: QuietHours[] = []
  floorMs = 0
  mayBuild = true
  changes = 0
  readonly underway = new Map<string, (error?: Error) => void>()
  readonly quiet = new Quiet({ clock: this.clock, hours: () => this.hours, floorMs: () => this.floorMs })
  readonly gate = new PullGate({
    clock: this.clock,
    quiet: this.quiet,
    atOnce: () => this.atOnce,
    mayBuild: () => this.mayBuild,
    onChange: () => {
      this.changes++
    },
  })

  pull(image: string, signal = new AbortController().signal): Promise<void> {
    return this.#pass({ kind: 'pull', image }, signal)
  }

  build(image: string, signal = new AbortController().signal): Promise<void> {
    return this.#pass({ kind: 'build', image }, signal)
  }

  #pass(entry: Parameters<PullGate['pass']>[0], signal: AbortSignal): Promise<void> {
    const { image } = entry
    return this.gate.pass(
      entry,
      signal,
      () =>
        new Promise<void>((resolve, reject) => {
          this.underway.set(image, error => {
            this.underway.delete(image)
            if (error === undefined) resolve()
            else reject(error)
          })
        }),
    )
  }

  async end(image: string, error?: Error): Promise<void> {
    this.underway.get(image)!(error)
    await settled()
  }

  async running(): Promise<string> {
    await settled()
    return [...this.underway.keys()].join(' ')
  }
}

const settled = async () => {
  for (let n = 0; n < 10; n++) await new Promise(resolve => setImmediate(resolve))
}

gates('lets all pass while nothing is set', async () => {
  const world = new World()
  for (const image of ['a', 'b', 'c']) void world.pull(image)
  assert.is(await world.running(), 'a b c')
  assert.is(world.changes, 0)
})

gates('lets so many pass at a time, in their order, as is set at the time', async () => {
  const world = new World()
  world.atOnce = 1
  for (const image of ['a', 'b', 'c', 'd']) void world.pull(image).catch(() => {})
  assert.is(await world.running(), 'a')
  assert.equal(
    ['a', 'b', 'd'].map(image => world.gate.isWaiting(image)),
    [false, true, true],
  )
  await world.end('a')
  assert.is(await world.running(), 'b')
  await world.end('b', new Error('the registry is away'))
  assert.is(await world.running(), 'c')
  world.atOnce = 2
  world.gate.adjust()
  assert.is(await world.running(), 'c d')
  assert.is(world.gate.deferral(), undefined)
})

gates('a fewer number leaves what has begun and lets nobody pass until there is room', async () => {
  const world = new World()
  for (const image of ['a', 'b', 'c']) void world.pull(image)
  assert.is(await world.running(), 'a b c')
  world.atOnce = 1
  world.gate.adjust()
  void world.pull('d')
  await world.end('a')
  await world.end('b')
  assert.is(await world.running(), 'c')
  await world.end('c')
  assert.is(await world.running(), 'd')
})

gates('what is given up before its turn frees its place, and throws why', async () => {
  const world = new World()
  world.atOnce = 1
  void world.pull('a')
  const abort = new AbortController()
  const given = world.pull('b', abort.signal).then(
    () => 'pulled',
    (error: Error) => error.message,
  )
  void world.pull('c')
  abort.abort(new Error('another target'))
  assert.is(await given, 'another target')
  await world.end('a')
  assert.is(await world.running(), 'c')
  assert.is(await world.pull('d', AbortSignal.abort(new Error('over'))).catch((error: Error) => error.message), 'over')
})

gates('nothing begins in quiet hours, and all that waits does when they end', async () => {
  const world = new World()
  void world.pull('before')
  world.hours = [parseQuiet('23:00-06:30')!]
  void world.pull('a')
  void world.pull('b')
  assert.is(await world.running(), 'before')
  assert.is(world.gate.deferral()?.code, 'pull.deferred')
  assert.match(world.gate.deferral()?.message ?? '', /before 06:30 UTC/)
  world.clock.advance(6.5 * 3_600_000 - 1)
  assert.is(await world.running(), 'before')
  world.clock.advance(1)
  assert.is(await world.running(), 'before a b')
  assert.is(world.gate.deferral(), undefined)
  assert.ok(world.changes > 0)
})

gates('quiet hours that are taken back end at once', async () => {
  const world = new World()
  world.hours = [parseQuiet('00:00-12:00')!]
  void world.pull('a')
  assert.is(await world.running(), '')
  world.hours = []
  world.gate.adjust()
  assert.is(await world.running(), 'a')
})

gates('quiet hours do not count by a clock that is evidently wrong, and a fault says so', async () => {
  const world = new World()
  world.hours = [parseQuiet('00:00-12:00')!]
  assert.equal(world.quiet.faults(), [])
  world.floorMs = world.clock.now() + 1
  void world.pull('a')
  assert.is(await world.running(), 'a')
  assert.equal(
    world.quiet.faults().map(({ code }) => code),
    ['clock.wrong'],
  )
  world.hours = []
  assert.equal(world.quiet.faults(), [], 'where none are set, nobody needs the clock')
})

gates('a build whose turn comes while the device is held waits on, and pulls pass it', async () => {
  const world = new World()
  world.atOnce = 1
  const abort = new AbortController()
  void world.pull('a')
  void world.build('b')
  assert.is(await world.running(), 'a')
  const given = world.build('c', abort.signal).catch((error: Error) => error.message)
  void world.pull('d')
  world.mayBuild = false
  await world.end('a')
  assert.is(await world.running(), 'd')
  void world.build('e')
  await world.end('d')
  assert.is(await world.running(), '')
  assert.is(world.gate.isWaiting('b'), true)
  abort.abort(new Error('another target'))
  assert.is(await given, 'another target')
  world.mayBuild = true
  world.gate.adjust()
  assert.is(await world.running(), 'b')
  await world.end('b')
  assert.is(await world.running(), 'e')
})

gates('pulls and builds of an engine pass through it alike, and nothing else does', async () => {
  const world = new World()
  world.atOnce = 1
  const done: string[] = []
  const engine = withGate(
    {
      pull: async ({ image }: { image: string }) => void done.push(`pull ${image}`),
      build: async ({ image }: { image: string }) => void done.push(`build ${image}`),
      removeImage: async (image: string) => void done.push(`remove ${image}`),
    } as unknown as Engine,
    world.gate,
  )
  void world.pull('first')
  const { signal } = new AbortController()
  const pulled = engine.pull({ image: 'a', services: [] } as never, () => {}, signal)
  const built = engine.build({ image: 'b', services: [] } as never, signal)
  await engine.removeImage('c')
  await settled()
  assert.equal(done, ['remove c'])
  await world.end('first')
  await Promise.all([pulled, built])
  assert.equal(done, ['remove c', 'pull a', 'build b'])
})

gates.run()
