// A revision that fails gives way to the last good one, from local images, with the broker and without; on the real Docker Engine.
// time limit: 300 s
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Policy, ReportedApp } from '../../protocol/messages.js'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { appState } from '../support/observer.js'
import { eventually } from '../support/within.js'

const app = `keep-back-${process.pid}`
const stranger = `${app}-stranger`
const quick: Policy = { settleS: 2 }
const service = (fields: string) => `services: { web: { image: ${testImage}, stop_signal: SIGKILL, ${fields} } }`
const good = service('restart: always')
const port = 20_000 + (process.pid % 10_000)

/** What fails, how, and what is said of it. */
const failings: Record<string, { readonly compose: string; readonly code: string; readonly path: string; readonly settleS?: number }> = {
  'a missing tag': { compose: service('').replace(testImage, '127.0.0.1:1/none:1'), code: 'image.unavailable', path: 'services.web.image' },
  'a container that exits': { compose: service('command: ["sh", "-c", "exit 3"]'), code: 'service.exited', path: 'services.web' },
  'a container that ends again and again': {
    compose: service('restart: always, command: ["sh", "-c", "exit 3"]'),
    code: 'service.crash-loop',
    path: 'services.web',
    settleS: 4,
  },
  'a health check that never passes': {
    compose: service('healthcheck: { test: ["CMD", "false"], interval: 1s, retries: 1 }'),
    code: 'service.unhealthy',
    path: 'services.web.healthcheck',
  },
  'a health check that is not passed in time': {
    compose: service('healthcheck: { test: ["CMD", "false"], interval: 1s, start_period: 1h }'),
    code: 'service.unhealthy',
    path: 'services.web.healthcheck',
  },
  'a port that a stranger has': { compose: service(`ports: ["127.0.0.1:${port}:80"]`), code: 'port.in-use', path: 'services.web.ports' },
}

const rollback = suite<{ world: AgentWorld }>('rollback')

rollback.before.each(async context => {
  ensureTestImage()
  context.world = await AgentWorld.open()
})
rollback.after.each(async ({ world }) => {
  await world.close()
  clear(app)
  docker('rm', '-f', stranger)
})

const takePort = () => docker('run', '-d', '--name', stranger, '-p', `127.0.0.1:${port}:80`, testImage)
const deploy = async ({ observer, agent }: AgentWorld, compose: string, revision: number, policy: Policy = quick) => {
  const wanted = await observer.spec(app, compose, revision)
  await observer.manifest({ device: agent!.id }, { apps: [{ ...wanted, policy }] })
}
const reported = ({ observer }: AgentWorld): ReportedApp | undefined => observer.seen.reports.at(-1)?.apps.find(({ name }) => name === app)
/** One look, as a container may go between two. */
const webIs = () => docker('ps', '-a', '--no-trunc', '--filter', `label=io.skerry.app=${app}`, '--format', '{{.State}} {{.Command}}')
const runs = () => webIs().startsWith('running')
/** Nobody but the ledger is told that a revision has proved itself. */
const proved = (world: AgentWorld, revision: number) =>
  eventually(20_000, `revision ${revision} is good`, () => world.records().apps.get(app)?.good?.revision === revision)

for (const [what, { compose, code, path, settleS = 2 }] of Object.entries(failings)) {
  rollback(`${what} brings the last good revision back`, async ({ world }) => {
    await world.start()
    await deploy(world, good, 1)
    await proved(world, 1)
    takePort()
    await deploy(world, compose, 2, { settleS })
    await appState(world.observer, app, 'rolled-back')
    const back = reported(world)
    assert.equal([back?.revision, back?.failedRevision, back?.fault?.code, back?.fault?.path], [1, 2, code, path])
    assert.ok(runs())
    assert.equal(
      back?.services.map(({ state }) => state),
      ['running'],
    )
    await deploy(world, good, 3)
    await eventually(20_000, 'the next revision', () => reported(world)?.state === 'running' && reported(world)?.revision === 3)
    assert.is(reported(world)?.fault, undefined)
  })
}

rollback('with the broker gone the last good revision comes back as well', async ({ world }) => {
  await world.start()
  await deploy(world, good, 1)
  await proved(world, 1)
  const { web } = containersOf(app)
  await deploy(world, service('command: ["sh", "-c", "sleep 3; exit 3"]'), 2, { settleS: 10 })
  await eventually(20_000, 'the new container', () => containersOf(app).web !== undefined && containersOf(app).web !== web)
  await world.broker.stop()
  await eventually(30_000, 'the old revision', () => webIs() === 'running "sleep 3600"')
  await world.start({ broker: { url: 'mqtt://127.0.0.1:1' } })
  assert.is(world.records().apps.get(app)?.failed?.revision, 2)
  const before = containersOf(app)
  docker('rm', '-f', before.web!)
  await eventually(20_000, 'the old revision again', () => webIs() === 'running "sleep 3600"')
})

