// Reports of changes: whatever differs, applying it gives the later report; what does not fit is refused; and what a change costs.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { applyChanges, diffReport } from '../../protocol/changes.js'
import { unwrap } from '../../protocol/errors.js'
import { type Changes, changesCodec, stampOf } from '../../protocol/messages/changes.js'
import { type Reported, reportedCodec } from '../../protocol/messages/reported.js'
import { anyReport, busyReport } from '../support/reports.js'

const changing = suite('changes')

const stamp = Buffer.from('01020304', 'hex')
const travel = (changes: Changes): Changes => unwrap(changesCodec.decode(changesCodec.encode(changes)))
const wire = (report: Reported) => reportedCodec.encode(report).toString('hex')

changing('what differs, sent and applied, gives the later report, whatever the two are', () => {
  fc.assert(
    fc.property(anyReport, anyReport, (base, next) => {
      const before = wire(base)
      const made = unwrap(applyChanges(base, travel(diffReport({ report: base, stamp }, next))))
      assert.is(wire(made), wire(next))
      assert.is(wire(base), before)
    }),
    { numRuns: 800 },
  )
})

changing('the same report differs by nothing but its number', () => {
  fc.assert(
    fc.property(anyReport, fc.nat(5), (report, sequence) => {
      assert.equal(diffReport({ report, stamp }, { ...report, sequence }), { version: 1, sequence, base: stamp })
    }),
    { numRuns: 300 },
  )
})

changing('what was told step by step is what is told at once', () => {
  fc.assert(
    fc.property(fc.array(anyReport, { minLength: 2, maxLength: 6 }), reports => {
      const [first, ...later] = reports as [Reported, ...Reported[]]
      let held = first
      let base = first
      for (const next of later) {
        held = unwrap(applyChanges(held, travel(diffReport({ report: base, stamp }, next))))
        base = next
      }
      assert.is(wire(held), wire(base))
    }),
    { numRuns: 300 },
  )
})

changing('what was made of one report never throws on another: it gives a report or a refusal', () => {
  fc.assert(
    fc.property(anyReport, anyReport, anyReport, (one, two, other) => {
      const result = applyChanges(other, diffReport({ report: one, stamp }, two))
      if (result.ok) assert.ok(reportedCodec.decode(reportedCodec.encode(result.value)).ok)
      else assert.is(result.refusals[0].code, 'message.invalid')
    }),
    { numRuns: 500 },
  )
})

const empty: Changes = { version: 1, sequence: 2, base: stamp }
const held = busyReport(2)
const misfits: readonly (readonly [string, Changes])[] = [
  ['an app that goes', { ...empty, apps: { gone: [2] } }],
  ['an app that goes twice', { ...empty, apps: { gone: [1, 1] } }],
  ['an app that changes', { ...empty, apps: { changed: [{ at: 7, to: { state: 'failed' } }] } }],
  ['an app that changes after it has gone', { ...empty, apps: { gone: [0], changed: [{ at: 0, to: { state: 'failed' } }] } }],
  ['a place for an app', { ...empty, apps: { added: [{ at: 3, item: held.apps[0]! }] } }],
  ['a service', { ...empty, apps: { changed: [{ at: 0, to: { services: { gone: [1] } } }] } }],
]
for (const [what, changes] of misfits) {
  changing(`${what} that is not there is refused`, () => {
    const result = applyChanges(held, travel(changes))
    assert.is(result.ok || result.refusals[0].code, 'message.invalid')
  })
}

changing('no row of changes makes a report larger than one may be', () => {
  const item = { ...held.apps[0]!, fault: { code: 'image.pull', message: 'x'.repeat(1000) } }
  let report: Reported = { ...held, apps: [] }
  for (let n = 0; n < 40; n++) {
    const result = applyChanges(report, { ...empty, apps: { added: Array.from({ length: 20 }, () => ({ at: 0, item })) } })
    if (!result.ok) return assert.is(result.refusals[0].code, 'message.too-large')
    report = result.value
  }
  assert.unreachable('it grows without end')
})

changing('a change of one service of twenty apps costs 40 bytes, where the whole report costs more than 3500', () => {
  const base = busyReport(20)
  const apps = base.apps.map((app, n) =>
    n === 7 ? { ...app, state: 'failed' as const, services: [{ ...app.services[0]!, state: 'exited' as const, exitCode: 137 }] } : app,
  )
  const next: Reported = { ...base, sequence: base.sequence + 1, apps }
  const whole = reportedCodec.encode(next)
  const change = changesCodec.encode(diffReport({ report: base, stamp: stampOf(whole) }, next))
  assert.ok(whole.length > 3500, `the whole report has ${whole.length} bytes`)
  assert.ok(change.length <= 40, `the change has ${change.length} bytes`)
})

changing('a stamp tells payloads apart and is always the same', () => {
  assert.equal(stampOf(Buffer.from('a')), Buffer.from('ca978112', 'hex'))
  assert.not.equal(stampOf(Buffer.from('a')), stampOf(Buffer.from('b')))
})

changing.run()
