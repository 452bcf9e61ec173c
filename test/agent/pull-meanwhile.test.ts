// A pull that takes long: what ran before is looked after meanwhile, and whatever is wanted next ends it at once; with a real registry.
import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { protocolVersion } from '../../protocol/messages/message.js'
import { requestCodec } from '../../protocol/messages/request.js'
import { formatTopic } from '../../protocol/topics.js'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { containersOf, docker } from '../support/docker.js'
import { good, service, TriedApp } from '../support/failings.js'
import { appState } from '../support/observer.js'
import { type Registry, startRegistry } from '../support/registry.js'
import { manager } from '../support/signing.js'
import { eventually } from '../support/within.js'

const app = new TriedApp(`keep-meanwhile-${process.pid}`)
const meanwhile = suite<{ world: AgentWorld; registry: Registry; image: string }>('meanwhile')

meanwhile.before.each(async context => {
  ensureTestImage()
  context.registry = await startRegistry({ bytesPerS: 20_000 })
  context.image = await context.registry.push('keep/slow', '1', `slow ${process.pid}`, { ballast: randomBytes(4_000_000) })
  context.world = await AgentWorld.open()
})
meanwhile.after.each(async ({ world, registry }) => {
  await world.close()
  await registry.close()
  app.clear()
})

/** The first revision is good, and the second one's image is on its way. */
const beginPull = async ({ world, registry, image }: { world: AgentWorld; registry: Registry; image: string }, first = good) => {
  await world.start()
  await app.deploy(world, first, 1)
  await app.proved(world, 1)
  await app.deploy(world, service('restart: always').replace(testImage, image), 2)
  await isPulling(world, registry)
}
const isPulling = (world: AgentWorld, { requests }: Registry) =>
  eventually(20_000, 'the pull', () => isReportedPulling(world) && requests.some(({ path }) => path.includes('/blobs/')))
const isReportedPulling = (world: AgentWorld) => app.reported(world)?.services.some(({ state }) => state === 'pulling')
const state = (id: string) => docker('inspect', '-f', '{{.State.Status}}', id)

meanwhile('a container of the revision before that is killed is started again', async context => {
  await beginPull(context, service('command: ["sleep", "3600"]'))
  const { web } = containersOf(app.name)
  docker('kill', web!)
  await eventually(10_000, 'it runs again', () => state(web!) === 'running')
  assert.ok(isReportedPulling(context.world))
})

meanwhile('a container of the revision before that is removed is made again', async context => {
  await beginPull(context)
  const { web } = containersOf(app.name)
  docker('rm', '-f', web!)
  await eventually(10_000, 'another one', () => containersOf(app.name).web !== web && app.runs())
  assert.ok(isReportedPulling(context.world))
})

meanwhile('a restart that is asked for is done', async context => {
  await beginPull(context)
  const { web } = containersOf(app.name)
  const startedAt = () => docker('inspect', '-f', '{{.State.StartedAt}}', web!)
  const before = startedAt()
  const { observer, agent } = context.world
  const { epoch } = observer.seen.statuses.at(-1)!
  const topic = formatTopic('skerry', { kind: 'request', device: agent!.id, rid: 'again' })
  const request = requestCodec.encode({ version: protocolVersion, epoch, kind: 'restart', app: app.name })
  await observer.publish(topic, manager.sign(topic, request), false)
  await eventually(10_000, 'it has been restarted', () => startedAt() !== before)
  assert.ok(isReportedPulling(context.world))
})

meanwhile('an agent that starts anew looks after the revision before as well', async context => {
  await beginPull(context)
  await context.world.stop()
  docker('rm', '-f', containersOf(app.name).web!)
  await context.world.start()
  await eventually(20_000, 'another one', () => app.runs())
})

meanwhile('a stop ends the pull, and stops what runs', async context => {
  await beginPull(context)
  const { observer, agent } = context.world
  const wanted = await observer.spec(app.name, good, 3)
  await observer.manifest({ device: agent!.id }, { apps: [{ ...wanted, run: 'stopped' }] })
  await appState(observer, app.name, 'stopped')
  assert.match(app.webIs(), /^exited/)
})

meanwhile('a newer revision ends the pull', async context => {
  await beginPull(context)
  await app.deploy(context.world, service('command: ["sleep", "7200"]'), 3)
  await eventually(15_000, 'it runs', () => app.webIs() === 'running "sleep 7200"')
  await app.proved(context.world, 3)
})

meanwhile.run()
