// A revision that fails gives way to the last good one, from local images, and the manager hears of it; on the real Docker Engine.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage } from '../support/busybox.js'
import { failings, good, TriedApp } from '../support/failings.js'
import { appState } from '../support/observer.js'
import { eventually } from '../support/within.js'

const app = new TriedApp(`keep-back-${process.pid}`)
const port = 20_000 + (process.pid % 10_000)

const rollback = suite<{ world: AgentWorld }>('rollback')

rollback.before.each(async context => {
  ensureTestImage()
  context.world = await AgentWorld.open()
})
rollback.after.each(async ({ world }) => {
  await world.close()
  app.clear()
})

for (const [what, { compose, code, path, settleS = 1 }] of Object.entries(failings(port))) {
  rollback(`${what} brings the last good revision back`, async ({ world }) => {
    await world.start()
    await app.deploy(world, good, 1)
    await app.proved(world, 1)
    app.takePort(port)
    await app.deploy(world, compose, 2, { settleS })
    await appState(world.observer, app.name, 'rolled-back')
    const back = app.reported(world)
    assert.equal([back?.revision, back?.failedRevision, back?.fault?.code, back?.fault?.path], [1, 2, code, path])
    assert.ok(app.runs(), app.webIs())
    assert.equal(
      back?.services.map(({ state }) => state),
      ['running'],
    )
    await app.deploy(world, good, 3)
    await eventually(20_000, 'the next revision', () => app.reported(world)?.state === 'running' && app.reported(world)?.revision === 3)
    assert.is(app.reported(world)?.fault, undefined)
  })
}

rollback.run()
