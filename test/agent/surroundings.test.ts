// What the surroundings do to a new revision, where the Engine only says so after old containers have stopped, or before; on the real one.
import { createServer, type Server } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage } from '../support/busybox.js'
import { containersOf, docker } from '../support/docker.js'
import { good, service, TriedApp } from '../support/failings.js'
import { appState } from '../support/observer.js'
import { eventually } from '../support/within.js'

const app = new TriedApp(`keep-around-${process.pid}`)
const subnet = `10.${200 + (process.pid % 50)}.77.0/24`

const surroundings = suite<{ world: AgentWorld; server: Server; port: number }>('surroundings')

surroundings.before.each(async context => {
  ensureTestImage()
  context.world = await AgentWorld.open()
  context.server = createServer()
  await new Promise<void>(resolve => context.server.listen(0, '127.0.0.1', resolve))
  context.port = (context.server.address() as { port: number }).port
  await context.world.start()
})
surroundings.after.each(async ({ world, server }) => {
  await world.close()
  server.close()
  app.clear()
  const networks = docker('network', 'ls', '-q', '--filter', `name=${app.stranger}`)
  if (networks !== '') docker('network', 'rm', ...networks.split('\n'))
})

const onPort = (port: number) => service(`command: ["sleep", "7200"], ports: ["127.0.0.1:${port}:80"]`)
const onNetwork = (name: string) =>
  `services: { web: { image: "skerry-test:agent", stop_signal: SIGKILL, networks: [${name}] } }\nnetworks: { ${name}: { ipam: { config: [{ subnet: ${subnet} }] } } }`

surroundings('a port that a process has brings back what ran, and is not tried again by itself', async ({ world, port }) => {
  await app.deploy(world, good, 1)
  await app.proved(world, 1)
  await app.deploy(world, onPort(port), 2)
  await appState(world.observer, app.name, 'rolled-back')
  await eventually(10_000, 'what ran', () => app.runs())
  const { failed } = world.records().apps.get(app.name)!
  assert.equal([failed?.revision, failed?.fault.code, failed?.fault.path, failed?.retry], [2, 'port.in-use', 'services.web.ports', false])
  const back = containersOf(app.name)
  await world.start()
  await appState(world.observer, app.name, 'rolled-back')
  assert.equal(containersOf(app.name), back)
})

surroundings('the same entry is tried again once the port is free and somebody deploys it anew', async ({ world, port, server }) => {
  await app.deploy(world, good, 1)
  await app.proved(world, 1)
  await app.deploy(world, onPort(port), 2)
  await appState(world.observer, app.name, 'rolled-back')
  await new Promise(resolve => server.close(resolve))
  await app.deploy(world, onPort(port), 3)
  await app.proved(world, 3)
  assert.is(app.webIs(), 'running "sleep 7200"')
})

surroundings('a new network that overlaps with a stranger’s leaves what runs alone, and is tried again', async ({ world }) => {
  docker('network', 'create', '--subnet', subnet, `${app.stranger}-net`)
  await app.deploy(world, good, 1)
  await app.proved(world, 1)
  const before = containersOf(app.name)
  await app.deploy(world, onNetwork('other'), 2)
  await appState(world.observer, app.name, 'rolled-back')
  assert.equal([app.reported(world)?.fault?.code, app.reported(world)?.fault?.path], ['network.overlap', 'networks.other'])
  assert.equal(containersOf(app.name), before)
  assert.is(world.records().apps.get(app.name)?.failed?.retry, true)
})

surroundings('a network that is to change, and then overlaps with a stranger’s, comes back as it was', async ({ world }) => {
  docker('network', 'create', '--subnet', subnet, `${app.stranger}-net`)
  await app.deploy(world, good, 1)
  await app.proved(world, 1)
  await app.deploy(world, onNetwork('default'), 2)
  await appState(world.observer, app.name, 'rolled-back')
  await eventually(10_000, 'what ran', () => app.runs())
  assert.is(app.reported(world)?.fault?.code, 'network.overlap')
  assert.is(world.records().apps.get(app.name)?.failed?.retry, false)
})

surroundings.run()
