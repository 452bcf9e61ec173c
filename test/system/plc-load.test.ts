// A thousand commands a second, good ones and garbage: each is answered as it deserves, none is lost, all are counted. For longer: npm run bench -- plc-commands.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Embedded, Plc } from '../support/embedded.js'
import { answered, LoadPlc, loadApp, newTally, sendPaced } from '../support/plc-load.js'
import { eventually } from '../support/within.js'

const total = 2_000
const groups = ['line-1', 'line-2', 'line-3', 'line-4']

const test = suite('many commands')

test('2,000 commands of four PLCs', async () => {
  const site = await Embedded.start()
  const tally = newTally()
  try {
    for (const name of groups) {
      await site.api('POST', '/groups', { name })
      for (const revision of [1, 2]) await site.api('PUT', `/groups/${name}/apps/web?version=${revision}.0`, loadApp(revision))
    }
    const plcs = await Promise.all(groups.map(group => LoadPlc.connect(site.url, group, tally)))
    // It has heard that somebody listens.
    await (await Plc.connect(site.url)).leave()
    await sendPaced(plcs, { perSecond: 1_000, total })
    await eventually(60_000, 'all are answered', () => answered(tally) >= total).catch(() => {})
    assert.equal({ ...tally, delaysMs: [] }, { good: 1_200, bad: 800, done: 1_200, refused: 800, unexpected: 0, delaysMs: [] })
    const { commands } = await site.api('GET', '/stats')
    const refused = Object.values<number>(commands.refused).reduce((sum, count) => sum + count, 0)
    assert.equal([commands.received, commands.done, refused], [total, 1_200, 800])
    for (const plc of plcs) await plc.leave()
  } finally {
    await site.stop()
  }
})

test.run()
