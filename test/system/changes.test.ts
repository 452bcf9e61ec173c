// time limit: 120 s
// An agent on a link that says `changes`, at a real broker and manager: what crosses its connection, over reconnects and starts of either side.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Libsql from 'libsql'
import mqtt, { type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Agent, startAgent } from '../../agent/agent.js'
import { Embedded } from '../support/embedded.js'
import { startEmptyEngine } from '../support/empty-engine.js'
import { type Relay, startRelay } from '../support/relay.js'
import { HeldKeys } from '../support/signing.js'
import { eventually, within } from '../support/within.js'

interface World {
  readonly folder: string
  readonly site: Embedded
  readonly relay: Relay
  readonly watcher: MqttClient
  /** Reports as the broker hands them out: the channel, and the bytes of the payload. */
  readonly told: { readonly channel: string; readonly bytes: number }[]
  readonly signs: { births: number; beats: number }
  /** Requests and responses, in their order. */
  readonly asked: string[]
  /** Topics of specs that were named on the device's connection. */
  readonly specs: string[]
  readonly stopEngine: () => Promise<void>
  readonly agent: { current: Agent }
}

const changing = suite<World>('changes')

function start(folder: string, site: Embedded, port: number): Promise<Agent> {
  return startAgent({
    folder: join(folder, 'agent'),
    root: 'skerry',
    broker: { url: `mqtt://127.0.0.1:${port}` },
    engine: join(folder, 'engine.sock'),
    keys: new HeldKeys(...site.manager.signingKeys()),
    name: 'press-7',
    intervalS: 1,
    retries: { firstMs: 50, maxMs: 200 },
    log: pino({ level: 'silent' }),
  })
}

changing.before(async world => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-changes-'))
  const site = await Embedded.start()
  const specs: string[] = []
  const told: World['told'] = []
  const signs = { births: 0, beats: 0 }
  const asked: string[] = []
  const relay = await startRelay({ host: '127.0.0.1', port: site.port }, undefined, {
    onData: chunk => specs.push(...[...chunk.toString('latin1').matchAll(/skerry\/spec\/[\w-]{43}/g)].map(([topic]) => topic)),
  })
  const watcher = await mqtt.connectAsync(site.url, { reconnectPeriod: 0 })
  watcher.on('message', (topic, payload) => {
    const channel = topic.split('/').at(-1) ?? ''
    const exchange = topic.split('/').at(-2) ?? ''
    if (exchange === 'request' || exchange === 'response') asked.push(exchange)
    else if (exchange === 'h') signs.beats++
    else if (channel === 'status') signs.births++
    else told.push({ channel, bytes: payload.length })
  })
  const filters = ['reported', 'changes', 'status', 'request/+', 'response/+'].map(channel => `skerry/device/+/${channel}`)
  await watcher.subscribeAsync(['skerry/h/+', ...filters], { qos: 1 })
  const stopEngine = await startEmptyEngine(join(folder, 'engine.sock'))
  const agent = { current: await start(folder, site, relay.port) }
  Object.assign(world, { folder, site, relay, watcher, told, signs, asked, specs, stopEngine, agent })
})

changing.after(async ({ folder, site, relay, watcher, stopEngine, agent }) => {
  await within(20_000, 'the agent stops', agent.current.stop())
  await watcher.endAsync(true)
  await relay.close()
  await site.stop()
  await stopEngine()
  rmSync(folder, { recursive: true, force: true })
})

const path = ({ agent }: World) => `/devices/${agent.current.id}`
const shown = (world: World) => world.site.api('GET', path(world))
/** What the manager knew of the device before it told of its apps; and the broker has nothing for it. */
function forget(file: string): void {
  const libsql = new Libsql(file)
  libsql.exec('delete from reports')
  libsql.close()
}

