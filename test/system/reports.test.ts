// time limit: 180 s
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

/** Of each app the number of the change that was its last; every fourth takes the app away. */
function stateOf(changed: readonly number[]): Report {
  const apps = changed.flatMap((n, at) => {
    const state = serviceStates[n % serviceStates.length] ?? 'running'
    return n % 4 === 3 ? [] : [{ name: `app-${at}`, revision: n, state: 'running' as const, services: [{ name: 'web', state, image }] }]
  })
  return { revision: 1, groups: [], apps }
}

type Step = (site: ThinSite, size: number) => void

let changes = 0
let changed: readonly number[] = []

function change(site: ThinSite, at: number): void {
  changes++
  changed = changed.with(at, changes)
  site.change(stateOf(changed))
}

const steps: Readonly<Record<string, Step>> = {
  change,
  changeBack: (site, size) => site.change(stateOf(changed.with(size, 0))),
  arrive: (site, size) => site.arrive(size),
  acknowledge: (site, size) => site.acknowledge(size),
  deliver: (site, size) => site.deliver(size),
  allThrough(site) {
    site.advance(1_000)
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

const often = ['change', 'change', 'allThrough', 'allThrough', 'connect', 'listen', 'beat']
const step = fc.record({ what: fc.constantFrom(...Object.keys(steps), ...often, ...often, ...often), size: fc.nat(5) })

/** What must not be the last thing that happens: a change that nobody hears, or of which nobody knows whether it was heard. */
const ends = [
  [],
  ['listen', 'connect', 'allThrough', 'deafen', 'change', 'allThrough', 'allThrough'],
  ['listen', 'connect', 'allThrough', 'killManager', 'change', 'allThrough', 'allThrough'],
  ['connect', 'allThrough', 'change', 'arrive', 'cut'],
  ['connect', 'allThrough', 'change', 'allThrough', 'loseRetained', 'restore'],
  ['connect', 'allThrough', 'change', 'allThrough', 'restartAgent'],
] as const

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
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 70, size: 'max' }), fc.constantFrom(...ends), async (taken, end) => {
        changes = 0
        changed = [0, 0, 0, 0, 0, 0]
        const site = new ThinSite(template, stateOf(changed))
        try {
          site.listen()
          site.connect()
          for (const { what, size } of [...taken, ...end.map(what => ({ what, size: 5 }))]) {
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
