// What the agent tells of what runs, and when: on change, spaced, and over again only what nobody has acknowledged; on a clock of the test's.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Report, Reporter } from '../../agent/reporter.js'
import { applyChanges } from '../../protocol/changes.js'
import { unwrap } from '../../protocol/errors.js'
import { type Changes, changesCodec, stampOf } from '../../protocol/messages/changes.js'
import { type Reported, type ReportedApp, reportedCodec } from '../../protocol/messages/reported.js'
import { ManualClock } from '../support/clock.js'

const reporting = suite('reporter')

const app = (name: string, revision = 1): ReportedApp => ({
  name,
  revision,
  state: 'running',
  services: [{ name: 'web', state: 'healthy', image: 'registry.example/line/web:1.27', container: '4f1c0a9be2d7' }],
})
const report = (revision: number, apps: readonly ReportedApp[] = []): Report => ({ revision, groups: [], apps })
const many = (revision: number) =>
  report(
    revision,
    ['a', 'b', 'c', 'd', 'e'].map(name => app(name, name === 'c' ? revision : 1)),
  )

interface Sent {
  readonly channel: 'reported' | 'changes'
  readonly payload: Buffer
  /** The broker acknowledges it, or the connection ends before. */
  readonly settle: (arrived: boolean) => Promise<void>
}

/** A reporter at a broker that acknowledges by itself unless `holds` says that it waits for the test to do so. */
class World {
  readonly clock = new ManualClock()
  readonly sent: Sent[] = []
  state: Report | undefined = report(0)
  start = 1
  connected = true
  holds = false
  link = { changes: false, reportMs: 200 }
  readonly reporter = new Reporter({
    clock: this.clock,
    assemble: () => this.state,
    start: () => this.start,
    link: () => this.link,
    connected: () => this.connected,
    publish: (channel, payload) => this.#publish(channel, payload),
  })

  #publish(channel: Sent['channel'], payload: Buffer): Promise<boolean> {
    return new Promise(resolve => {
      const settle = async (arrived: boolean) => {
        resolve(arrived)
        await turn()
      }
      this.sent.push({ channel, payload, settle })
      if (!this.holds) resolve(true)
    })
  }

  async tell(state: Report | undefined, laterMs = 1000): Promise<void> {
    this.state = state
    this.reporter.note()
    await turn()
    this.clock.advance(laterMs)
    await turn()
  }

  async reconnect(): Promise<void> {
    this.connected = true
    this.reporter.renew()
    this.reporter.note()
    await turn()
  }

  channels(): string[] {
    return this.sent.map(({ channel }) => channel)
  }

  /** What whoever heard everything takes the device to run. */
  heard(): Reported | undefined {
    let held: { report: Reported; stamp: Uint8Array } | undefined
    for (const { channel, payload } of this.sent) {
      const stamp = stampOf(payload)
      if (channel === 'reported') held = { report: unwrap(reportedCodec.decode(payload)), stamp }
      else if (held !== undefined && follows(unwrap(changesCodec.decode(payload)), held.stamp))
        held = { report: unwrap(applyChanges(held.report, unwrap(changesCodec.decode(payload)))), stamp }
    }
    return held?.report
  }
}

const follows = ({ base }: Changes, stamp: Uint8Array) => Buffer.compare(base, stamp) === 0
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

reporting('a report goes out when it changes, and not else', async () => {
  const world = new World()
  await world.tell(report(0))
  await world.tell(report(0))
  await world.tell(report(1))
  const told = world.sent.map(({ payload }) => unwrap(reportedCodec.decode(payload)))
  assert.equal(
    told.map(({ start, sequence, revision }) => [start, sequence, revision]),
    [
      [1, 1, 0],
      [1, 2, 1],
    ],
  )
})

reporting('many changes make at most five reports a second, the last of them the newest', async () => {
  const world = new World()
  for (let n = 1; n <= 100; n++) await world.tell(report(n), 10)
  assert.ok(world.sent.length <= 6, `${world.sent.length} in a second`)
  await world.tell(report(100), 200)
  assert.is(world.heard()?.revision, 100)
})

reporting('nothing is reported while too little is known', async () => {
  const world = new World()
  await world.tell(undefined)
  assert.equal(world.sent, [])
  assert.is(world.reporter.heard.sequence, 0)
})

reporting('one report is on its way at a time, and after it only the newest', async () => {
  const world = new World()
  world.holds = true
  for (let n = 0; n < 5; n++) await world.tell(report(n))
  assert.is(world.sent.length, 1)
  await world.sent[0]!.settle(true)
  assert.is(world.sent.length, 2)
  assert.is(world.heard()?.revision, 4)
})

for (const changes of [false, true]) {
  reporting(`a new session is told nothing that was acknowledged${changes ? ' where changes are told' : ''}`, async () => {
    const world = new World()
    world.link = { ...world.link, changes }
    await world.tell(many(1))
    await world.tell(many(2))
    await world.reconnect()
    await world.reconnect()
    assert.is(world.sent.length, 2)
  })
}

reporting('a report that was not acknowledged comes again in the next session, as it is by then', async () => {
  const world = new World()
  world.holds = true
  await world.tell(report(1))
  world.connected = false
  await world.sent[0]!.settle(false)
  await world.tell(report(2))
  assert.is(world.sent.length, 1)
  await world.reconnect()
  assert.equal(world.channels(), ['reported', 'reported'])
  assert.is(world.heard()?.revision, 2)
})