const compose = (n: number) => `services:\n  web:\n    image: registry.invalid/web:${n}\n`
/** Stopped, so that nothing changes by itself: there are no images to be had. */
async function deploy(world: World, app: string): Promise<void> {
  await world.site.api('PUT', `${path(world)}/apps/${app}`, compose(1))
  await world.site.api('POST', `${path(world)}/apps/${app}/stop`)
}
const channels = ({ told }: World, from = 0) => told.slice(from).map(({ channel }) => channel)

/** Until the device is Ready, and every app that it should have is shown as stopped. */
const allShown = (world: World, apps: number) =>
  eventually(30_000, `${apps} apps are shown`, async () => {
    const device = await shown(world)
    const stopped = device.apps.filter((app: { state: string }) => app.state === 'stopped')
    return device.state === 'Ready' && stopped.length === apps && device
  })

changing('one more app is told by what differs, and shown', async world => {
  await eventually(20_000, 'the device has come', async () => (await shown(world).catch(() => undefined))?.state === 'Ready')
  await world.site.api('PUT', `${path(world)}/link`, { profile: 'thin', intervalS: 1, metricsS: 3600, reportMs: 100, changes: true })
  for (const app of ['a', 'b', 'c', 'd', 'e', 'f']) await deploy(world, app)
  await allShown(world, 6)
  const from = world.told.length
  await deploy(world, 'g')
  await allShown(world, 7)
  const { told } = world
  assert.ok(told.length > from && channels(world, from).includes('changes'), `${channels(world)}`)
  const whole = Math.max(...told.filter(({ channel }) => channel === 'reported').map(({ bytes }) => bytes))
  const small = told.slice(from).find(({ channel }) => channel === 'changes')
  assert.ok((small?.bytes ?? whole) < whole, `${JSON.stringify(told)}`)
})

/** Two heartbeats later the broker has acknowledged what was told before them, and a full one has named it. */
async function settled({ signs }: World): Promise<void> {
  const from = signs.beats
  await eventually(20_000, 'heartbeats', () => signs.beats >= from + 2)
}

changing('a reconnect tells nothing again, and asks for no spec', async world => {
  const { told, specs, signs, relay } = world
  assert.is(new Set(specs).size, 1, 'all apps have the one spec, which has come')
  await settled(world)
  const [reports, asked] = [told.length, specs.length]
  for (let n = 0; n < 2; n++) {
    const from = signs.births
    relay.cut()
    await eventually(20_000, 'its will and its birth', () => signs.births >= from + 2)
    await settled(world)
  }
  assert.is((await shown(world)).state, 'Ready')
  assert.equal([channels(world, reports), specs.length], [[], asked])
})

changing('a manager that was away is told nothing that it knows, also where heartbeats do not say that it does', async world => {
  const { told, site, asked } = world
  await settled(world)
  const [from, before] = [told.length, asked.length]
  await site.restartManager()
  await allShown(world, 7)
  await eventually(20_000, 'it has asked, and was answered', () => asked.length >= before + 2)
  assert.equal([channels(world, from), asked.slice(before)], [[], ['request', 'response']])
})

changing('a manager whose database is an older one shows all again, and everything is told once at most', async world => {
  const { told, site } = world
  const from = told.length
  await site.restartManager(async () => forget(join(site.folder, 'manager.db')))
  await allShown(world, 7)
  await settled(world)
  // None where what the broker has kept is the newest.
  assert.ok(['', 'reported'].includes(channels(world, from).join()), `${channels(world, from)}`)
})

changing('another start of the agent tells everything once, and asks for no spec', async world => {
  const { told, specs, agent, folder, site, relay } = world
  const [from, asked] = [told.length, specs.length]
  await within(20_000, 'the agent stops', agent.current.stop())
  agent.current = await start(folder, site, relay.port)
  await eventually(10_000, 'it has reported', () => channels(world, from).includes('reported'))
  await allShown(world, 7)
  await settled(world)
  assert.is(channels(world, from).filter(channel => channel === 'reported').length, 1)
  assert.is(specs.length, asked)
})

changing.run()
