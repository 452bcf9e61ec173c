// Which reports are taken in, which changes fit, and when a device is asked for the whole of it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Device } from '../../manager/core/model.js'
import { judgeBeat, judgeChanges, judgeReport, type Known } from '../../manager/core/reports.js'
import { Reports } from '../../manager/reports.js'
import { diffReport } from '../../protocol/changes.js'
import { SkerryError } from '../../protocol/errors.js'
import type { Changes } from '../../protocol/messages/changes.js'
import type { FullHeartbeat, ShortHeartbeat } from '../../protocol/messages/heartbeat.js'
import type { Reported } from '../../protocol/messages/reported.js'
import type { Response } from '../../protocol/messages/request.js'
import { ManualClock } from '../support/clock.js'
import { busyReport } from '../support/reports.js'
import { silent } from './site.js'

const test = suite('reports')

const stamp = (n: number) => Uint8Array.of(n, 0, 0, 0)
const report = (start: number | undefined, sequence: number): Reported => {
  const { start: _, ...rest } = busyReport(2)
  return { ...rest, sequence, ...(start === undefined ? {} : { start }) }
}
const known = (start: number | undefined, sequence: number, n = 1): Known => ({ reported: report(start, sequence), reportStamp: stamp(n) })
const nothing: Known = { reported: null, reportStamp: null }

const whole: readonly (readonly [
  string,
  Known,
  Reported,
  { live: boolean; sure: boolean; stamp?: number },
  ReturnType<typeof judgeReport>,
])[] = [
  ['the first one', nothing, report(1, 1), { live: false, sure: false }, 'news'],
  ['the next one', known(1, 4), report(1, 5), { live: true, sure: true }, 'news'],
  ['the same message', known(1, 4), report(1, 4), { live: true, sure: true, stamp: 1 }, 'same'],
  ['the same number in another message', known(1, 4), report(1, 4), { live: true, sure: true }, 'news'],
  ['one before it', known(1, 4), report(1, 3), { live: true, sure: true }, 'old'],
  ['one before it that the broker had kept', known(1, 4), report(1, 3), { live: false, sure: false }, 'old'],
  ['one of another start', known(1, 40), report(2, 1), { live: false, sure: false }, 'news'],
  ['one of the start before', known(2, 1), report(1, 40), { live: true, sure: true }, 'old'],
  ['a live one of the start before, in doubt', known(2, 1), report(1, 40), { live: true, sure: false }, 'news'],
  ['a live one before it, in doubt', known(1, 4), report(1, 1), { live: true, sure: false }, 'news'],
  ['one of an agent that numbers no starts', known(undefined, 9), report(undefined, 1), { live: false, sure: true }, 'news'],
  ['one of an agent that has been brought up to date', known(undefined, 9), report(1, 1), { live: false, sure: true }, 'news'],
]
for (const [what, held, next, { live, sure, stamp: n = 2 }, verdict] of whole) {
  test(`${what}${sure ? '' : ', while not sure'}${live ? '' : ', retained'}, is ${verdict}`, () => {
    assert.is(judgeReport(held, next, { stamp: stamp(n), live }, sure), verdict)
  })
}

const changes = (base: number, sequence = 5): Changes => ({ version: 1, sequence, base: stamp(base) })
const changed: readonly (readonly [string, Known, Changes, number, ReturnType<typeof judgeChanges>])[] = [
  ['changes of nothing that is known', nothing, changes(1), 2, 'gap'],
  ['changes that follow what is known', known(1, 4), changes(1), 2, 'news'],
  ['changes of something else', known(1, 4), changes(3), 2, 'gap'],
  ['the changes that made what is known', known(1, 4, 2), changes(1), 2, 'same'],
  ['changes after one whose stamp is not known', { ...known(1, 4), reportStamp: null }, changes(1), 2, 'gap'],
]
for (const [what, held, next, n, verdict] of changed) {
  test(`${what}: ${verdict}`, () => assert.is(judgeChanges(held, next, stamp(n)), verdict))
}

const full = (epoch: number, reported: number): FullHeartbeat => ({
  ...{ version: 1, epoch, sequence: 1, intervalS: 10, flags: 1, uptimeS: 1, cpuPermille: 1, memoryUsedMiB: 1, diskUsedPermille: 1 },
  ...{ loadCentis: 1, temperatureDeci: null, revision: 1, reported, states: new Uint8Array() },
})
const short = (epoch: number): ShortHeartbeat => ({ version: 1, epoch })
const first = 65_537
const second = 131_073

test('a heartbeat names the report by start and number, or says nothing of it', () => {
  assert.is(judgeBeat(known(1, 4), full(first, 4)), 'right')
  assert.is(judgeBeat(known(1, 4), full(first, 5)), 'wrong')
  assert.is(judgeBeat(known(1, 4), full(second, 4)), 'wrong')
  assert.is(judgeBeat(known(undefined, 4), full(second, 4)), 'right')
  assert.is(judgeBeat(nothing, full(first, 4)), 'wrong')
  assert.is(judgeBeat(known(1, 4), full(second, 0)), 'nothing-told')
  assert.is(judgeBeat(known(1, 4), short(first)), 'unsaid')
})

