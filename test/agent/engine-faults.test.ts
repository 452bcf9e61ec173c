// A Docker Engine that has no room, or starts anew in the midst of a trial: what ran goes on, and what was wanted comes by itself.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { containersOf, dockerOn } from '../support/docker.js'
import { TriedApp } from '../support/failings.js'
import { appState } from '../support/observer.js'
import { OwnEngine } from '../support/own-engine.js'
import { eventually } from '../support/within.js'

const app = new TriedApp(`keep-fault-${process.pid}`)
const service = (fields: string) => `services: { web: { image: ${testImage}, stop_signal: SIGKILL, network_mode: none, ${fields} } }`
const first = service('restart: always')
const second = service('command: ["sleep", "7200"]')

const faults = suite<{ world: AgentWorld; engine: OwnEngine }>('engine faults')

faults.before.each(async context => {
  context.engine = await OwnEngine.make()
  context.world = await AgentWorld.open()
})
faults.after.each(async ({ world, engine }) => {
  await world.close()
  await engine.remove()
})

const begin = async ({ world, engine }: { world: AgentWorld; engine: OwnEngine }) => {
  await engine.start()
  ensureTestImage(testImage, engine.host)
  await world.start({ engine: engine.host })
  await app.deploy(world, first, 1)
  await app.proved(world, 1)
}
const webIs = ({ host }: OwnEngine) =>
  dockerOn(host, 'ps', '-a', '--no-trunc', '--filter', app.label, '--format', '{{.State}} {{.Command}}')

faults('a full disk leaves what runs alone, is told of, and what was wanted comes by itself once there is room', async context => {
  const { world, engine } = context
  if (!engine.limit(64 * 1024 * 1024)) return
  await begin(context)
  const before = containersOf(app.name, engine.host)
  const filler = join(engine.data, 'filler')
  assert.throws(() => writeFileSync(filler, Buffer.alloc(64 * 1024 * 1024)))
  await app.deploy(world, second, 2)
  await appState(world.observer, app.name, 'rolled-back')
  assert.equal([app.reported(world)?.fault?.code, app.reported(world)?.failedRevision], ['disk.full', 2])
  assert.equal(containersOf(app.name, engine.host), before)
  assert.is(webIs(engine), 'running "sleep 3600"')
  rmSync(filler)
  await app.proved(world, 2, 60_000)
  assert.is(webIs(engine), 'running "sleep 7200"')
})

faults('an Engine that starts anew in the midst of a trial ends it neither well nor badly', async context => {
  const { world, engine } = context
  await begin(context)
  await app.deploy(world, second, 2, { settleS: 10 })
  await eventually(20_000, 'the new container', () => webIs(engine) === 'running "sleep 7200"')
  await engine.kill()
  await engine.start()
  await app.proved(world, 2, 60_000)
  assert.is(webIs(engine), 'running "sleep 7200"')
  assert.is(world.records().apps.get(app.name)?.failed, undefined)
})

faults('a revision that fails after the Engine has started anew gives way as it would have before', async context => {
  const { world, engine } = context
  await begin(context)
  await app.deploy(world, service('command: ["sh", "-c", "sleep 6; exit 3"]'), 2, { settleS: 20 })
  await eventually(20_000, 'the new container', () => webIs(engine).startsWith('running "sh'))
  await engine.kill()
  await engine.start()
  await appState(world.observer, app.name, 'rolled-back')
  await eventually(10_000, 'what ran', () => webIs(engine) === 'running "sleep 3600"')
  assert.is(app.reported(world)?.fault?.code, 'service.exited')
})

faults.run()
