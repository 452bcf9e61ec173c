// When the agent reports: on change, and at most five times a second, on a clock of the test's.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Report, Reporter } from '../../agent/reporter.js'
import { type Reported, reportedCodec } from '../../protocol/messages/reported.js'
import { ManualClock } from '../support/clock.js'

const rhythm = suite('rhythm')

const report = (revision: number): Report => ({ revision, groups: [], apps: [] })

function reporting(connected = () => true) {
  const clock = new ManualClock()
  const published: Reported[] = []
  let state: Report | undefined = report(0)
  const publish = async (payload: Buffer) => {
    const decoded = reportedCodec.decode(payload)
    if (connected() && decoded.ok) published.push(decoded.value)
    return connected()
  }
  const reporter = new Reporter({ clock, assemble: () => state, publish })
  const set = (next: Report | undefined) => {
    state = next
  }
  return { clock, published, reporter, set }
}

rhythm('a report goes out when it changes, and not else', () => {
  const { clock, published, reporter, set } = reporting()
  reporter.note()
  clock.advance(1000)
  reporter.note()
  set(report(1))
  reporter.note()
  assert.equal(
    published.map(({ sequence, revision }) => [sequence, revision]),
    [
      [1, 0],
      [2, 1],
    ],
  )
})

rhythm('many changes make at most five reports a second, the last of them the newest', () => {
  const { clock, published, reporter, set } = reporting()
  for (let n = 1; n <= 100; n++) {
    set(report(n))
    reporter.note()
    clock.advance(10)
  }
  assert.ok(published.length <= 6, `${published.length} in a second`)
  clock.advance(200)
  assert.is(published.at(-1)?.revision, 100)
})

rhythm('a new session gets the newest report again, whatever came of the last', async () => {
  let connected = false
  const { clock, published, reporter, set } = reporting(() => connected)
  reporter.note()
  set(report(1))
  reporter.note()
  await Promise.resolve()
  clock.advance(1000)
  connected = true
  reporter.renew()
  assert.equal(
    published.map(({ revision }) => revision),
    [1],
  )
  clock.advance(1000)
  reporter.renew()
  assert.is(published.length, 2)
})

rhythm('nothing is reported while too little is known', () => {
  const { published, reporter, set } = reporting()
  set(undefined)
  reporter.note()
  assert.equal(published, [])
})

rhythm.run()
