// The fold of signs of life: a table of what follows from what, and the law that order of delivery makes no difference.
import * as assert from 'node:assert/strict'
import fc from 'fast-check'
import { suite } from 'uvu'
import { foldSign, isSpent, noSigns, readinessOf, type Sign, type Signs, silentUntil } from '../../manager/core/liveness.js'
import { leaseMs } from '../../protocol/link.js'
import { offlineReasons } from '../../protocol/messages/status.js'

const test = suite('liveness')

const birth = (epoch: number, more: Partial<Extract<Sign, { kind: 'birth' }>> = {}): Sign => ({
  kind: 'birth',
  epoch,
  sequence: -1,
  intervalS: 10,
  engine: true,
  live: true,
  at: 1000,
  ...more,
})
const beat = (epoch: number, sequence: number, more: Partial<Extract<Sign, { kind: 'heartbeat' }>> = {}): Sign => ({
  kind: 'heartbeat',
  epoch,
  sequence,
  intervalS: 10,
  engine: true,
  at: 1000,
  ...more,
})
const pulse = (epoch: number, at = 1000): Sign => ({ kind: 'pulse', epoch, at })
const end = (epoch: number, reason: (typeof offlineReasons)[number] = 'Disconnected'): Sign => ({ kind: 'end', epoch, reason })

const fold = (signs: readonly Sign[], from: Signs = noSigns(0)) => signs.reduce(foldSign, from)
const word = (signs: Signs, now = 1000, listening: number | null = 0) => {
  const { state, reason } = readinessOf(signs, listening, now)
  return reason === null ? state : `${state} ${reason}`
}

const table: [name: string, signs: Sign[], word: string][] = [
  ['a live birth is Ready', [birth(5)], 'Ready'],
  ['a retained birth is no sign of life', [birth(5, { live: false })], 'Unknown ManagerRestarted'],
  ['a heartbeat without a birth is Ready', [beat(5, 0)], 'Ready'],
  ['a will is NotReady', [birth(5), end(5)], 'NotReady Disconnected'],
  ['a will of an older epoch says nothing', [birth(6), end(5)], 'Ready'],
  ['a will that comes before its birth counts', [end(5), birth(5)], 'NotReady Disconnected'],
  ['a heartbeat of a newer epoch than the will is Ready', [birth(5), end(5), beat(6, 0)], 'Ready'],
  ['a retained birth of a newer epoch than the will is Unknown', [end(5), birth(6, { live: false })], 'Unknown ManagerRestarted'],
  ['a clean stop says so', [birth(5), end(5, 'Stopped')], 'NotReady Stopped'],
  ['the will after a clean stop does not hide it', [end(5, 'Stopped'), end(5)], 'NotReady Stopped'],
  ['a release says so', [birth(5), end(5, 'Released')], 'NotReady Released'],
  ['an engine that is gone is NotReady', [birth(5), beat(5, 0, { engine: false })], 'NotReady EngineUnavailable'],
  ['an engine that is back is Ready', [birth(5, { engine: false }), beat(5, 0)], 'Ready'],
  ['an older heartbeat does not bring back an older flag', [beat(5, 3), beat(5, 2, { engine: false })], 'Ready'],
  ['an engine known to be gone stays NotReady unheard', [birth(5, { live: false, engine: false })], 'NotReady EngineUnavailable'],
  ['a short heartbeat is Ready', [birth(5, { live: false }), pulse(5)], 'Ready'],
  ['a short heartbeat says no more than the birth', [birth(5, { engine: false }), pulse(5)], 'NotReady EngineUnavailable'],
  ['what is known of the Engine stays until a birth says otherwise', [birth(5, { engine: false }), pulse(6)], 'NotReady EngineUnavailable'],
  [
    'a birth that comes after a short heartbeat of its session counts',
    [pulse(6), birth(6, { engine: false })],
    'NotReady EngineUnavailable',
  ],
  ['a birth that is said anew counts', [birth(5), beat(5, 3), birth(5, { sequence: 4, engine: false })], 'NotReady EngineUnavailable'],
  ['a birth that was said anew is older than a later heartbeat', [beat(5, 5), birth(5, { sequence: 4, engine: false })], 'Ready'],
  ['a will is not undone by a late short heartbeat', [birth(5), end(5), pulse(5)], 'NotReady Disconnected'],
  ['nothing at all is Unknown', [], 'Unknown NeverSeen'],
]
for (const [name, signs, expected] of table) test(name, () => assert.equal(word(fold(signs)), expected))

test('a silent device is NotReady when it was said that it would be, however long the manager could not hear', () => {
  for (const [listening, until] of [
    [0, 33_000],
    [20_000, 52_000],
    [90_000, 122_000],
  ] as const) {
    const signs = fold([birth(5)])
    assert.equal(silentUntil(signs, listening), until)
    assert.doesNotMatch(word(signs, until - 1, listening), /NotReady/)
    assert.equal(word(signs, until, listening), 'NotReady HeartbeatMissed')
  }
  assert.equal(silentUntil(fold([birth(5)]), null), null)
  const unheard = fold([birth(5, { live: false })])
  assert.equal(silentUntil(unheard, 20_000), 52_000)
  assert.match(word(unheard, 51_999, 20_000), /Unknown/)
  assert.equal(word(unheard, 52_000, 20_000), 'NotReady HeartbeatMissed')
})

