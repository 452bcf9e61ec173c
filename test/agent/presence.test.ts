// How a device shows that it is there: what each heartbeat says, when it comes, and when it is to be acknowledged, on a clock of the test's.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Condition } from '../../agent/core/heartbeat.js'
import { asksNow, keepaliveOf, patienceMs, spacingMs } from '../../agent/core/liveness.js'
import { Presence } from '../../agent/presence.js'
import { leaseMs } from '../../protocol/link.js'
import { engineFlag, type Heartbeat, isFull } from '../../protocol/messages/heartbeat.js'
import { type Link, profiles } from '../../protocol/messages/link.js'
import type { Reported } from '../../protocol/messages/reported.js'
import { ManualClock } from '../support/clock.js'

const presence = suite('presence')

const metrics = { uptimeS: 60, cpuPermille: 1, memoryUsedMiB: 2, diskUsedPermille: 3, loadCentis: 4, temperatureDeci: null }
const nothing: Reported = { version: 1, sequence: 1, revision: 0, groups: [], apps: [] }
const minute: Link = { ...profiles.lan, profile: 'minute', intervalS: 60, keepaliveS: 240, metricsS: 1800 }

/** A device whose broker acknowledges what it is asked to, unless it has gone. */
function device(link: Link) {
  const clock = new ManualClock()
  const start = clock.monotonic()
  const world = { link, connected: true, quiet: false, reported: nothing, revision: 0, answers: true, answeredAt: start }
  const births: Condition[] = []
  const numbers: (number | undefined)[] = []
  const beats: { readonly atS: number; readonly heartbeat: Heartbeat; readonly asks: boolean }[] = []
  const answer = () => {
    if (world.answers) world.answeredAt = clock.monotonic()
  }
  let sequence = 0
  const shown = new Presence({
    clock,
    voice: {
      birth: async (condition, how) => {
        births.push(condition)
        numbers.push(how?.sequence)
        answer()
      },
      epoch: 1,
      introduceAgain: () => {},
      mark: () => ({ epoch: 1, sequence: sequence++ }),
      beat: async (heartbeat, asks) => {
        beats.push({ atS: (clock.monotonic() - start) / 1000, heartbeat, asks })
        if (asks) answer()
      },
    },
    measure: () => metrics,
    link: () => world.link,
    isQuiet: () => world.quiet,
    isConnected: () => world.connected,
    silentMs: () => clock.monotonic() - world.answeredAt,
    revision: () => world.revision,
    reported: () => world.reported,
  })
  shown.noteEngine('20.10')
  const fullAtS = () => beats.filter(({ heartbeat }) => isFull(heartbeat)).map(({ atS }) => atS)
  const begin = () => {
    shown.open(async () => true)
    shown.greet()
  }
  return { clock, world, births, numbers, beats, shown, begin, fullAtS }
}

presence('heartbeats come with the interval, and are short while there is no news', () => {
  const { clock, births, beats, fullAtS, begin } = device(minute)
  begin()
  clock.advance(3600_000)
  assert.equal(births, [{ intervalS: 60, engineVersion: '20.10' }])
  assert.equal(
    beats.map(({ atS }) => atS),
    Array.from({ length: 61 }, (_, n) => n * 60),
  )
  assert.equal(fullAtS(), [0, 1800, 3600], 'metrics when they are due')
  assert.equal(
    beats.flatMap(({ heartbeat }) => (isFull(heartbeat) ? [heartbeat.sequence] : [])),
    [0, 1, 2],
  )
})

presence('every heartbeat has metrics where they are due with each', () => {
  const { clock, beats, fullAtS, begin } = device(profiles.lan)
  begin()
  clock.advance(100_000)
  assert.is(fullAtS().length, beats.length)
})

for (const link of [profiles.lan, minute]) {
  presence(`in quiet hours heartbeats go on without metrics, and metrics come after them: ${link.profile}`, () => {
    const { clock, world, beats, fullAtS, begin } = device(link)
    begin()
    world.quiet = true
    clock.advance(7200_000)
    assert.is(beats.length, 7200 / link.intervalS + 1)
    assert.equal(fullAtS(), [0])
    world.revision = 7
    clock.advance(link.intervalS * 1000)
    assert.equal(fullAtS().length, 2, 'but what has changed is told')
    world.quiet = false
    clock.advance(3600_000)
    assert.ok(fullAtS().length > 2)
  })
}

presence('a new report, a new manifest and a service in another state make the next heartbeat a full one', () => {
  const { clock, world, fullAtS, begin } = device(minute)
  begin()
  clock.advance(90_000)
  world.reported = { ...nothing, sequence: 2 }
  clock.advance(60_000)
  world.revision = 7
  clock.advance(60_000)
  const services = [{ name: 'web', state: 'running' as const, image: 'i' }]
  world.reported = { ...world.reported, apps: [{ name: 'a', revision: 1, state: 'running', services }] }
  clock.advance(120_000)
  assert.equal(fullAtS(), [0, 120, 180, 240])
})

