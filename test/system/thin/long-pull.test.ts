// time limit: 240 s
// A cable that is out for ten minutes, and for longer than any lease, under each profile, in simulated time: server and agent go by one clock of the test's.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startAgent } from '../../../agent/agent.js'
import { leaseMs } from '../../../protocol/link.js'
import { type ProfileName, profileNames, profiles } from '../../../protocol/messages/link.js'
import { ManualClock } from '../../support/clock.js'
import { clear, containersOf, machineEngine } from '../../support/docker.js'
import { Embedded } from '../../support/embedded.js'
import { type Relay, startRelay } from '../../support/relay.js'
import { HeldKeys } from '../../support/signing.js'
import { sayingApp } from '../../support/small-app.js'

const test = suite('a long pull')
const pullMs = 600_000
const stepMs = 1_000
const app = 'skt-thin-pull'

class Site {
  private constructor(
    readonly clock: ManualClock,
    readonly server: Embedded,
    readonly cable: Relay,
    readonly id: string,
  ) {}

  static async open(profile: ProfileName, act: (site: Site) => Promise<void>): Promise<void> {
    const clock = new ManualClock()
    const folder = mkdtempSync(join(tmpdir(), 'skt-pull-'))
    const server = await Embedded.start(clock)
    const cable = await startRelay({ port: server.port, host: '127.0.0.1' })
    const broker = { url: `mqtt://127.0.0.1:${cable.port}` }
    const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
    const keys = new HeldKeys(...server.manager.signingKeys())
    const agent = await startAgent({ folder, root: 'skerry', broker, keys, engine: machineEngine, clock, log })
    const site = new Site(clock, server, cable, agent.id)
    try {
      await site.until('Ready', ({ state }) => state === 'Ready')
      await server.api('PUT', `/devices/${agent.id}/link`, { profile })
      await site.until('the profile’s heartbeats', ({ intervalS }) => intervalS === profiles[profile].intervalS)
      await act(site)
    } finally {
      cable.plug()
      const stopped = agent.stop()
      for (let done = false; !done; clock.advance(stepMs)) done = await Promise.race([stopped.then(() => true), turn().then(() => false)])
      await cable.close()
      await server.stop()
      clear(app)
      rmSync(folder, { recursive: true, force: true })
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests assert on whatever the API answers
  readonly show = (): Promise<any> => {
    return this.server.api('GET', `/devices/${this.id}`).catch(() => ({}))
  }

  /** Lets time pass, and what happens in it happen. */
  async pass(ms: number, atOnceMs = stepMs): Promise<void> {
    for (let left = ms; left > 0; left -= atOnceMs) {
      this.clock.advance(Math.min(left, atOnceMs))
      await turn()
    }
  }

  /** Time passes until the API shows the device so; it gives how much. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on whatever the API answers
  async until(what: string, is: (device: any) => boolean, limitMs = 600_000): Promise<number> {
    const began = this.clock.monotonic()
    // What passes in reality meanwhile, such as Docker's work, takes no simulated time.
    const end = performance.now() + 30_000
    for (;;) {
      const device = await this.show()
      if (is(device)) return this.clock.monotonic() - began
      const late = this.clock.monotonic() - began > limitMs && performance.now() > end
      if (late) throw new Error(`not ${what}: ${JSON.stringify(device)}`)
      this.clock.advance(stepMs)
      await turn()
    }
  }
}

/** What is on its way on this machine's loopback arrives. */
const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

/** Pulls the cable; gives when the device is to be NotReady, in ms from now. */
async function pull({ clock, cable, show }: Site, lease: number): Promise<number> {
  cable.pull()
  // What has passed the cable by then is still to arrive: it is there when nothing changes any more.
  let bound = Number.NaN
  for (let same = 0; same < 4; ) {
    await new Promise(resolve => setTimeout(resolve, 250))
    const next = Date.parse((await show()).expectedBy) - clock.now()
    same = next === bound ? same + 1 : 0
    bound = next
  }
  assert.ok(bound > 0 && bound <= lease, `${bound} of ${lease}`)
  return bound
}

for (const profile of profileNames) {
  const lease = leaseMs(profiles[profile].intervalS)
  const isOver = lease <= pullMs
  test(`ten minutes without a cable: with the ${profile} profile a device is ${isOver ? 'NotReady when its lease is over' : 'Ready all the time'}, and converges`, async () => {
    await Site.open(profile, async site => {
      const { server, cable, id } = site
      await server.api('PUT', `/devices/${id}/apps/${app}`, sayingApp('one'))
      await site.until('running', ({ apps }) => apps?.[0]?.state === 'running')
      const [{ epoch }, before] = [await site.show(), containersOf(app).main]

      const bound = await pull(site, lease)
      await site.pass(Math.min(pullMs, bound) - 2 * stepMs)
      assert.equal(pick(await site.show()), { state: 'Ready', reason: null }, 'not before its time')
      for (const word of ['two', 'three']) await server.api('PUT', `/devices/${id}/apps/${app}`, sayingApp(word))
      await site.pass(3 * stepMs)
      assert.is((await site.show()).state, isOver ? 'NotReady' : 'Ready')
      if (isOver) await site.pass(pullMs - bound)
      assert.is(containersOf(app).main, before, 'what runs goes on running')

      cable.plug()
      const isThere = (device: { state: string; apps?: { revision: number; state: string }[] }): boolean =>
        device.state === 'Ready' && device.apps?.[0]?.revision === 3 && device.apps[0].state === 'running'
      await site.until('converged', isThere, 2 * lease)
      assert.is.not(containersOf(app).main, before)
      assert.is((await site.show()).epoch, isOver ? epoch + 1 : epoch, 'a connection that was not given up is the same one')
    })
  })

  test(`with the ${profile} profile a device that stays silent is NotReady when it was expected, and Ready at its next sign`, async () => {
    await Site.open(profile, async site => {
      const bound = await pull(site, lease)
      await site.pass(bound - 2 * stepMs, 5 * stepMs)
      assert.is((await site.show()).state, 'Ready')
      await site.pass(3 * stepMs)
      assert.equal(pick(await site.show()), { state: 'NotReady', reason: 'HeartbeatMissed' })
      site.cable.plug()
      await site.until('Ready', ({ state }) => state === 'Ready', 2 * lease)
    })
  })
}

function pick({ state, reason }: { state: string; reason: string }): object {
  return { state, reason }
}

test.run()