test('a device is lost when its lease is over, and found by its next heartbeat', () => {
  const alive = fold([birth(5)])
  const over = 1000 + leaseMs(10)
  assert.equal(word(alive, over - 1), 'Ready')
  assert.equal(word(alive, over), 'NotReady HeartbeatMissed')
  assert.equal(word({ ...alive, lost: true }, 1001), 'NotReady HeartbeatMissed')
  assert.equal(word(fold([beat(5, 1, { at: over })], { ...alive, lost: true }), over), 'Ready')
})

test('the interval that a heartbeat declares makes the lease', () => {
  assert.equal(leaseMs(10), 32_000)
  const slow = fold([birth(5), beat(5, 0, { intervalS: 100 })])
  assert.equal(word(slow, 1000 + leaseMs(100) - 1), 'Ready')
  const later = fold([pulse(5, 50_000)], slow)
  assert.equal(word(later, 50_000 + leaseMs(100) - 1), 'Ready', 'and short ones renew it')
  assert.equal(word(later, 50_000 + leaseMs(100)), 'NotReady HeartbeatMissed')
})

test('silence counts only while the manager could hear', () => {
  const alive = fold([birth(5)])
  assert.equal(word(alive, 100_000, null), 'Unknown BrokerUnavailable')
  assert.equal(word(alive, 100_000, 99_000), 'Unknown BrokerUnavailable')
  assert.equal(word(alive, 99_000 + leaseMs(10), 99_000), 'NotReady HeartbeatMissed')
})

test('after a restart a device is Unknown for one lease, and one known as lost stays so', () => {
  const known = { ...noSigns(500), epoch: 5 }
  assert.equal(word(known, 600, 500), 'Unknown ManagerRestarted')
  assert.equal(word(known, 500 + leaseMs(10), 500), 'NotReady HeartbeatMissed')
  assert.equal(word({ ...known, lost: true }, 600, 500), 'NotReady HeartbeatMissed')
  assert.equal(word(foldSign({ ...known, lost: true }, birth(5, { live: false })), 600, 500), 'NotReady HeartbeatMissed')
  assert.equal(word(foldSign({ ...known, lost: true }, birth(6, { live: false })), 600, 500), 'Unknown ManagerRestarted')
})

test('a live sign of a spent epoch is recognised', () => {
  const known = fold([birth(7)])
  assert.equal(isSpent(known, birth(6)), true)
  assert.equal(isSpent(known, birth(7)), false)
  assert.equal(isSpent(known, birth(8)), false)
  assert.equal(isSpent(known, birth(6, { live: false })), false)
  assert.equal(isSpent(fold([birth(7), end(7)]), birth(7)), true)
  assert.equal(isSpent(fold([birth(7), end(7)]), beat(7, 4)), true)
  assert.equal(isSpent(known, beat(6, 4)), false)
  assert.equal(isSpent(fold([birth(7), end(7)]), pulse(7)), true)
})

/** What a real device sends is a function of epoch and sequence; only the order and the number of deliveries vary. */
const anySign: fc.Arbitrary<Sign> = fc.oneof(
  fc
    .record({ epoch: fc.integer({ min: 0, max: 3 }), live: fc.boolean(), sequence: fc.constantFrom(-1, 5, 6) })
    .map(({ epoch, live, sequence }) => birth(epoch, { live, sequence, engine: (epoch + sequence) % 3 !== 1 })),
  fc
    .record({ epoch: fc.integer({ min: 0, max: 3 }), sequence: fc.integer({ min: 0, max: 4 }) })
    .map(({ epoch, sequence }) => beat(epoch, sequence, { engine: (epoch + sequence) % 3 !== 0, intervalS: 5 + sequence })),
  fc.integer({ min: 0, max: 3 }).map(epoch => pulse(epoch)),
  fc
    .record({ epoch: fc.integer({ min: 0, max: 3 }), reason: fc.constantFrom(...offlineReasons) })
    .map(({ epoch, reason }) => end(epoch, reason)),
)

test('births, heartbeats and wills folded in any order end in the same readiness', () => {
  const shuffled = fc
    .array(anySign, { maxLength: 12 })
    .chain(signs => fc.tuple(fc.constant(signs), fc.shuffledSubarray(signs, { minLength: signs.length })))
  fc.assert(
    fc.property(shuffled, ([signs, other]) => {
      assert.equal(word(fold(other)), word(fold(signs)))
    }),
    { numRuns: 2000 },
  )
})

test('a sign that is delivered twice changes nothing', () => {
  fc.assert(
    fc.property(fc.array(anySign, { maxLength: 8 }), signs => {
      assert.deepEqual(fold([...signs, ...signs]), fold(signs))
    }),
  )
})

test.run()