presence('another interval, or an Engine that comes or goes, is said at once, by a birth and a full heartbeat', () => {
  const { clock, world, shown, births, numbers, beats, begin } = device(minute)
  begin()
  clock.advance(70_000)
  world.link = { ...minute, intervalS: 20 }
  shown.note()
  shown.note()
  clock.advance(5_000)
  shown.noteEngine('20.11')
  shown.noteEngine(undefined)
  clock.advance(20_000)
  assert.equal(births, [
    { intervalS: 60, engineVersion: '20.10' },
    { intervalS: 20, engineVersion: '20.10' },
    { intervalS: 20, engineVersion: undefined },
  ])
  assert.equal(numbers, [undefined, 1, 3], 'numbered with the heartbeats')
  assert.equal(
    beats.map(({ atS, heartbeat }) => [atS, isFull(heartbeat) && [heartbeat.intervalS, heartbeat.flags]]),
    [
      [0, [60, engineFlag]],
      [60, false],
      [70, [20, engineFlag]],
      [75, [20, 0]],
      [95, false],
    ],
  )
})

presence('what has changed since the CONNECT is told by another birth', () => {
  const { world, shown, births, numbers } = device(minute)
  shown.open(async () => true)
  world.link = { ...minute, intervalS: 30 }
  world.connected = false
  shown.note()
  assert.is(births.length, 1)
  world.connected = true
  shown.greet()
  assert.equal(
    births.map(({ intervalS }) => intervalS),
    [60, 30],
  )
  assert.equal(numbers, [undefined, 0])
})

presence('a session that begins anew is told by its birth alone where nothing has changed', () => {
  const { clock, world, births, beats, begin } = device(minute)
  begin()
  clock.advance(60_000)
  world.connected = false
  clock.advance(300_000)
  assert.is(beats.length, 2, 'nothing is said to nobody')
  world.connected = true
  begin()
  assert.is(births.length, 2)
  assert.is(beats.length, 2)
  clock.advance(60_000)
  assert.ok(beats.at(-1) !== undefined && !isFull(beats.at(-1)!.heartbeat))
  world.revision = 3
  begin()
  assert.ok(isFull(beats.at(-1)!.heartbeat), 'what changed meanwhile is told at once')
})

presence('what is stopped stays silent, whatever happens then', () => {
  const { clock, world, shown, beats, begin } = device(minute)
  begin()
  shown.stop()
  clock.advance(3600_000)
  world.revision = 9
  begin()
  clock.advance(3600_000)
  assert.is(beats.length, 1)
})

presence('one heartbeat in four or five asks for an answer where the keep-alive is four intervals', () => {
  const { clock, beats, begin } = device(minute)
  begin()
  clock.advance(86_400_000)
  const asked = beats.filter(({ asks }) => asks).length
  assert.ok(asked >= beats.length / 6 && asked <= beats.length / 4, `${asked} of ${beats.length}`)
})

presence('while no answer comes every heartbeat asks', () => {
  const { clock, world, beats, begin } = device(minute)
  begin()
  world.answers = false
  clock.advance(600_000)
  const first = beats.findIndex(({ asks }) => asks)
  assert.ok(beats.slice(first).every(({ asks }) => asks))
})

presence('under each profile the broker is given up after one and a half keep-alives of silence, and asked well before', () => {
  assert.is(leaseMs(10), 32_000)
  assert.is(patienceMs(profiles.lan), 33_000)
  assert.is(keepaliveOf({ keepaliveS: 65_535 }), 7202)
  for (const { intervalS, keepaliveS } of Object.values(profiles)) assert.ok(1.5 * keepaliveS * 1000 >= leaseMs(intervalS))
})

presence('whatever the settings, the broker hears the device within the keep-alive, and is asked in time for its answer', () => {
  const settings = fc.record({ intervalS: fc.integer({ min: 1, max: 86_400 }), keepaliveS: fc.integer({ min: 1, max: 65_535 }) })
  fc.assert(
    fc.property(settings, fc.integer({ min: 0, max: 999 }), (link, lateMs) => {
      const spacing = spacingMs(link)
      const keepaliveMs = keepaliveOf(link) * 1000
      assert.ok(spacing <= keepaliveMs)
      let silentMs = lateMs
      while (!asksNow(silentMs, link)) silentMs += spacing
      assert.ok(silentMs <= 1.3 * keepaliveMs + lateMs && patienceMs(link) - silentMs >= 0.2 * keepaliveMs - lateMs)
    }),
  )
})

presence.run()
