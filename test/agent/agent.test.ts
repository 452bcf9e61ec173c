// The agent against a real broker and a real Docker Engine.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Agent, startAgent } from '../../agent/agent.js'
import { engineFlag } from '../../protocol/messages/heartbeat.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { GateWorld } from '../support/gate.js'
import { enrol } from '../support/membership.js'
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js'
import { appState, type Observer, observe } from '../support/observer.js'
import { HeldKeys } from '../support/signing.js'
import { eventually, within } from '../support/within.js'

const app = `skt-agent-${process.pid}`
const compose = (extra = '') =>
  `services:\n  web:\n    image: ${testImage}\n    stop_signal: SIGKILL\n    restart: unless-stopped\n${extra}`

interface World {
  broker: Mosquitto
  observer: Observer
  data: string
  /** The agent's folder in `data`. */
  folder: string
  agents: Set<Agent>
}
const agents = suite<World>('agent')

const begin = async (world: World, extra: Partial<Parameters<typeof startAgent>[0]> = {}) => {
  const agent = await startAgent({
    folder: world.folder,
    root: 'skerry',
    broker: { url: world.broker.url },
    engine: '/var/run/docker.sock',
    keys: new HeldKeys(),
    name: 'press-7',
    intervalS: 1,
    retries: { firstMs: 50, maxMs: 200 },
    log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
    ...extra,
  })
  world.agents.add(agent)
  return agent
}
const online = (world: World, after = 0) =>
  eventually(10_000, 'a birth', () =>
    world.observer.seen.statuses.find(status => status.online && status.epoch > after && status.engine === true),
  )

agents.before.each(async world => {
  ensureTestImage()
  world.agents = new Set()
  world.data = mkdtempSync(join(tmpdir(), 'skerry-agent-'))
  world.folder = join(world.data, 'agent')
  world.broker = await startMosquitto()
  world.observer = await observe(world.broker.url)
})

agents.after.each(async world => {
  for (const agent of world.agents) await within(20_000, 'the agent stops', agent.stop())
  await world.observer.stop()
  await world.broker.stop()
  clear(app)
  rmSync(world.data, { recursive: true, force: true })
})

agents('a birth tells the device and its facts, a clean stop says so', async world => {
  const agent = await begin(world)
  const birth = await online(world)
  assert.match(agent.id, /^[a-z0-9]{12}$/)
  assert.is(birth.facts?.name, 'press-7')
  assert.is(birth.intervalS, 1)
  assert.ok((birth.facts?.memoryMiB ?? 0) > 100 && (birth.facts?.cores ?? 0) > 0 && birth.facts?.engineVersion !== '')
  await agent.stop()
  const last = await eventually(5_000, 'a farewell', () => world.observer.seen.statuses.find(status => !status.online))
  assert.equal([last.reason, last.epoch], ['Stopped', birth.epoch])
  assert.is(statSync(world.folder).mode & 0o777, 0o700)
})

agents('heartbeats follow in their sequence, and a new interval holds at once', async world => {
  const agent = await begin(world)
  await online(world)
  await eventually(10_000, 'three heartbeats', () => world.observer.seen.heartbeats.length >= 3)
  const first = world.observer.seen.heartbeats.map(({ value }) => value.sequence)
  assert.equal(
    first,
    first.map((_, n) => (first[0] ?? 0) + n),
  )
  await world.observer.manifest({ device: agent.id }, { intervalS: 3600 })
  await eventually(10_000, 'a heartbeat with the new interval', () => world.observer.seen.heartbeats.at(-1)?.value.intervalS === 3600)
  assert.is(world.observer.seen.heartbeats.at(-1)!.value.flags & engineFlag, engineFlag)
})

agents('an app is deployed from retained state, reported, stopped, started, and removed', async world => {
  const agent = await begin(world)
  const wanted = await world.observer.spec(app, compose())
  await world.observer.manifest({ device: agent.id }, { apps: [wanted] })
  const report = await appState(world.observer, app, 'running')
  assert.equal(
    report.apps[0]!.services.map(({ name, state }) => [name, state]),
    [['web', 'running']],
  )
  assert.is(report.apps[0]!.revision, 1)
  const before = containersOf(app)
  await eventually(5_000, 'a heartbeat with its state', () => world.observer.seen.heartbeats.at(-1)?.value.states.length === 1)
  await world.observer.manifest({ device: agent.id }, { apps: [{ ...wanted, run: 'stopped' }] })
  await appState(world.observer, app, 'stopped')
  await world.observer.manifest({ device: agent.id }, { apps: [wanted] })
  await appState(world.observer, app, 'running')
  assert.equal(containersOf(app), before)
  await world.observer.manifest({ device: agent.id }, { apps: [] })
  await eventually(
    20_000,
    'nothing is left',
    () => Object.keys(containersOf(app)).length === 0 && world.observer.seen.reports.at(-1)?.apps.length === 0,
  )
})

