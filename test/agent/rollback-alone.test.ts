// A revision that fails while no broker can be reached gives way to the last good one as well, and is told of later; on the real Docker Engine.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AgentWorld, noBroker } from '../support/agents.js'
import { ensureTestImage } from '../support/busybox.js'
import { containersOf, docker } from '../support/docker.js'
import { failings, good, service, TriedApp } from '../support/failings.js'
import { appState } from '../support/observer.js'
import { eventually } from '../support/within.js'

const app = new TriedApp(`keep-alone-${process.pid}`)
const port = 20_000 + (process.pid % 10_000)

const alone = suite<{ world: AgentWorld }>('alone')

alone.before.each(async context => {
  ensureTestImage()
  context.world = await AgentWorld.open()
})
alone.after.each(async ({ world }) => {
  await world.close()
  app.clear()
})

for (const [what, { compose, code, path, settleS = 1 }] of Object.entries(failings(port))) {
  alone(`${what} brings the last good revision back, with the broker gone`, async ({ world }) => {
    await world.start()
    await app.deploy(world, good, 1)
    await app.proved(world, 1)
    await world.stop()
    app.takePort(port)
    world.deliver(app.name, compose, { revision: 2, policy: { settleS } })
    await world.start({ broker: noBroker })
    const failed = await eventually(60_000, 'it has failed', () => world.records().apps.get(app.name)?.failed)
    assert.equal([failed.revision, failed.fault.code, failed.fault.path], [2, code, path])
    await eventually(20_000, `the old revision: ${app.webIs()}`, () => app.runs())
    const back = containersOf(app.name)
    await world.start()
    await appState(world.observer, app.name, 'rolled-back')
    assert.equal([app.reported(world)?.revision, app.reported(world)?.failedRevision, app.reported(world)?.fault?.code], [1, 2, code])
    assert.equal(containersOf(app.name), back)
  })
}

alone(
  'a broker that goes in the midst of a trial changes nothing, and what failed is not tried again by an agent that starts anew',
  async ({ world }) => {
    await world.start()
    await app.deploy(world, good, 1)
    await app.proved(world, 1)
    const { web } = containersOf(app.name)
    await app.deploy(world, service('command: ["sh", "-c", "sleep 3; exit 3"]'), 2, { settleS: 10 })
    await eventually(20_000, 'the new container', () => containersOf(app.name).web !== undefined && containersOf(app.name).web !== web)
    await world.broker.stop()
    await eventually(30_000, 'the old revision', () => app.runs())
    await world.start({ broker: noBroker })
    assert.is(world.records().apps.get(app.name)?.failed?.revision, 2)
    docker('rm', '-f', containersOf(app.name).web!)
    await eventually(20_000, 'the old revision again', () => app.runs())
  },
)

alone.run()
