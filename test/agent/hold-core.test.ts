// When a device may change its containers: tables of permits, leases and what its owner wants.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { describeHold, foldPermit, judgeHold, lapsed, nextLapseMs, type Premises, type Standing } from '../../agent/core/hold.js'
import { decodePermits, encodePermits } from '../../agent/core/hold-file.js'

const test = suite('hold')
const now = 1_000_000
const yes: Standing = { value: true }
const no: Standing = { value: false, by: 'press PLC' }
const leased: Standing = { value: true, untilMs: now + 1 }
const over: Standing = { value: true, untilMs: now }

/** `own`, then groups by name. */
function judged(
  mode: Premises['mode'],
  own: Standing | undefined,
  groups: Record<string, Standing | undefined> = {},
  { isReachable = true, isGood = true } = {},
) {
  const permits = [
    ...Object.entries(groups).map(([name, standing]) => ({ of: { kind: 'group', name } as const, standing, isGood })),
    { of: { kind: 'device', name: 'a1' } as const, standing: own, isGood },
  ]
  const hold = judgeHold({ mode, permits, isReachable, nowMs: now })
  return hold && [hold.by, hold.group, hold.why, hold.who].filter(part => part !== undefined).join(' ')
}

test('any 0 and any lapsed lease holds the device; no permit at all does not', () => {
  const table: [string | undefined, Standing | undefined, Record<string, Standing | undefined>][] = [
    [undefined, undefined, {}],
    [undefined, undefined, { a: undefined, b: undefined }],
    [undefined, yes, { a: yes, b: undefined }],
    [undefined, leased, {}],
    ['device withheld press PLC', no, {}],
    ['device lapsed', over, { a: yes }],
    ['group a withheld press PLC', yes, { a: no }],
    ['group b lapsed', undefined, { a: leased, b: over }],
    // The device's own is named first, then the first group by name.
    ['device lapsed', over, { a: no }],
    ['group a withheld press PLC', yes, { b: over, a: no }],
  ]
  for (const [wanted, own, groups] of table) assert.is(judged('optional', own, groups), wanted, JSON.stringify([own, groups]))
})

test('where the owner wants a permit, one must say 1 and none otherwise, and only while there is a broker', () => {
  const table: [string | undefined, Standing | undefined, Record<string, Standing | undefined>, boolean][] = [
    ['owner missing', undefined, {}, true],
    ['owner missing', undefined, { a: undefined }, true],
    [undefined, yes, { a: undefined }, true],
    [undefined, undefined, { a: leased }, true],
    ['group a withheld press PLC', yes, { a: no }, true],
    ['group a lapsed', yes, { a: over }, true],
    ['owner missing', yes, { a: yes }, false],
    ['device withheld press PLC', no, {}, false],
  ]
  for (const [wanted, own, groups, isReachable] of table)
    assert.is(judged('required', own, groups, { isReachable }), wanted, JSON.stringify([own, groups, isReachable]))
  // A 1 that was only known once is none; a 0 is one.
  assert.is(judged('required', yes, { a: leased }, { isGood: false }), 'owner missing')
  assert.is(judged('required', yes, { a: no }, { isGood: false }), 'group a withheld press PLC')
  assert.is(judged('optional', yes, {}, { isGood: false }), undefined)
  // An absent broker is nothing to whoever needs no permit.
  assert.is(judged('optional', yes, {}, { isReachable: false }), undefined)
})

test('a lease counts from its arrival; only a live message begins one', () => {
  const one = { value: true, leaseS: 30 }
  const fold = (before: Standing | undefined, live: boolean) => foldPermit(before, one, { live, nowMs: now })
  assert.equal(fold(undefined, true), { value: true, untilMs: now + 30_000 })
  assert.equal(fold(leased, true), { value: true, untilMs: now + 30_000 })
  // A copy says nothing of its publisher: what runs goes on, and where none runs none begins.
  assert.equal(fold(leased, false), { value: true, untilMs: now + 1 })
  for (const before of [undefined, yes, no]) assert.equal(fold(before, false), { value: true, untilMs: lapsed })
  for (const live of [true, false]) {
    assert.equal(foldPermit(leased, { value: true }, { live, nowMs: now }), { value: true })
    assert.equal(foldPermit(leased, { value: false, by: 'x' }, { live, nowMs: now }), { value: false, by: 'x' })
    assert.is(foldPermit(no, null, { live, nowMs: now }), undefined)
  }
})

test('the next change is the first end of a lease that runs', () => {
  assert.is(nextLapseMs([yes, no, over, { value: true, untilMs: lapsed }], now), undefined)
  assert.is(nextLapseMs([yes, { value: true, untilMs: now + 9 }, leased], now), now + 1)
})

test('what is kept on disk has no running lease', () => {
  const of = { kind: 'group', name: 'line-1' } as const
  const own = { kind: 'device', name: 'a1' } as const
  const back = decodePermits(
    Buffer.from(
      encodePermits([
        { of, standing: { ...leased, by: 'press PLC' } },
        { of: own, standing: no },
      ]),
    ),
  )
  assert.equal(back, [
    { of, standing: { value: true, by: 'press PLC', untilMs: lapsed } },
    { of: own, standing: no },
  ])
  for (const text of [
    '',
    '{}',
    '[1]',
    '[{"kind":"fleet","name":"x","value":true,"leased":false}]',
    '[{"kind":"group","name":"/","value":true,"leased":false}]',
  ])
    assert.is(decodePermits(Buffer.from(text)), undefined, text)
})

test('people read why', () => {
  assert.is(
    describeHold({ by: 'group', group: 'line-1', why: 'withheld', who: 'press PLC' }),
    'the device is held: the permit of group line-1 is 0 (press PLC)',
  )
  assert.is(describeHold({ by: 'device', why: 'lapsed' }), "the device is held: the device's permit has lapsed")
  assert.match(describeHold({ by: 'owner', why: 'missing' }), 'its owner wants a permit')
})

test.run()