reporting('an acknowledgement of a session that has ended counts for nothing', async () => {
  const world = new World()
  world.holds = true
  await world.tell(report(1))
  await world.reconnect()
  await world.sent[0]!.settle(true)
  assert.is(world.sent.length, 2)
  await world.tell(report(2))
  assert.is(world.sent.length, 2)
  await world.sent[1]!.settle(true)
  assert.is(world.sent.length, 3)
})

reporting('where changes are told, the first report of a start is whole and the next say what differs', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 200 }
  await world.tell(many(1))
  await world.tell(many(2))
  await world.tell(many(3))
  assert.equal(world.channels(), ['reported', 'changes', 'changes'])
  assert.equal(world.heard()?.apps, many(3).apps)
  const [whole = 0, ...changes] = world.sent.map(({ payload }) => payload.length)
  for (const bytes of changes) assert.ok(bytes < whole / 10, `${bytes} of ${whole}`)
})

reporting('changes come to no more than the report that they follow: then everything is told', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 200 }
  for (let n = 1; n <= 60; n++) await world.tell(many(n))
  const places = world.channels().flatMap((channel, at) => (channel === 'reported' ? [at] : []))
  assert.ok(places.length > 1 && places.length < 15, `whole reports at ${places}`)
  for (const [at, place] of places.entries()) {
    const row = world.sent.slice(place + 1, places[at + 1])
    const bytes = row.reduce((sum, { payload }) => sum + payload.length, 0)
    assert.ok(bytes <= world.sent[place]!.payload.length, `${bytes} bytes of changes`)
  }
  assert.equal(world.heard()?.apps, many(60).apps)
})

reporting('changes of which nobody knows whether they arrived come again as they were, and the next follow them', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 60_000 }
  await world.tell(many(1))
  world.clock.advance(60_000)
  world.holds = true
  await world.tell(many(2))
  world.connected = false
  await world.sent[1]!.settle(false)
  await world.tell(many(3))
  world.holds = false
  await world.reconnect()
  assert.equal(world.channels(), ['reported', 'changes', 'changes'])
  assert.ok(world.sent[2]!.payload.equals(world.sent[1]!.payload))
  world.clock.advance(60_000)
  await turn()
  assert.equal(world.heard()?.apps, many(3).apps)
})

reporting('the first change goes at once, the next when the link allows it', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 60_000 }
  await world.tell(many(1))
  world.clock.advance(60_000)
  await world.tell(many(2), 0)
  assert.is(world.sent.length, 2)
  await world.tell(many(3), 59_000)
  assert.is(world.sent.length, 2)
  await world.tell(many(4), 1_000)
  assert.is(world.sent.length, 3)
  assert.equal(world.heard()?.apps, many(4).apps)
})

reporting('a link that becomes faster does not wait for what a slow one had to', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 3_600_000 }
  await world.tell(many(1))
  await world.tell(many(2))
  world.link = { changes: false, reportMs: 200 }
  await world.tell(many(2))
  assert.equal(world.channels(), ['reported', 'reported'])
})

reporting('another start of the agent tells everything', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 200 }
  await world.tell(many(1))
  world.start = 2
  await world.reconnect()
  await world.tell(many(2))
  assert.equal(world.channels(), ['reported', 'reported', 'changes'])
  assert.is(world.heard()?.start, 2)
})

reporting('what was asked for is told whole at once, and is what the next changes follow', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 60_000 }
  await world.tell(many(1))
  await world.reporter.retell()
  assert.equal(world.channels(), ['reported', 'reported'])
  world.clock.advance(60_000)
  await world.tell(many(2))
  assert.equal(world.heard()?.apps, many(2).apps)
})

reporting('whoever asks while something is on its way gets everything after it', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 200 }
  await world.tell(many(1))
  world.holds = true
  await world.tell(many(2))
  let arrived = false
  const asked = world.reporter.retell().then(() => {
    arrived = true
  })
  await world.sent[1]!.settle(true)
  assert.equal([world.channels().at(-1), arrived], ['reported', false])
  await world.sent[2]!.settle(true)
  await asked
})

reporting('who asks while nothing is known, or when the session ends, is told so', async () => {
  const world = new World()
  world.state = undefined
  const codeOf = (asked: Promise<void>) => asked.then(() => 'told').catch(error => error.code)
  assert.is(await codeOf(world.reporter.retell()), 'device.unavailable')
  await world.tell(many(1))
  world.holds = true
  const cut = codeOf(world.reporter.retell())
  await world.sent.at(-1)!.settle(false)
  assert.is(await cut, 'broker.unavailable')
  world.connected = false
  const waiting = codeOf(world.reporter.retell())
  world.reporter.stop()
  assert.is(await waiting, 'broker.unavailable')
})

reporting('the newest message is known by its stamp', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 200 }
  assert.not(world.reporter.hasTold(undefined))
  await world.tell(many(1))
  await world.tell(many(2))
  const [whole, change] = world.sent.map(({ payload }) => stampOf(payload))
  assert.equal([world.reporter.hasTold(whole), world.reporter.hasTold(change), world.reporter.hasTold(undefined)], [false, true, false])
})

reporting('heartbeats follow the report that was told, with the states of now', async () => {
  const world = new World()
  world.link = { changes: true, reportMs: 60_000 }
  await world.tell(report(1, [app('b')]))
  const failing = { ...app('b'), services: [{ name: 'web', state: 'unhealthy' as const, image: 'x' }] }
  await world.tell(report(2, [app('a'), failing]))
  assert.is(world.sent.length, 1)
  const { sequence, apps } = world.reporter.heard
  assert.equal([sequence, apps.map(({ name }) => name), apps[0]?.services[0]?.state], [1, ['b'], 'unhealthy'])
})

reporting.run()
