// time limit: 240 s
// A device that joins a group whose permit is 0, or comes back to one, never begins anything: with mosquitto, with Skerry's broker, and with plain Aedes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startBroker } from '../../broker/broker.js'
import { startBroker as startAedes } from '../manager/site.js'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage } from '../support/busybox.js'
import { EngineWatch } from '../support/engine-watch.js'
import { good, quick, service, TriedApp } from '../support/failings.js'
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js'
import { appState } from '../support/observer.js'
import { eventually } from '../support/within.js'

const app = new TriedApp(`permit-join-${process.pid}`)
const rounds = 3

const brokers: Readonly<Record<string, () => Promise<Mosquitto>>> = {
  mosquitto: () => startMosquitto(),
  'the broker that comes with the manager': startOwn,
  'plain Aedes': () => startAedes(),
}

async function startOwn(): Promise<Mosquitto> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-permit-broker-'))
  const listeners = [{ kind: 'tcp', host: '127.0.0.1', port: 0 }] as const
  const broker = await startBroker({ file: join(folder, 'broker.db'), listeners, log: pino({ level: 'silent' }) })
  const [{ port } = { port: 0 }] = broker.addresses
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    stop: async () => {
      await broker.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const isHeldBy = (world: AgentWorld, group: string) =>
  eventually(20_000, `held by ${group}`, () => {
    const { hold } = world.observer.seen.reports.at(-1) ?? {}
    return hold?.group === group && hold.why === 'withheld'
  })

const test = suite<{ engine: EngineWatch }>('joining what is held')
test.before.each(context => {
  ensureTestImage()
  context.engine = new EngineWatch(app.name)
})
test.after.each(async ({ engine }) => {
  await engine.stop()
  app.clear()
})

for (const [name, open] of Object.entries(brokers)) {
  test(name, async ({ engine }) => {
    const world = await AgentWorld.open(open())
    try {
      await world.start()
      const { observer } = world
      const device = world.agent!.id
      await engine.begin()
      for (let round = 1; round <= rounds; round++) {
        const group = `line-${round}`
        // The manifest is the older one at the broker.
        await observer.manifest({ group }, { apps: [{ ...(await observer.spec(app.name, good, round)), policy: quick }] })
        await observer.publish(`skerry/permit/group/${group}`, '0', true)
        await observer.manifest({ device }, { groups: [group] })
        await isHeldBy(world, group)
        await appState(observer, app.name, 'held')
      }
      assert.equal(await engine.deeds(), [])

      const group = `line-${rounds}`
      await observer.publish(`skerry/permit/group/${group}`, '1', true)
      await appState(observer, app.name, 'running')
      await app.proved(world, rounds)
      await world.stop()
      await observer.manifest({ group }, { apps: [{ ...(await observer.spec(app.name, service('restart: "no"'), 9)), policy: quick }] })
      await observer.publish(`skerry/permit/group/${group}`, '0', true)
      await engine.begin()
      await world.start()
      await isHeldBy(world, group)
      await appState(observer, app.name, 'held')
      assert.equal(await engine.deeds(), [])
    } finally {
      await world.close()
    }
  })
}

test.run()