agents('a group brings its apps, and leaving it takes them away', async world => {
  const agent = await begin(world)
  const wanted = await world.observer.spec(app, compose())
  await world.observer.manifest({ group: 'line-1' }, { apps: [wanted] })
  await world.observer.manifest({ device: agent.id }, { groups: ['line-1'] })
  const report = await appState(world.observer, app, 'running')
  assert.is(report.apps[0]!.group, 'line-1')
  await world.observer.manifest({ device: agent.id }, { groups: [] })
  await eventually(20_000, 'nothing is left', () => Object.keys(containersOf(app)).length === 0)
})

agents('a device that moves to a group with the same app keeps its containers', async world => {
  const agent = await begin(world)
  const wanted = await world.observer.spec(app, compose())
  await world.observer.manifest({ group: 'line-1' }, { apps: [wanted] })
  await world.observer.manifest({ group: 'line-2' }, { apps: [{ ...wanted, revision: 5 }] })
  await world.observer.manifest({ device: agent.id }, { groups: ['line-1'] })
  await appState(world.observer, app, 'running')
  const before = containersOf(app)
  await world.observer.manifest({ device: agent.id }, { groups: ['line-2'] })
  await eventually(10_000, 'the revision of the other group', () => world.observer.seen.reports.at(-1)?.apps[0]?.revision === 5)
  assert.equal(containersOf(app), before)
  assert.is(world.observer.seen.reports.at(-1)?.apps[0]?.group, 'line-2')
})

agents('an app that two groups have runs once, and the other is told of', async world => {
  const agent = await begin(world)
  const wanted = await world.observer.spec(app, compose())
  for (const group of ['line-1', 'line-2']) await world.observer.manifest({ group }, { apps: [wanted] })
  await world.observer.manifest({ device: agent.id }, { groups: ['line-2', 'line-1'] })
  const report = await appState(world.observer, app, 'running')
  assert.is(report.apps[0]!.group, 'line-1')
  await eventually(5_000, 'the conflict', () => world.observer.seen.reports.at(-1)?.faults?.[0]?.code === 'app.conflict')
})

agents('garbage on its topics changes nothing', async world => {
  const agent = await begin(world)
  await world.observer.manifest({ group: 'line-1' }, {})
  await world.observer.manifest({ device: agent.id }, { apps: [await world.observer.spec(app, compose())], groups: ['line-1'] })
  await appState(world.observer, app, 'running')
  const before = containersOf(app)
  const garbage = [Buffer.from([0xff]), Buffer.alloc(200_000), Buffer.from('hello'), Buffer.from('a0', 'hex'), Buffer.alloc(0)]
  for (const topic of [`device/${agent.id}/desired`, 'group/line-1/desired']) {
    for (const payload of garbage) await world.observer.publish(`skerry/${topic}`, payload, false)
  }
  const beats = world.observer.seen.heartbeats.length
  await eventually(10_000, 'two heartbeats after it', () => world.observer.seen.heartbeats.length >= beats + 2)
  assert.equal(containersOf(app), before)
  const { apps, faults = [] } = world.observer.seen.reports.at(-1)!
  assert.is(apps[0]?.state, 'running')
  assert.equal(faults.map(({ code, path }) => `${code} ${path}`).sort(), [
    `manifest.unsigned device/${agent.id}/desired`,
    'manifest.unsigned group/line-1/desired',
  ])
})

agents('an image that cannot be had leaves the old containers running, and is reported with its path', async world => {
  const agent = await begin(world)
  await world.observer.manifest({ device: agent.id }, { apps: [await world.observer.spec(app, compose())] })
  await appState(world.observer, app, 'running')
  const before = containersOf(app)
  const bad = await world.observer.spec(app, 'services:\n  web:\n    image: 127.0.0.1:1/none:1\n', 2)
  await world.observer.manifest({ device: agent.id }, { apps: [bad] })
  const report = await appState(world.observer, app, 'rolled-back')
  assert.is(report.apps[0]!.fault?.code, 'image.unavailable')
  assert.is(report.apps[0]!.fault?.path, 'services.web.image')
  assert.is(report.apps[0]!.revision, 1)
  assert.equal(containersOf(app), before)
  assert.is(docker('inspect', '-f', '{{.State.Running}}', before.web!), 'true')
})

