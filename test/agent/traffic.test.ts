// time limit: 120 s
// What an agent counts of its connection, against what a relay between it and a real broker saw pass.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Packet, parser } from 'mqtt-packet'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Agent, startAgent } from '../../agent/agent.js'
import type { Count } from '../../agent/core/count.js'
import { packetBytes } from '../../agent/core/purpose.js'
import { Disk } from '../../agent/disk.js'
import { type Broker, startBroker } from '../../broker/broker.js'
import type { ListenerOptions } from '../../broker/listeners.js'
import { type Flow, type Purpose, purposes } from '../../protocol/messages/usage.js'
import { type DeviceChannel, formatTopic } from '../../protocol/topics.js'
import { selfSigned } from '../support/certificates.js'
import { type CountingRelay, startCountingRelay } from '../support/counting-relay.js'
import { startEmptyEngine } from '../support/empty-engine.js'
import { type Observer, observe } from '../support/observer.js'
import { HeldKeys } from '../support/signing.js'
import { eventually } from '../support/within.js'

const silent = pino({ level: 'silent' })
const { cert, key } = await selfSigned('p256')
const schemes = ['mqtt', 'mqtts', 'ws', 'wss'] as const

interface World {
  folder: string
  broker: Broker
  observer: Observer
  stopEngine: () => Promise<void>
}

const test = suite<World>('agent: traffic')

test.before(async context => {
  context.folder = mkdtempSync(join(tmpdir(), 'skerry-traffic-'))
  const listeners = schemes.map((scheme): ListenerOptions => {
    const kind = scheme.startsWith('ws') ? 'ws' : 'tcp'
    return { kind, host: '127.0.0.1', port: 0, ...(scheme.endsWith('s') && scheme !== 'ws' ? { tls: { cert, key } } : {}) }
  })
  context.broker = await startBroker({ file: join(context.folder, 'broker.db'), listeners, log: silent })
  context.observer = await observe(`mqtt://127.0.0.1:${context.broker.addresses[0]!.port}`)
  context.stopEngine = await startEmptyEngine(join(context.folder, 'engine.sock'))
})
test.after(async ({ folder, broker, observer, stopEngine }) => {
  await observer.stop()
  await broker.stop()
  await stopEngine()
  rmSync(folder, { recursive: true, force: true })
})

async function start(world: World, scheme: string, { folder, relay }: { folder: string; relay: CountingRelay }): Promise<Agent> {
  return startAgent({
    folder,
    root: 'skerry',
    broker: { url: `${scheme}://localhost:${relay.port}`, ca: cert },
    keys: new HeldKeys(),
    engine: join(world.folder, 'engine.sock'),
    intervalS: 1,
    retries: { firstMs: 50, maxMs: 200 },
    log: silent,
  })
}

function readCount(folder: string): Count {
  const disk = new Disk(folder, silent)
  disk.close()
  return disk.loadCount()!
}

/** A life with two connections: births, heartbeats, a manifest with a spec of some size, a cut, a farewell. */
async function live(world: World, agent: Agent, relay: CountingRelay): Promise<void> {
  const { observer } = world
  const of = { device: agent.id }
  const heard = observer.seen.heartbeats.length
  const births = observer.seen.statuses.length
  await eventually(20_000, 'a first birth', () => observer.seen.statuses.length > births)
  const padding = Array.from({ length: 400 }, (_, n) => `# ${n * 7919}\n`).join('')
  const app = await observer.spec('web', `${padding}services: {web: {image: none, pull_policy: never}}\n`)
  await observer.manifest(of, { apps: [{ ...app, run: 'stopped' }] })
  await eventually(20_000, 'the app is reported', () => observer.seen.reports.some(({ revision, apps }) => revision > 0 && apps.length > 0))
  const connections = relay.sent.length
  relay.cut()
  await eventually(20_000, 'it comes back', () => relay.sent.length > connections)
  await eventually(20_000, 'heartbeats', () => observer.seen.heartbeats.length >= heard + 3)
}

function sum(count: Count, of: readonly Purpose[]): Flow {
  return of.reduce((all, each) => ({ sent: all.sent + count.traffic[each].sent, received: all.received + count.traffic[each].received }), {
    sent: 0,
    received: 0,
  })
}

/** Runs an agent through it, and gives what it wrote down, and what passed. */
async function measure(world: World, scheme: (typeof schemes)[number]) {
  const relay = await startCountingRelay(world.broker.addresses[schemes.indexOf(scheme)]!.port)
  const folder = mkdtempSync(join(world.folder, 'state-'))
  const agent = await start(world, scheme, { folder, relay })
  try {
    await live(world, agent, relay).finally(() => agent.stop())
  } finally {
    await relay.close()
  }
  return { count: readCount(folder), relay, id: agent.id }
}

for (const scheme of schemes) {
  test(`over ${scheme} every byte on the socket is counted`, async world => {
    const { count, relay } = await measure(world, scheme)
    assert.equal(
      sum(
        count,
        purposes.filter(purpose => purpose !== 'headers'),
      ),
      relay.passed(),
    )
    for (const purpose of purposes) if (purpose !== 'log') assert.ok(count.traffic[purpose].sent > 0, purpose)
    assert.ok(count.traffic.state.received > 1_000)
  })
}

test('each purpose has the bytes of its packets', async world => {
  const { count, relay, id } = await measure(world, 'mqtt')
  const packets = relay.sent.flatMap(chunks => parseAll(Buffer.concat(chunks)))
  const bytesTo = (channel: DeviceChannel): number => {
    const topic = formatTopic('skerry', { kind: 'device', device: id, channel })
    return packets.reduce((all, packet) => all + ('topic' in packet && packet.topic === topic ? packetBytes(packet.length ?? 0) : 0), 0)
  }
  const pubacks = packets.filter(({ cmd }) => cmd === 'puback').length
  const { heartbeat, report, state } = count.traffic
  assert.equal(heartbeat.sent, bytesTo('heartbeat'))
  assert.equal(report.sent, bytesTo('reported') + bytesTo('changes') + bytesTo('usage'))
  assert.equal(state.sent, bytesTo('status') + 4 * pubacks)
})

function parseAll(bytes: Buffer): Packet[] {
  const packets: Packet[] = []
  const input = parser({ protocolVersion: 4 })
  input.on('packet', packet => packets.push(packet))
  input.parse(bytes)
  return packets
}

test.run()
