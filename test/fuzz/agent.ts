// Payloads to an agent's inbox, with its disk and its requests behind it. The reconciler is left out: it acts on what is held.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Disk } from '../../agent/disk.js'
import { Holdings } from '../../agent/holdings.js'
import { Inbox } from '../../agent/inbox.js'
import { Interlock } from '../../agent/interlock.js'
import { Requests } from '../../agent/requests.js'
import { quietForMs } from '../../protocol/quiet.js'
import { digestText } from '../../protocol/spec.js'
import { ManualClock } from '../support/clock.js'
import { HeldKeys } from '../support/signing.js'
import { makePayload } from './payloads.js'
import type { Random } from './random.js'
import type { Part, Target } from './run.js'
import { signers } from './samples.js'

export const agent: Part = { name: 'agent', cases: 100_000, lanes: 1, open: async () => new AgentTarget() }

/** An agent that holds more than this is made anew: what one case has left must not decide what the next one finds. */
const casesOfOne = 500

class AgentTarget implements Target {
  #clock = new ManualClock()
  #folder = ''
  #disk: Disk | undefined
  #inbox: Inbox | undefined
  #interlock: Interlock | undefined
  #holdings: Holdings | undefined
  #cases = 0
  #taken = 0

  run(_number: number, random: Random): void {
    if (this.#cases++ % casesOfOne === 0) this.#renew()
    const { topic, bytes, retained } = makePayload(random, () => true)
    if (this.#interlock?.receive(topic, bytes, retained) !== true) this.#inbox?.receive(topic, bytes, retained)
    if (random.once(10)) this.#clock.advance(random.pick([100, 11_000]))
    this.#lookAround()
  }

  async check(): Promise<void> {
    if (this.#cases > 200 && this.#taken === 0) throw new Error('nothing was taken: the cases say nothing')
  }

  async close(): Promise<void> {
    this.#inbox?.stop()
    this.#interlock?.stop()
    this.#disk?.close()
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true })
  }

  #renew(): void {
    void this.close()
    const log = pino({ level: 'silent' })
    this.#clock = new ManualClock()
    this.#folder = mkdtempSync(join(tmpdir(), 'skerry-fuzz-'))
    this.#disk = new Disk(this.#folder, log)
    const holdings = new Holdings(this.#disk, log, 'd1')
    const requests = new Requests({
      link: () => ({}),
      engine: { logSources: async () => [{ id: 'c1', service: 'web', number: 1, running: false }], readLog: noLog },
      clock: this.#clock,
      log,
      epoch: () => 65_537,
      publish: async () => true,
      servicesOf: app => (app === 'web' ? ['web'] : undefined),
      restart: async () => {},
      reporter: { hasTold: () => true, retell: async () => {} },
      onWorn: () => {},
    })
    this.#holdings = holdings
    this.#interlock = new Interlock({
      ...{ root: 'skerry', device: 'd1', mode: () => 'optional', disk: this.#disk, clock: this.#clock, log },
      ...{ groups: () => holdings.groupNames(), isManifestHeld: () => false, nowS: () => 1, leaseMs: () => 32_000, onChange: () => {} },
      isForgotten: () => false,
    })
    this.#inbox = new Inbox({
      ...{ root: 'skerry', device: 'd1', holdings, keys: new HeldKeys(signers.manager.publicKey), clock: this.#clock, log },
      leaseMs: () => 32_000,
      ...{ onDesired: () => void this.#taken++, onStanding: () => {}, onAskAgain: () => {}, onEpochFloor: () => {}, onRelease: () => {} },
      onRequest: (rid, payload) => requests.receive(rid, payload),
    })
  }

  /** What the reconciler asks after every change. */
  #lookAround(): void {
    const [inbox, holdings] = [this.#inbox, this.#holdings]
    if (inbox === undefined || holdings === undefined) return
    this.#interlock?.follow()
    if (this.#interlock?.clearance.mayAct === true && this.#interlock.clearance.hold !== undefined) throw new Error('held, and acts')
    inbox.topics()
    inbox.faults()
    holdings.purges()
    quietForMs(holdings.link().quiet, 0)
    for (const app of holdings.effective().apps.slice(0, 5)) holdings.project(app, digestText(app.digest))
  }
}

async function* noLog(): AsyncGenerator<never> {}