agents('after a restart with no broker the apps come back from disk', async world => {
  const agent = await begin(world)
  await world.observer.manifest({ device: agent.id }, { apps: [await world.observer.spec(app, compose())] })
  await appState(world.observer, app, 'running')
  await agent.stop()
  docker('rm', '-f', ...Object.values(containersOf(app)))
  const again = await begin(world, { broker: { url: 'mqtt://127.0.0.1:1' } })
  assert.is(again.id, agent.id)
  await eventually(20_000, 'the container is back', () => containersOf(app).web)
})

agents('a killed agent leaves its will and its containers; started again it is the same, and recreates nothing', async world => {
  const gate = await GateWorld.open()
  await world.observer.stop()
  world.observer = await observe(gate.url, gate.pki.caPem)
  const id = await enrol(world.data, gate)
  const start = () => {
    const child = spawn(process.execPath, ['dist/cli/main.js', 'agent', '--data', world.data, '--interval', '1'], { stdio: 'ignore' })
    return { child, gone: new Promise(resolve => child.once('exit', resolve)) }
  }
  const first = start()
  let last = first
  try {
    const birth = await online(world)
    assert.is(await idOf(world), id)
    await world.observer.manifest({ device: id }, { apps: [await world.observer.spec(app, compose())] })
    await appState(world.observer, app, 'running')
    const before = containersOf(app)
    first.child.kill('SIGKILL')
    const will = await eventually(5_000, 'the will', () => world.observer.seen.statuses.find(status => !status.online))
    assert.equal([will.reason, will.epoch], ['Disconnected', birth.epoch])
    assert.is(docker('inspect', '-f', '{{.State.Running}}', before.web!), 'true')
    last = start()
    const rebirth = await online(world, birth.epoch)
    assert.ok(rebirth.epoch > birth.epoch)
    assert.is(await idOf(world), id)
    await appState(world.observer, app, 'running')
    assert.equal(containersOf(app), before)
    last.child.kill('SIGTERM')
    await within(10_000, 'a clean end', last.gone)
  } finally {
    last.child.kill('SIGKILL')
    await within(10_000, 'an end', last.gone)
    await gate.close()
  }
})

agents('the first birth already knows whether the Engine answers', async world => {
  await begin(world)
  const birth = await eventually(10_000, 'a birth', () => world.observer.seen.statuses[0])
  assert.is(birth.engine, true)
})

agents('a lost connection is made anew, with a later epoch', async world => {
  await begin(world)
  const birth = await online(world)
  const { port } = world.broker
  await world.broker.stop()
  world.broker = await startMosquitto(port)
  await online(world, birth.epoch)
})

agents('epochs that are spent are risen above', async world => {
  const agent = await begin(world)
  const birth = await online(world)
  const epochFloor = birth.epoch + 5 * 65_536
  await world.observer.manifest({ device: agent.id }, { epochFloor })
  await online(world, epochFloor)
})

agents('a released device removes its apps, says so, and forgets', async world => {
  const agent = await begin(world)
  await world.observer.manifest({ device: agent.id }, { apps: [await world.observer.spec(app, compose())] })
  await appState(world.observer, app, 'running')
  await world.observer.manifest({ device: agent.id }, { release: 'remove' })
  assert.is(await within(30_000, 'the release', agent.released), 'remove')
  await eventually(5_000, 'its last word', () => world.observer.seen.statuses.at(-1)?.reason === 'Released')
  assert.equal(containersOf(app), {})
  assert.throws(() => statSync(join(world.folder, 'device')))
})

agents('one folder has one agent', async world => {
  await begin(world)
  let code: unknown
  await startAgent({
    folder: world.folder,
    root: 'skerry',
    broker: { url: world.broker.url },
    engine: '/var/run/docker.sock',
    keys: new HeldKeys(),
    log: pino({ level: 'silent' }),
  }).catch(error => {
    code = error.code
  })
  assert.is(code, 'state.in-use')
})

agents('an engine that does not answer is told of, and the agent lives on', async world => {
  await begin(world, { engine: join(world.folder, 'no.sock') })
  const birth = await eventually(10_000, 'a birth', () => world.observer.seen.statuses.find(status => status.online))
  assert.is(birth.engine, false)
  const beat = await eventually(10_000, 'a heartbeat', () => world.observer.seen.heartbeats.at(-1))
  assert.is(beat.value.flags & engineFlag, 0)
})

async function idOf(world: World): Promise<string> {
  const { readFileSync } = await import('node:fs')
  chmodSync(world.folder, 0o700)
  return readFileSync(join(world.folder, 'id'), 'utf8').trim()
}

agents.run()
