// Whatever is lost, repeated, turned round, killed or restored between a device and its manager: nothing wrong is shown, and in the end all that is right.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Report } from '../../agent/reporter.js'
import { openDb } from '../../manager/store/db.js'
import { serviceStates } from '../../protocol/messages/heartbeat.js'
import { contentOf, ThinSite } from '../support/thin-site.js'

const reports = suite<{ folder: string; template: string }>('reports')

reports.before(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'skerry-template-'))
  context.template = join(context.folder, 'manager.db')
  openDb(context.template).close()
})
reports.after(({ folder }) => rmSync(folder, { recursive: true, force: true }))

const image = 'registry.example/line/web:1.27'

/** Apps that come and go, and a service whose state is another each time. */
function stateOf(n: number): Report {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].filter((_, at) => at < 3 || ((n >> (at - 3)) & 1) === 1)
  const apps = names.map((name, at) => {
    const state = serviceStates[at === n % 3 ? n % serviceStates.length : 5] ?? 'running'
    return { name, revision: at === 0 ? n : 1, state: 'running' as const, services: [{ name: 'web', state, image }] }
  })
  return { revision: n, groups: [], apps }
}

type Step = (site: ThinSite, size: number) => void

let changes = 0
const steps: Readonly<Record<string, Step>> = {
  change: site => site.change(stateOf(++changes)),
  changeBack: site => site.change(stateOf(Math.max(0, changes - 1))),
  arrive: (site, size) => site.arrive(size),
  acknowledge: (site, size) => site.acknowledge(size),
  deliver: (site, size) => site.deliver(size),
  allThrough(site) {
    site.arrive(9)
    site.acknowledge(9)
    site.deliver(9)
  },
  swap: (site, size) => site.swap(size),
  repeat: (site, size) => site.repeat(size),
  beat: (site, size) => site.beat(size > 2),
  time: (site, size) => site.advance(size * 700),
  cut: (site, size) => site.cut(size > 3, size % 2 === 0),
  connect: site => site.connect(),
  restartAgent: site => site.restartAgent(false),
  agentGoesBack: site => site.restartAgent(true),
  killManager: site => site.killManager(),
  deafen: site => site.deafen(),
  listen: site => site.listen(),
  /** Before it can store what it has heard. */
  deliverAndKill(site, size) {
    site.deliver(size)
    site.killManager()
  },
  backUp: site => site.backUp(),
  restore: site => site.restore(),
  loseRetained: site => site.loseRetained(),
  switchLink(site) {
    site.link = { ...site.link, changes: !site.link.changes }
  },
}

const often = ['change', 'allThrough', 'arrive', 'deliver', 'acknowledge', 'time', 'connect', 'listen', 'beat']
const step = fc.record({ what: fc.constantFrom(...Object.keys(steps), ...often, ...often), size: fc.nat(5) })

/** What is shown is what the device has run at some time, never a mixture. */
function checkShown(site: ThinSite): void {
  const reported = site.device?.reported
  if (reported) assert.ok(site.history.has(contentOf(reported)), `shown, and never true: ${JSON.stringify(reported)}`)
}

const isShown = (site: ThinSite) => {
  const reported = site.device?.reported
  return reported != null && contentOf(reported) === contentOf(site.state)
}

/** Everything arrives from now on, and nothing new happens but heartbeats: short ones, if they may be. */
async function settle(site: ThinSite, full: boolean): Promise<void> {
  site.listen()
  site.connect()
  let after = 0
  for (let round = 0; round < 40 && after < 3; round++) {
    if (isShown(site)) after++
    for (let n = 0; n < 6; n++) {
      site.arrive(99)
      site.acknowledge(99)
      site.deliver(99)
      await site.turn()
      checkShown(site)
    }
    site.heedFloor()
    site.beat(full)
    site.advance(5_000 * 2 ** Math.min(round, 8))
    await site.turn()
  }
}

const seed = Number(process.env.SEED ?? 1)
const numRuns = Number(process.env.RUNS ?? 60)

for (const full of [true, false]) {
  reports(`come through whatever happens, with ${full ? 'full' : 'short'} heartbeats`, async ({ template }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async taken => {
        changes = 0
        const site = new ThinSite(template, stateOf(0))
        try {
          site.listen()
          site.connect()
          for (const { what, size } of taken) {
            steps[what]?.(site, size)
            await site.turn()
            checkShown(site)
          }
          await settle(site, full)
          assert.ok(isShown(site), `shown in the end: ${JSON.stringify(site.device?.reported)}, true: ${JSON.stringify(site.state)}`)
        } finally {
          site.close()
        }
      }),
      { seed, numRuns, includeErrorInReport: true },
    )
  })
}

reports.run()
