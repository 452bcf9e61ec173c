// Images that come and go: refreshes, late ones, purges, ones that somebody removes; with a real registry and the real Docker Engine.
import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DesiredApp, Manifest } from '../../protocol/messages/manifest.js'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { appState } from '../support/observer.js'
import { type Registry, startRegistry } from '../support/registry.js'
import { eventually } from '../support/within.js'

const app = `keep-img-${process.pid}`
const images = suite<{ world: AgentWorld; registry: Registry }>('images')

images.before.each(async context => {
  ensureTestImage()
  context.registry = await startRegistry({ bytesPerS: 8_000_000 })
  context.world = await AgentWorld.open()
})
images.after.each(async ({ world, registry }) => {
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
/** While containers come and go. */
const imageNow = () => {
  try {
    return imageOf()
  } catch {
    return undefined
  }
}
const isHere = (id: string) => docker('images', '-q', '--no-trunc').split('\n').includes(id)
const proved = (world: AgentWorld, generation = 0) =>
  eventually(20_000, 'it is good', () => world.records().apps.get(app)?.good?.generation === generation)

images('a refresh brings the newer image of the same tag, and the older one goes', async ({ world, registry }) => {
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

images('a refresh that fails brings back the image of before, though its tag has moved', async ({ world, registry }) => {
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
  await eventually(20_000, 'it is made again, from the image of before', () => imageNow() === before)
})

images('a refresh that finds no registry does not stand in the way of the next revision', async ({ world }) => {
  const local = `127.0.0.1:1/local-${process.pid}:1`
  docker('tag', ensureTestImage(), local)
  try {
    await world.start()
    await deploy(world, composeOf(local))
    await proved(world)
    await deploy(world, composeOf(local), { refresh: { generation: 1 } })
    await eventually(60_000, 'the refresh fails', () => reported(world)?.state === 'rolled-back')
    await deploy(world, composeOf(local, 'environment: { NEW: "1" }'), { revision: 2, refresh: { generation: 1 } })
    await eventually(30_000, 'the next one runs', () => reported(world)?.revision === 2 && reported(world)?.state === 'running')
  } finally {
    docker('rmi', '-f', local)
  }
})

images('a pull is reported in bytes, a missing tag comes by itself once it is there', async ({ world, registry }) => {
  await world.start()
  await deploy(world, composeOf(`${registry.host}/keep/late:1`))
  await appState(world.observer, app, 'failed')
  assert.is(reported(world)?.fault?.code, 'image.unavailable')
  await registry.push('keep/late', '1', `late ${app}`, { ballast: randomBytes(4_000_000) })
  await eventually(60_000, 'it runs', () => reported(world)?.state === 'running')
  const pulling = world.observer.seen.reports.flatMap(({ apps }) => apps).flatMap(({ services }) => services)
  assert.ok(pulling.some(({ pulledBytes, pullBytes }) => pulledBytes !== undefined && (pullBytes ?? 0) >= pulledBytes))
})

images('a purge takes volumes and images along, and leaves what others use', async ({ world, registry }) => {
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

images('a good image that somebody removes is pulled again for going back, by its digest', async ({ world, registry }) => {
  const image = await registry.push('keep/web', '1', `first ${app}`)
  await world.start()
  await deploy(world, composeOf(image, 'restart: "no"'))
  await proved(world)
  const before = imageOf()
  await registry.push('keep/web', '1', `second ${app}`, { command: ['sh', '-c', 'exit 3'] })
  await world.stop()
  docker('rm', '-f', containersOf(app).web!)
  docker('rmi', '-f', before)
  world.deliver(app, composeOf(image, 'restart: "no", labels: [second]'), { revision: 2, policy: { settleS: 1 } })
  await world.start()
  await appState(world.observer, app, 'rolled-back')
  await eventually(20_000, 'the image of before', () => imageNow() === before)
})

images('a purge takes an image along that has several names, some of them without a tag', async ({ world, registry }) => {
  const names = [await registry.push('keep/twice', '1', `twice ${app}`)]
  for (const name of ['keep/twice', 'keep/other']) await registry.push(name, 'latest', `twice ${app}`)
  await world.start()
  const { digest } = registry
  names.push(`${registry.host}/keep/twice`, `${registry.host}/keep/other@${digest('keep/other', 'latest')}`)
  const services = ['db', 'web', 'more'].map((name, n) => `${name}: { image: "${names[n]}", stop_signal: SIGKILL }`)
  const compose = `services: { ${services.join(', ')} }`
  await deploy(world, compose)
  await appState(world.observer, app, 'running')
  const id = imageOf()
  await world.observer.manifest({ device: world.agent!.id }, { purges: [{ name: app, volumes: true, images: true }] })
  await eventually(30_000, 'it is gone', () => world.records().apps.size === 0 && Object.keys(containersOf(app)).length === 0)
  assert.not(isHere(id), docker('images', '--no-trunc'))
})

images.run()
