// What the agent keeps so: crash loops, stopped apps, restarts, volumes; on the real Docker Engine.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DesiredApp, Manifest } from '../../protocol/messages/manifest.js'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { appState } from '../support/observer.js'
import { eventually } from '../support/within.js'

const app = `keep-so-${process.pid}`
const keep = suite<{ world: AgentWorld }>('keep')

keep.before.each(async context => {
  ensureTestImage()
  context.world = await AgentWorld.open()
})
keep.after.each(async ({ world }) => {
  await world.close()
  clear(app)
})

const composeOf = (image: string, rest = 'restart: always') => `services: { web: { image: "${image}", stop_signal: SIGKILL, ${rest} } }`
const deploy = async ({ observer, agent }: AgentWorld, compose: string, fields: Partial<DesiredApp> = {}, more: Partial<Manifest> = {}) => {
  const wanted = await observer.spec(app, compose, fields.revision ?? 1)
  await observer.manifest({ device: agent!.id }, { apps: [{ ...wanted, policy: { settleS: 1 }, ...fields }], ...more })
}
const reported = ({ observer }: AgentWorld) => observer.seen.reports.at(-1)?.apps.find(({ name }) => name === app)
const proved = (world: AgentWorld, generation = 0) =>
  eventually(20_000, 'it is good', () => world.records().apps.get(app)?.good?.generation === generation)

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
