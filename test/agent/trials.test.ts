// How trials of revisions end besides: first deploys, superseded ones, strangers in the way, labels, policies; on the real Docker Engine.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Policy } from '../../protocol/messages/manifest.js'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { containersOf, docker } from '../support/docker.js'
import { exiting, good, quick, service, TriedApp } from '../support/failings.js'
import { appState } from '../support/observer.js'
import { eventually } from '../support/within.js'

const app = new TriedApp(`keep-trials-${process.pid}`)
const port = 20_000 + (process.pid % 10_000)

const trials = suite<{ world: AgentWorld }>('trials')

trials.before.each(async context => {
  ensureTestImage()
  context.world = await AgentWorld.open()
})
trials.after.each(async ({ world }) => {
  await world.close()
  app.clear()
})

trials('a first deploy that fails leaves nothing of its own, and volumes of before', async ({ world }) => {
  const own = `--label=io.skerry.app=${app.name}`
  docker('volume', 'create', own, `${app.name}_old`)
  await world.start()
  const web = `{ image: ${testImage}, command: ["sh", "-c", "exit 3"], volumes: ["old:/a", "new:/b"] }`
  const compose = `services: { web: ${web} }\nvolumes: { old: {}, new: {} }`
  await app.deploy(world, compose, 1)
  await appState(world.observer, app.name, 'failed')
  await eventually(20_000, 'nothing is left', () => containersOf(app.name).web === undefined)
  const { label } = app
  await eventually(10_000, 'no network is left', () => docker('network', 'ls', '-q', '--filter', label) === '')
  await eventually(10_000, 'one volume is left', () => docker('volume', 'ls', '-q', '--filter', label) === `${app.name}_old`)
  assert.equal([app.reported(world)?.fault?.code, app.reported(world)?.failedRevision], ['service.exited', 1])
})

trials('a first deploy that fails leaves none of its files, and those that its containers have written', async ({ world }) => {
  await world.start()
  await world.stop()
  const command = '["sh", "-c", "touch /conf/written; exit 3"]'
  const compose = service(`command: ${command}, volumes: ["./conf:/conf"]`)
  world.deliver(app.name, compose, { revision: 1, policy: quick, files: [{ path: 'conf/app.ini', text: 'a = 1' }] })
  await world.start()
  await appState(world.observer, app.name, 'failed')
  const folder = join(world.folder, 'state', 'apps', app.name, 'conf')
  await eventually(10_000, 'no file of its is left', () => !existsSync(join(folder, 'app.ini')))
  assert.ok(existsSync(join(folder, 'written')))
  await eventually(20_000, 'no container is left', () => containersOf(app.name).web === undefined)
})

trials('a revision that was superseded before it had proved itself comes back, with its volumes', async ({ world }) => {
  await world.start()
  const slow: Policy = { settleS: 3600 }
  await app.deploy(world, `${service('restart: always, volumes: ["data:/data"]')}\nvolumes: { data: {} }`, 1, slow)
  await appState(world.observer, app.name, 'running')
  docker('exec', containersOf(app.name).web!, 'touch', '/data/mark')
  await app.deploy(world, exiting, 2)
  await appState(world.observer, app.name, 'rolled-back')
  assert.ok(app.runs(), app.webIs())
  assert.is(docker('exec', containersOf(app.name).web!, 'ls', '/data'), 'mark')
})

trials('what a stranger has in the way leaves what runs alone, and comes by itself once it is free', async ({ world }) => {
  await world.start()
  await app.deploy(world, good, 1)
  await app.proved(world, 1)
  const before = containersOf(app.name)
  app.takePort(port)
  await app.deploy(world, service(`ports: ["127.0.0.1:${port}:80"]`), 2)
  await appState(world.observer, app.name, 'rolled-back')
  assert.equal(containersOf(app.name), before)
  assert.match(app.reported(world)?.fault?.message ?? '', app.stranger)
  docker('rm', '-f', app.stranger)
  await eventually(60_000, 'it comes', () => app.reported(world)?.revision === 2 && app.reported(world)?.state === 'running')
})

trials('a name that a stranger has is told of, and the next deploy goes on', async ({ world }) => {
  await world.start()
  docker('create', '--name', app.stranger, testImage)
  await app.deploy(world, service(`container_name: ${app.stranger}`), 1)
  await appState(world.observer, app.name, 'failed')
  assert.equal([app.reported(world)?.fault?.code, app.reported(world)?.fault?.path], ['name.in-use', 'services.web.container_name'])
  await eventually(10_000, 'nothing is left', () => docker('network', 'ls', '-q', '--filter', app.label) === '')
  await app.deploy(world, good, 2)
  await appState(world.observer, app.name, 'running')
})

trials('a label that makes an app fail is told of, and the app goes back to what the label was', async ({ world }) => {
  await world.start()
  const wanted = await world.observer.spec(
    app.name,
    service(`command: ["sh", "-c", "$\${HOW}"], environment: { HOW: "\${SKERRY_LABEL_HOW}" }`),
    1,
  )
  const label = (how: string) =>
    world.observer.manifest(
      { device: world.agent!.id },
      { apps: [{ ...wanted, policy: quick }], variables: [{ name: 'LABEL_HOW', value: how }] },
    )
  await label('exec sleep 3600')
  await app.proved(world, 1)
  await label('exit 3')
  await appState(world.observer, app.name, 'rolled-back')
  assert.match(app.webIs(), /^running/)
  await label('exec sleep 7200')
  await appState(world.observer, app.name, 'running')
  assert.match(docker('inspect', '-f', '{{.Config.Env}}', containersOf(app.name).web!), 'exec sleep 7200')
})

trials('a policy without roll-back leaves what failed', async ({ world }) => {
  await world.start()
  await app.deploy(world, good, 1)
  await app.proved(world, 1)
  await app.deploy(world, exiting, 2, { settleS: 2, rollBack: false })
  await appState(world.observer, app.name, 'failed')
  assert.is(app.reported(world)?.services[0]?.exitCode, 3)
})

trials.run()
