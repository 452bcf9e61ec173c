// What the agent keeps so: newer images, purges, crash loops, stopped apps, restarts; with a real registry and the real Docker Engine.
// time limit: 240 s
import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DesiredApp, Manifest } from '../../protocol/messages.js'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { appState } from '../support/observer.js'
import { type Registry, startRegistry } from '../support/registry.js'
import { eventually } from '../support/within.js'

const app = `keep-so-${process.pid}`
const keep = suite<{ world: AgentWorld; registry: Registry }>('keep')

keep.before.each(async context => {
  ensureTestImage()
  context.registry = await startRegistry({ bytesPerS: 8_000_000 })
  context.world = await AgentWorld.open()
})
keep.after.each(async ({ world, registry }) => {
  await world.close()
  await registry.close()
  clear(app)
  const left = docker('images', '-q', '--filter', `reference=${registry.host}/*/*`).split('\n').filter(Boolean)
  if (left.length > 0) docker('rmi', '-f', ...new Set(left))
})

const composeOf = (image: string, rest = 'restart: always') => `services: { web: { image: "${image}", stop_signal: SIGKILL, ${rest} } }`
const deploy = async ({ observer, agent }: AgentWorld, compose: string, fields: Partial<DesiredApp> = {}, more: Partial<Manifest> = {}) => {
  const wanted = await observer.spec(app, compose, fields.revision ?? 1)
  await observer.manifest({ device: agent!.id }, { apps: [{ ...wanted, policy: { settleS: 1 }, ...fields }], ...more })
}
const reported = ({ observer }: AgentWorld) => observer.seen.reports.at(-1)?.apps.find(({ name }) => name === app)
const imageOf = () => docker('inspect', '-f', '{{.Image}}', containersOf(app).web ?? 'none')
const isHere = (id: string) => docker('images', '-q', '--no-trunc').split('\n').includes(id)
const proved = (world: AgentWorld, generation = 0) =>
  eventually(20_000, 'it is good', () => world.records().apps.get(app)?.good?.generation === generation)

keep('a refresh brings the newer image of the same tag, and the older one goes', async ({ world, registry }) => {
  const image = await registry.push('keep/web', '1', `first ${app}`)
  await world.start()
  await deploy(world, composeOf(image))
  await appState(world.observer, app, 'running')
  await proved(world)
  const before = imageOf()
  assert.match(reported(world)?.services[0]?.digest ?? '', /^sha256:/)
  await registry.push('keep/web', '1', `second ${app}`)
  await deploy(world, composeOf(image), { refresh: { generation: 1 } })
  await eventually(30_000, 'it is refreshed', () => reported(world)?.refreshed === 1 && reported(world)?.state === 'running')
  assert.is.not(imageOf(), before)
  await eventually(10_000, 'the old image is gone', () => !isHere(before))
})

keep('a refresh that fails brings back the image of before, though its tag has moved', async ({ world, registry }) => {
  const image = await registry.push('keep/web', '1', `first ${app}`)
  await world.start()
  await deploy(world, composeOf(image, 'restart: "no"'))
  await proved(world)
  const before = imageOf()
  await registry.push('keep/web', '1', `second ${app}`, { command: ['sh', '-c', 'exit 3'] })
  await deploy(world, composeOf(image, 'restart: "no"'), { refresh: { generation: 1 } })
  await appState(world.observer, app, 'rolled-back')
  assert.is(imageOf(), before)
  assert.equal([reported(world)?.refreshed, reported(world)?.fault?.code], [1, 'service.exited'])
  await world.start()
  docker('rm', '-f', containersOf(app).web!)
  await eventually(20_000, 'it is made again, from the image of before', () => containersOf(app).web !== undefined && imageOf() === before)
})

keep('a pull is reported in bytes, a missing tag comes by itself once it is there', async ({ world, registry }) => {
  await world.start()
  await deploy(world, composeOf(`${registry.host}/keep/late:1`))
  await appState(world.observer, app, 'failed')
  assert.is(reported(world)?.fault?.code, 'image.unavailable')
  await registry.push('keep/late', '1', `late ${app}`, { ballast: randomBytes(4_000_000) })
  await eventually(60_000, 'it runs', () => reported(world)?.state === 'running')
  const pulling = world.observer.seen.reports.flatMap(({ apps }) => apps).flatMap(({ services }) => services)
  assert.ok(pulling.some(({ pulledBytes, pullBytes }) => pulledBytes !== undefined && (pullBytes ?? 0) >= pulledBytes))
})