/** One device that answers as a test says. */
function world(held: Known = known(1, 4)) {
  const clock = new ManualClock()
  const device = { id: 'a1', ...held } as Device
  const asked: (Uint8Array | undefined)[] = []
  const site = { hears: true, answer: (): readonly Response[] => [{ version: 1, part: 0, last: true }] }
  const reports = new Reports({
    clock,
    log: silent,
    inventory: {
      devices: new Map([['a1', device]]),
      foldReport: (_, reported, by) => void Object.assign(device, { reported, reportStamp: by }),
    },
    requests: {
      hears: () => site.hears,
      async *ask(_device, { holds }) {
        asked.push(holds)
        yield* site.answer()
      },
    },
  })
  const wait = async (ms: number) => {
    clock.advance(ms)
    await new Promise(resolve => setImmediate(resolve))
  }
  return { device, asked, site, reports, wait }
}

test('a full heartbeat that names what is known leaves nothing to ask, and short ones after it neither', async () => {
  const { device, asked, reports, wait } = world()
  reports.beat(device, full(first, 4))
  for (let n = 0; n < 10; n++) {
    reports.beat(device, short(first))
    await wait(60_000)
  }
  assert.equal([asked, reports.knows(device)], [[], true])
})

test('a device that says nothing of its report is asked once, and answers shortly', async () => {
  const { device, asked, reports, wait } = world()
  reports.beat(device, short(first))
  await wait(1_900)
  assert.equal(asked, [])
  await wait(200)
  assert.equal([asked, reports.knows(device)], [[stamp(1)], true])
  reports.beat(device, short(first))
  await wait(3_600_000)
  assert.is(asked.length, 1)
  reports.down()
  reports.beat(device, short(first))
  await wait(2_000)
  assert.is(asked.length, 2)
})

test('what seemed to be missing and comes in time is not asked for', async () => {
  const { device, asked, reports, wait } = world()
  reports.beat(device, full(first, 5))
  await wait(1_000)
  const next = { ...report(1, 5), revision: 9 }
  assert.ok(reports.change(device, diffReport({ report: report(1, 4), stamp: stamp(1) }, next), stamp(2)))
  await wait(60_000)
  assert.equal([asked, device.reported?.revision, device.reportStamp], [[], 9, stamp(2)])
})

test('a gap is asked about with what is known; the whole report that comes settles it', async () => {
  const { device, asked, reports, wait, site } = world()
  site.answer = () => {
    reports.report(device, report(1, 7), { stamp: stamp(7), live: true })
    return [
      { version: 1, part: 0 },
      { version: 1, part: 1, last: true },
    ]
  }
  assert.is(reports.change(device, changes(6, 7), stamp(7)), undefined)
  await wait(2_000)
  assert.equal([asked, device.reported?.sequence, reports.knows(device)], [[stamp(1)], 7, true])
  await wait(3_600_000)
  assert.is(asked.length, 1)
})

test('changes that fit and make no report are asked about', async () => {
  const { device, asked, reports, wait } = world()
  assert.is(reports.change(device, { ...changes(1), apps: { gone: [99] } }, stamp(2)), undefined)
  await wait(2_000)
  assert.is(asked.length, 1)
  assert.is(device.reported?.sequence, 4)
})

test('a device that does not answer is asked again ever more rarely, and not at all while it is away', async () => {
  const { device, asked, reports, wait, site } = world()
  site.answer = () => {
    throw new SkerryError('wait.timeout', 'no answer')
  }
  reports.beat(device, short(first))
  for (let n = 0; n < 24 * 60; n++) await wait(60_000)
  assert.ok(asked.length > 10 && asked.length < 40, `${asked.length} times in a day`)
  site.hears = false
  const before = asked.length
  for (let n = 0; n < 24; n++) await wait(3_600_000)
  assert.is(asked.length, before)
  site.hears = true
  reports.beat(device, short(first))
  await wait(2_000)
  assert.is(asked.length, before + 1)
})

test('a whole report that was asked for and has not come is asked for again', async () => {
  const { device, asked, reports, wait, site } = world()
  const parts = site.answer()
  site.answer = () => [{ version: 1, part: 0 }, ...parts]
  reports.beat(device, full(first, 5))
  await wait(2_000)
  await wait(30_000)
  assert.is(asked.length, 2)
})

test('a birth of another start puts what is known in doubt, one of the same does not', async () => {
  const { device, reports } = world()
  reports.beat(device, full(first, 4))
  reports.birth(device, { epoch: first + 1 }, false)
  assert.ok(reports.knows(device))
  reports.birth(device, { epoch: first }, true)
  assert.not(reports.knows(device))
  reports.beat(device, full(first, 4))
  reports.birth(device, { epoch: second }, false)
  assert.not(reports.knows(device))
})

test.run()