rollback('a first deploy that fails leaves nothing of its own, and volumes of before', async ({ world }) => {
  const own = `--label=io.skerry.app=${app}`
  docker('volume', 'create', own, `${app}_old`)
  await world.start()
  const web = `{ image: ${testImage}, command: ["sh", "-c", "exit 3"], volumes: ["old:/a", "new:/b"] }`
  const compose = `services: { web: ${web} }\nvolumes: { old: {}, new: {} }`
  await deploy(world, compose, 1)
  await appState(world.observer, app, 'failed')
  await eventually(20_000, 'nothing is left', () => containersOf(app).web === undefined)
  const label = `label=io.skerry.app=${app}`
  await eventually(10_000, 'no network is left', () => docker('network', 'ls', '-q', '--filter', label) === '')
  await eventually(10_000, 'one volume is left', () => docker('volume', 'ls', '-q', '--filter', label) === `${app}_old`)
  assert.equal([reported(world)?.fault?.code, reported(world)?.failedRevision], ['service.exited', 1])
})

rollback('a revision that was superseded before it had proved itself comes back, with its volumes', async ({ world }) => {
  await world.start()
  const slow: Policy = { settleS: 3600 }
  await deploy(world, `${service('restart: always, volumes: ["data:/data"]')}\nvolumes: { data: {} }`, 1, slow)
  await appState(world.observer, app, 'running')
  docker('exec', containersOf(app).web!, 'touch', '/data/mark')
  await deploy(world, service('command: ["sh", "-c", "exit 3"]'), 2)
  await appState(world.observer, app, 'rolled-back')
  assert.ok(runs())
  assert.is(docker('exec', containersOf(app).web!, 'ls', '/data'), 'mark')
})

rollback('what a stranger has in the way leaves what runs alone, and comes by itself once it is free', async ({ world }) => {
  await world.start()
  await deploy(world, good, 1)
  await proved(world, 1)
  const before = containersOf(app)
  takePort()
  await deploy(world, service(`ports: ["127.0.0.1:${port}:80"]`), 2)
  await appState(world.observer, app, 'rolled-back')
  assert.equal(containersOf(app), before)
  assert.match(reported(world)?.fault?.message ?? '', stranger)
  docker('rm', '-f', stranger)
  await eventually(60_000, 'it comes', () => reported(world)?.revision === 2 && reported(world)?.state === 'running')
})

rollback('a name that a stranger has is told of, and the next deploy goes on', async ({ world }) => {
  await world.start()
  docker('create', '--name', stranger, testImage)
  await deploy(world, service(`container_name: ${stranger}`), 1)
  await appState(world.observer, app, 'failed')
  assert.equal([reported(world)?.fault?.code, reported(world)?.fault?.path], ['name.in-use', 'services.web.container_name'])
  await eventually(10_000, 'nothing is left', () => docker('network', 'ls', '-q', '--filter', `label=io.skerry.app=${app}`) === '')
  await deploy(world, good, 2)
  await appState(world.observer, app, 'running')
})

rollback('a label that makes an app fail is told of, and the app goes back to what the label was', async ({ world }) => {
  await world.start()
  const wanted = await world.observer.spec(
    app,
    service(`command: ["sh", "-c", "$\${HOW}"], environment: { HOW: "\${SKERRY_LABEL_HOW}" }`),
    1,
  )
  const label = (how: string) =>
    world.observer.manifest(
      { device: world.agent!.id },
      { apps: [{ ...wanted, policy: quick }], variables: [{ name: 'LABEL_HOW', value: how }] },
    )
  await label('exec sleep 3600')
  await proved(world, 1)
  await label('exit 3')
  await appState(world.observer, app, 'rolled-back')
  assert.ok(runs())
  await label('exec sleep 7200')
  await appState(world.observer, app, 'running')
  assert.match(docker('inspect', '-f', '{{.Config.Env}}', containersOf(app).web!), 'exec sleep 7200')
})

rollback('a policy without roll-back leaves what failed', async ({ world }) => {
  await world.start()
  await deploy(world, good, 1)
  await proved(world, 1)
  await deploy(world, service('command: ["sh", "-c", "exit 3"]'), 2, { settleS: 2, rollBack: false })
  await appState(world.observer, app, 'failed')
  assert.is(reported(world)?.services[0]?.exitCode, 3)
})

rollback.run()
