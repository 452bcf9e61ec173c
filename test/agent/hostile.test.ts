// A client that may publish anything on a device's broker: a plain MQTT client, against an agent with the real Docker Engine.
import mqtt, { type MqttClient } from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Manifest, manifestCodec } from '../../protocol/messages/manifest.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import { requestCodec, responseCodec } from '../../protocol/messages/request.js'
import { encodeKeys, signLink } from '../../protocol/signed.js'
import { digestText, packSpec } from '../../protocol/spec.js'
import { AgentWorld } from '../support/agents.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { appState } from '../support/observer.js'
import { manager, newSigner } from '../support/signing.js'
import { eventually } from '../support/within.js'

const app = `sign-hostile-${process.pid}`
const evil = `sign-evil-${process.pid}`
const compose = `services: { web: { image: ${testImage}, stop_signal: SIGKILL, command: [sleep, infinity] } }`
const instance = Buffer.from('0011223344556677', 'hex')

interface Context {
  world: AgentWorld
  attacker: MqttClient
  /** Everything that the manager published, by topic, oldest first. */
  caught: Map<string, Buffer[]>
  answers: Map<string, string[]>
}
const hostile = suite<Context>('a hostile client')

hostile.before.each(async context => {
  ensureTestImage()
  context.world = await AgentWorld.open()
  context.attacker = await mqtt.connectAsync(context.world.broker.url, { reconnectPeriod: 0 })
  context.caught = new Map()
  context.answers = new Map()
  context.attacker.on('message', (topic, payload) => {
    context.caught.set(topic, [...(context.caught.get(topic) ?? []), payload])
    const response = topic.includes('/response/') ? responseCodec.decode(payload) : undefined
    const rid = topic.split('/').at(-1)!
    if (response?.ok) context.answers.set(rid, [...(context.answers.get(rid) ?? []), response.value.fault?.code ?? 'ok'])
  })
  await context.attacker.subscribeAsync('#', { qos: 1 })
})
hostile.after.each(async ({ world, attacker }) => {
  await attacker.endAsync(true)
  await world.close()
  clear(app)
  clear(evil)
})

/** Id and start of each container: the same as long as nobody touches one. */
const containers = () =>
  Object.values(containersOf(app)).map(id => docker('inspect', '-f', '{{.Id}} {{.State.StartedAt}} {{.State.Running}}', id))

