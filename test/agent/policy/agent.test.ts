// What the device's owner does not allow is refused and named, and changes nothing; once it is allowed, it runs. On the real Docker Engine.
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AgentWorld } from '../../support/agents.js'
import { ensureTestImage } from '../../support/busybox.js'
import { containersOf, docker } from '../../support/docker.js'
import { good, service, TriedApp } from '../../support/failings.js'
import { appState } from '../../support/observer.js'
import { eventually } from '../../support/within.js'

const app = new TriedApp(`policy-agent-${process.pid}`)

const policy = suite<{ world: AgentWorld; file: string }>('policy of an agent')

policy.before.each(async context => {
  ensureTestImage()
  context.world = await AgentWorld.open()
  context.file = join(context.world.folder, 'policy.yaml')
})
policy.after.each(async ({ world }) => {
  await world.close()
  app.clear()
})

const wild = service('restart: always, privileged: true, pid: host')
const curious = service('restart: always, pid: host')

const allow = (file: string, ...lines: readonly string[]) => writeFileSync(file, `${lines.join('\n')}\n`)

policy('a revision that is denied changes nothing, and comes as soon as the owner allows it', async ({ world, file }) => {
  await world.start({ policy: { file } })
  await app.deploy(world, good, 1)
  await app.proved(world, 1)
  const before = containersOf(app.name)
  await app.deploy(world, wild, 2)
  await eventually(20_000, 'it is refused', () => app.reported(world)?.failedRevision === 2)
  const refused = app.reported(world)
  const fault = refused?.fault
  assert.equal([refused?.state, refused?.revision, fault?.code, fault?.path], ['failed', 1, 'policy.denied', 'services.web.privileged'])
  assert.match(fault?.message ?? '', /\(rule privileged .* could write privileged: true\); services\.web\.pid: .*\(rule host-namespaces/)
  assert.equal(
    refused?.services.map(({ state }) => state),
    ['running'],
  )
  assert.equal(containersOf(app.name), before)

  allow(file, 'host-namespaces: [default, pid]')
  await eventually(30_000, 'one fault is left', () => !/host-namespaces/.test(app.reported(world)?.fault?.message ?? ''))
  assert.is(app.reported(world)?.fault?.code, 'policy.denied')
  assert.equal(containersOf(app.name), before)

  // Whether the Engine of the machine that tests has a right to give is another matter.
  allow(file, 'host-namespaces: [default, pid]', 'privileged: true')
  await eventually(60_000, 'it is tried', () => app.reported(world)?.revision === 2 || app.reported(world)?.state === 'rolled-back')
  assert.is.not(app.reported(world)?.fault?.code, 'policy.denied')
})

policy('what was denied runs once it is allowed, and until then the one before is looked after', async ({ world, file }) => {
  await world.start({ policy: { file } })
  await app.deploy(world, good, 1)
  await app.proved(world, 1)
  await app.deploy(world, curious, 2)
  await eventually(20_000, 'it is refused', () => app.reported(world)?.failedRevision === 2)
  docker('rm', '-f', containersOf(app.name).web!)
  await eventually(30_000, 'what ran is made anew', () => app.runs())
  allow(file, 'host-namespaces: [default, pid]')
  await eventually(60_000, 'it runs', () => app.reported(world)?.revision === 2 && app.reported(world)?.state === 'running')
  assert.is(docker('inspect', '-f', '{{.HostConfig.PidMode}}', containersOf(app.name).web!), 'host')
  assert.equal([app.reported(world)?.fault, app.reported(world)?.failedRevision], [undefined, undefined])
})

policy('a first deploy that is denied leaves nothing behind, also over a restart of the agent', async ({ world, file }) => {
  await world.start({ policy: { file } })
  await app.deploy(world, `${wild.replace('services:', 'volumes: { data: {} }\nservices:')}`, 1)
  await appState(world.observer, app.name, 'failed')
  await world.start({ policy: { file } })
  await eventually(20_000, 'it is told again', () => app.reported(world)?.fault?.code === 'policy.denied')
  const { label } = app
  assert.equal([containersOf(app.name), app.reported(world)?.revision], [{}, 0])
  assert.is(docker('volume', 'ls', '-q', '--filter', label) + docker('network', 'ls', '-q', '--filter', label), '')
  assert.not(existsSync(join(world.folder, 'state', 'apps', app.name)))
})

policy('what a container has made a link to elsewhere is not mounted', async ({ world, file }) => {
  const folder = join(world.folder, 'state', 'apps', app.name)
  mkdirSync(join(folder, 'data'), { recursive: true })
  symlinkSync('/etc', join(folder, 'data', 'link'))
  await world.start({ policy: { file } })
  await app.deploy(world, service('restart: always, volumes: ["./data/link:/x:ro"]'), 1)
  await appState(world.observer, app.name, 'failed')
  assert.equal([app.reported(world)?.fault?.code, app.reported(world)?.fault?.path], ['policy.denied', 'services.web.volumes'])
  assert.equal(containersOf(app.name), {})
})

policy.run()