keep('a purge takes volumes and images along, and leaves what others use', async ({ world, registry }) => {
  const image = await registry.push('keep/web', '1', `one ${app}`)
  const shared = await registry.push('keep/shared', '1', `shared ${app}`)
  await world.start()
  const compose = `services: { web: { image: "${image}", stop_signal: SIGKILL, volumes: ["data:/data"] }, db: { image: "${shared}", stop_signal: SIGKILL } }\nvolumes: { data: {} }`
  await deploy(world, compose)
  await appState(world.observer, app, 'running')
  const [used] = [docker('run', '-d', '--name', `${app}-stranger`, shared)]
  try {
    await world.observer.manifest({ device: world.agent!.id }, { purges: [{ name: app, volumes: true, images: true }] })
    await eventually(30_000, 'it is gone', () => world.records().apps.size === 0 && Object.keys(containersOf(app)).length === 0)
    assert.is(docker('volume', 'ls', '-q', '--filter', `name=${app}_data`), '')
    assert.is(docker('images', '-q', image), '')
    assert.is.not(docker('images', '-q', shared), '')
  } finally {
    docker('rm', '-f', used)
  }
})

keep('an app that is deleted without a purge leaves its volumes', async ({ world }) => {
  await world.start()
  await deploy(world, `${composeOf(testImage, 'volumes: ["data:/data"]')}\nvolumes: { data: {} }`)
  await appState(world.observer, app, 'running')
  await world.observer.manifest({ device: world.agent!.id }, {})
  await eventually(30_000, 'it is gone', () => world.records().apps.size === 0 && Object.keys(containersOf(app)).length === 0)
  assert.is(docker('volume', 'ls', '-q', '--filter', `name=${app}_data`), `${app}_data`)
})

keep('a crash loop is named, slowed down, and over by itself', async ({ world }) => {
  const inVolume = (...command: string[]) => docker('run', '--rm', '-v', `${app}_data:/data`, testImage, ...command)
  docker('volume', 'create', `--label=io.skerry.app=${app}`, `${app}_data`)
  inVolume('touch', '/data/well')
  await world.start()
  const command = 'command: ["sh", "-c", "test -e /data/well && exec sleep 3600; exit 3"], volumes: ["data:/data"]'
  await deploy(world, `${composeOf(testImage, `restart: always, ${command}`)}\nvolumes: { data: { external: true, name: ${app}_data } }`)
  await proved(world)
  inVolume('rm', '/data/well')
  docker('kill', containersOf(app).web!)
  await eventually(60_000, 'it is named', () => reported(world)?.fault?.code === 'service.crash-loop')
  assert.is(reported(world)?.state, 'failed')
  await eventually(60_000, 'it is held', () => docker('inspect', '-f', '{{.State.Status}}', containersOf(app).web!) === 'exited')
  inVolume('touch', '/data/well')
  await eventually(120_000, 'it runs', () => reported(world)?.state === 'running')
  assert.is(reported(world)?.fault, undefined)
})

keep('what ends by itself is started again as the app’s policy asks', async ({ world }) => {
  await world.start()
  await deploy(world, composeOf(testImage, 'command: ["sleep", "1"]'), { policy: { restart: 'always', rollBack: false } })
  const { web } = await eventually(20_000, 'a container', () => (containersOf(app).web === undefined ? undefined : containersOf(app)))
  const startedAt = () => docker('inspect', '-f', '{{.State.StartedAt}}', web!)
  const first = startedAt()
  await eventually(20_000, 'another start', () => startedAt() !== first)
})

keep('stopped stays stopped, also when the Engine starts anew', async ({ world }) => {
  await world.start()
  await deploy(world, composeOf(testImage))
  await appState(world.observer, app, 'running')
  await deploy(world, composeOf(testImage), { run: 'stopped' })
  await appState(world.observer, app, 'stopped')
  const { web } = containersOf(app)
  await world.start({ broker: { url: 'mqtt://127.0.0.1:1' } })
  assert.is(docker('inspect', '-f', '{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}', web!), 'false no')
  await world.start()
  await deploy(world, composeOf(testImage))
  await appState(world.observer, app, 'running')
  assert.is(docker('inspect', '-f', '{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}', web!), 'true always')
})

keep.run()
