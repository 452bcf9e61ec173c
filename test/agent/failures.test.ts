// What the agent does when what it stands on goes away: the link, the Docker Engine, a container.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Agent, type AgentOptions, startAgent } from '../../agent/agent.js'
import { engineFlag } from '../../protocol/messages/heartbeat.js'
import { profiles } from '../../protocol/messages/link.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js'
import { appState, type Observer, observe } from '../support/observer.js'
import { startRelay } from '../support/relay.js'
import { HeldKeys } from '../support/signing.js'
import { eventually, within } from '../support/within.js'

const app = `skt-fail-${process.pid}`
const socket = '/var/run/docker.sock'
const compose = (rest: string) => `services: { web: { image: ${testImage}, stop_signal: SIGKILL, ${rest} } }`

interface World {
  broker: Mosquitto
  observer: Observer
  folder: string
  start: (options?: Partial<AgentOptions>) => Promise<Agent>
  agent: Agent | undefined
}
const failures = suite<World>('failures')

failures.before.each(async world => {
  ensureTestImage()
  world.folder = mkdtempSync(join(tmpdir(), 'skerry-agent-'))
  world.broker = await startMosquitto()
  world.observer = await observe(world.broker.url)
  world.start = async options => {
    world.agent = await startAgent({
      folder: join(world.folder, 'state'),
      root: 'skerry',
      broker: { url: world.broker.url },
      engine: socket,
      keys: new HeldKeys(),
      intervalS: 1,
      retries: { firstMs: 50, maxMs: 200 },
      log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
      ...options,
    })
    return world.agent
  }
})

failures.after.each(async world => {
  if (world.agent !== undefined) await within(20_000, 'the agent stops', world.agent.stop())
  await world.observer.stop()
  await world.broker.stop()
  clear(app)
  rmSync(world.folder, { recursive: true, force: true })
})

const deploy = async ({ observer }: World, agent: Agent, rest: string) => {
  await observer.manifest({ device: agent.id }, { apps: [await observer.spec(app, compose(rest))] })
}
const newestFlag = ({ observer }: World) => (observer.seen.heartbeats.at(-1)?.value.flags ?? -1) & engineFlag

failures('a link that is open but carries nothing is given up after one and a half keep-alives', async world => {
  const relay = await startRelay({ port: world.broker.port, host: '127.0.0.1' })
  try {
    const agent = await world.start({ broker: { url: `mqtt://127.0.0.1:${relay.port}` } })
    await world.observer.manifest({ device: agent.id }, { link: { ...profiles.lan, intervalS: 1, keepaliveS: 2 } })
    await eventually(10_000, 'the manifest is held', () => world.observer.seen.reports.at(-1)?.revision === 1)
    const birth = await eventually(10_000, 'a birth', () => world.observer.seen.statuses.find(status => status.online))
    relay.stall()
    await eventually(20_000, 'a later birth', () =>
      world.observer.seen.statuses.find(status => status.online && status.epoch > birth.epoch),
    )
  } finally {
    if (world.agent !== undefined) await world.agent.stop()
    await relay.close()
  }
})

failures('an Engine that goes away shows in the next heartbeat at once, and comes back by itself', async world => {
  const path = join(world.folder, 'docker.sock')
  let relay = await startRelay({ path: socket }, path)
  try {
    const agent = await world.start({ engine: path, intervalS: 3600 })
    await deploy(world, agent, 'restart: always')
    await appState(world.observer, app, 'running')
    const before = containersOf(app)
    await relay.close()
    await eventually(10_000, 'a heartbeat without the Engine', () => newestFlag(world) === 0)
    docker('kill', before.web ?? '')
    relay = await startRelay({ path: socket }, path)
    await eventually(20_000, 'a heartbeat with the Engine', () => newestFlag(world) === engineFlag)
    assert.is(world.observer.seen.statuses.at(-1)?.engine, true)
    await eventually(20_000, 'what ended meanwhile runs', () => docker('inspect', '-f', '{{.State.Running}}', before.web ?? '') === 'true')
    assert.equal(containersOf(app), before)
  } finally {
    if (world.agent !== undefined) await world.agent.stop()
    await relay.close()
  }
})

failures('a container that somebody removes comes back, by the event of its end', async world => {
  await deploy(world, await world.start(), 'restart: always')
  await appState(world.observer, app, 'running')
  const { web } = containersOf(app)
  docker('rm', '-f', web ?? '')
  await eventually(10_000, 'another container', () => containersOf(app).web !== undefined && containersOf(app).web !== web)
  await appState(world.observer, app, 'running')
})

failures('a container that somebody stops is started again, not made anew', async world => {
  await deploy(world, await world.start(), 'restart: always')
  await appState(world.observer, app, 'running')
  const before = containersOf(app)
  docker('stop', before.web ?? '')
  await eventually(10_000, 'it runs', () => docker('inspect', '-f', '{{.State.Running}}', before.web ?? '') === 'true')
  assert.equal(containersOf(app), before)
})

failures('a service that fails by itself is reported with its exit code, and left alone where nothing is rolled back', async world => {
  const agent = await world.start()
  const wanted = await world.observer.spec(app, compose('command: ["sh", "-c", "exit 3"]'))
  await world.observer.manifest({ device: agent.id }, { apps: [{ ...wanted, policy: { rollBack: false } }] })
  const report = await appState(world.observer, app, 'failed')
  assert.equal(
    report.apps[0]?.services.map(({ state, exitCode }) => [state, exitCode]),
    [['exited', 3]],
  )
  assert.equal([report.apps[0]?.fault?.code, report.apps[0]?.fault?.path], ['service.exited', 'services.web'])
})

failures('a one-shot service that succeeds is completed, and its app running', async world => {
  await deploy(world, await world.start(), 'command: ["true"]')
  const told = await eventually(30_000, 'the service has completed', () => {
    const newest = world.observer.seen.reports.at(-1)?.apps.find(({ name }) => name === app)
    return newest?.services[0]?.state === 'completed' ? newest : undefined
  })
  assert.equal([told.state, told.services[0]?.exitCode], ['running', 0])
})

failures('a spec that cannot be read leaves what runs alone, and is reported with its path', async world => {
  const agent = await world.start()
  await deploy(world, agent, 'restart: always')
  await appState(world.observer, app, 'running')
  const before = containersOf(app)
  const bad = await world.observer.spec(app, 'services: { web: { image: x, colour: red } }', 2)
  await world.observer.manifest({ device: agent.id }, { apps: [bad] })
  const report = await appState(world.observer, app, 'failed')
  assert.is(report.apps[0]?.fault?.path, 'services.web.colour')
  assert.equal(containersOf(app), before)
})

failures('a spec that has not come yet leaves what runs alone', async world => {
  const agent = await world.start()
  await deploy(world, agent, 'restart: always')
  await appState(world.observer, app, 'running')
  const before = containersOf(app)
  await world.observer.manifest({ device: agent.id }, { apps: [{ name: app, digest: Buffer.alloc(32, 7), run: 'running', revision: 2 }] })
  await appState(world.observer, app, 'updating')
  docker('rm', '-f', before.web ?? '')
  await eventually(10_000, 'the last spec goes on', () => containersOf(app).web)
})

failures.run()