hostile(
  'what it publishes in the place of the manager is refused, told, and changes no container',
  async ({ world, attacker, caught, answers }) => {
    const agent = await world.start()
    const { observer } = world
    const [own, group, fleet, keys] = [
      `skerry/device/${agent.id}/desired`,
      'skerry/group/line-1/desired',
      'skerry/fleet/desired',
      'skerry/fleet/keys',
    ]
    const wanted = await observer.spec(app, compose)
    await observer.manifest('fleet', {})
    await observer.manifest({ device: agent.id }, { groups: ['line-1'], apps: [wanted], fleet: true })
    await observer.manifest({ group: 'line-1' }, {})
    await appState(observer, app, 'running')
    await observer.manifest({ device: agent.id }, { groups: ['line-1'], apps: [wanted], fleet: true, intervalS: 1 })
    await observer.manifest({ group: 'line-1' }, { intervalS: 1 })
    await eventually(
      10_000,
      'the second ones are held',
      () => observer.seen.reports.at(-1)?.revision === 4 && observer.seen.reports.at(-1)?.groups[0]?.revision === 5,
    )
    await eventually(10_000, 'all was caught', () => caught.get(own)?.length === 2 && caught.get(group)?.length === 2)
    const before = containers()

    const { digest, payload } = packSpec({ compose })
    await attacker.publishAsync(`skerry/spec/${digestText(digest)}`, Buffer.from(payload), { qos: 1, retain: true })
    const evilApp = { name: evil, digest, run: 'running' as const, revision: 1 }
    const wish = (more: Partial<Manifest> = {}) =>
      manifestCodec.encode({ version: protocolVersion, instance, revision: 1000, apps: [evilApp], ...more })
    const altered = Buffer.from(caught.get(own)!.at(-1)!)
    altered[40]! ^= 1
    const thief = newSigner()
    const attacks: [topic: string, message: Buffer, fault: string][] = [
      [own, wish(), 'manifest.unsigned'],
      [own, wish({ apps: [], release: 'remove' }), 'manifest.unsigned'],
      [own, thief.sign(own, wish()), 'manifest.foreign'],
      [own, altered, 'manifest.forged'],
      [own, manager.sign('skerry/device/other/desired', wish()), 'manifest.forged'],
      [own, caught.get(group)!.at(-1)!, 'manifest.forged'],
      [own, caught.get(own)!.at(0)!, 'manifest.replayed'],
      [group, wish(), 'manifest.unsigned'],
      [group, manager.sign('skerry/group/line-2/desired', wish()), 'manifest.forged'],
      [group, caught.get(group)!.at(0)!, 'manifest.replayed'],
      [fleet, thief.sign(fleet, wish({ apps: [], images: [] })), 'manifest.foreign'],
      [keys, encodeKeys([signLink(thief, { number: 2, key: thief.publicKey })]), 'manifest.foreign'],
    ]
    for (const [topic, message, code] of attacks) {
      await attacker.publishAsync(topic, message, { qos: 1, retain: true })
      const path = topic.slice('skerry/'.length)
      await eventually(15_000, `${code} on ${path}`, () =>
        observer.seen.reports.at(-1)?.faults?.some(fault => fault.code === code && fault.path === path),
      )
    }

    const { epoch } = observer.seen.statuses.findLast(status => status.online)!
    const restart = requestCodec.encode({ version: protocolVersion, epoch, kind: 'restart', app })
    const requests: [rid: string, message: Buffer, fault: string][] = [
      ['plain', restart, 'manifest.unsigned'],
      ['thief', thief.sign(`skerry/device/${agent.id}/request/thief`, restart), 'manifest.foreign'],
      ['other', manager.sign('skerry/device/other/request/other', restart), 'manifest.forged'],
    ]
    for (const [rid, message, code] of requests) {
      await attacker.publishAsync(`skerry/device/${agent.id}/request/${rid}`, message, { qos: 1 })
      await eventually(15_000, `${code} for ${rid}`, () =>
        observer.seen.reports.at(-1)?.faults?.some(fault => fault.code === code && fault.path === `device/${agent.id}/request/+`),
      )
    }
    assert.equal([...answers], [])

    assert.equal(containers(), before)
    assert.equal(containersOf(evil), {})
    const { apps, revision, groups } = observer.seen.reports.at(-1)!
    assert.equal([apps.map(({ name, state }) => `${name} ${state}`), revision, groups[0]?.revision], [[`${app} running`], 4, 5])

    // What it left on the broker holds back an agent that starts anew, and nothing more.
    await world.start()
    await eventually(
      15_000,
      'the faults of the new start',
      () => (observer.seen.reports.at(-1)?.faults?.length ?? 0) >= 4 && observer.seen.reports.at(-1)?.revision === 4,
    )
    assert.equal([containers(), containersOf(evil)], [before, {}])
    await observer.manifest({ device: agent.id }, { groups: ['line-1'], apps: [wanted] })
    await eventually(10_000, 'the manager is heard again', () => observer.seen.reports.at(-1)?.revision === 6)
    assert.equal(containers(), before)
  },
)

hostile(
  'a restart that the manager asked for once is done once, however often it is shown',
  async ({ world, attacker, caught, answers }) => {
    const agent = await world.start()
    const { observer } = world
    await observer.manifest({ device: agent.id }, { apps: [await observer.spec(app, compose)] })
    await appState(observer, app, 'running')
    const topic = `skerry/device/${agent.id}/request/once`
    const { epoch } = observer.seen.statuses.findLast(status => status.online)!
    const request = requestCodec.encode({ version: protocolVersion, epoch, kind: 'restart', app })
    await observer.publish(topic, manager.sign(topic, request), false)
    await eventually(20_000, 'it is done', () => answers.get('once')?.length === 2)
    assert.equal(answers.get('once'), ['ok', 'ok'])
    const before = containers()
    const [message] = caught.get(topic)!
    await attacker.publishAsync(topic, message!, { qos: 1 })
    await eventually(10_000, 'it is refused', () => answers.get('once')?.at(-1) === 'request.repeated')
    await world.start()
    await eventually(10_000, 'the new session', () => observer.seen.statuses.some(status => status.online && status.epoch > epoch))
    await attacker.publishAsync(topic, message!, { qos: 1 })
    await eventually(10_000, 'it is too late', () => answers.get('once')?.at(-1) === 'request.expired')
    assert.equal(containers(), before)
  },
)

hostile.run()
