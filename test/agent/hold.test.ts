// time limit: 240 s
// A device under permits, with a broker and no manager: on the real Docker Engine, which is watched for whatever it does.
import mqtt from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { profiles, type QuietHours } from '../../protocol/messages/link.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import type { Hold } from '../../protocol/messages/reported.js'
import { requestCodec, responseCodec } from '../../protocol/messages/request.js'
import { parseQuiet } from '../../protocol/quiet.js'
import { formatTopic } from '../../protocol/topics.js'
import { AgentWorld, noBroker } from '../support/agents.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { containersOf, docker } from '../support/docker.js'
import { EngineWatch } from '../support/engine-watch.js'
import { good, quick, service, TriedApp } from '../support/failings.js'
import { appState, type Observer } from '../support/observer.js'
import { run } from '../support/process.js'
import { startRegistry } from '../support/registry.js'
import { manager } from '../support/signing.js'
import { eventually, within } from '../support/within.js'

const app = new TriedApp(`permit-hold-${process.pid}`)
const permit = (agent: string) => `skerry/permit/device/${agent}`
const line = 'skerry/permit/group/line-1'

const test = suite<{ world: AgentWorld; engine: EngineWatch }>('hold')

test.before.each(async context => {
  ensureTestImage()
  context.world = await AgentWorld.open()
  context.engine = new EngineWatch(app.name)
})
test.after.each(async ({ world, engine }) => {
  await world.close()
  await engine.stop()
  app.clear()
})

const held = (observer: Observer, is: Partial<Hold> | undefined): Promise<unknown> =>
  eventually(20_000, `held: ${JSON.stringify(is)}`, () => {
    const { hold } = observer.seen.reports.at(-1) ?? {}
    if (is === undefined) return observer.seen.reports.length > 0 && hold === undefined
    return hold !== undefined && Object.entries(is).every(([key, value]) => hold[key as keyof Hold] === value)
  }).catch(error => {
    throw new Error(`${error.message}; last: ${JSON.stringify(observer.seen.reports.at(-1)?.hold)}`)
  })

test('under a permit of 0 the image of a new revision is pulled and nothing else is done; released, it acts', async ({ world, engine }) => {
  const registry = await startRegistry()
  try {
    const agent = await world.start()
    const { observer } = world
    await app.deploy(world, good, 1)
    await app.proved(world, 1)
    await observer.publish(permit(agent.id), '{"value":0,"by":"press PLC"}', true)
    await held(observer, { by: 'device', why: 'withheld', who: 'press PLC' })
    await engine.begin()
    const image = await registry.push('permit/new', '1', `permit ${process.pid}`)
    await app.deploy(world, service('restart: always').replace(testImage, image), 2)
    await appState(observer, app.name, 'held')
    await eventually(20_000, 'the image is here', () => docker('image', 'ls', '-q', image) !== '')
    await eventually(20_000, 'nothing is pulled any more', () => app.reported(world)?.services.every(({ state }) => state !== 'pulling'))
    const { web } = containersOf(app.name)
    assert.equal(await engine.deeds(), [])
    assert.is(app.reported(world)?.revision, 1)
    assert.is(docker('inspect', '-f', '{{.State.Running}} {{.Config.Image}}', web!), `true ${testImage}`)
    // An app that is taken away stays, too.
    const { revision } = observer.seen.reports.at(-1)!
    await observer.manifest({ device: agent.id }, { apps: [] })
    await eventually(20_000, 'it holds the manifest', () => (observer.seen.reports.at(-1)?.revision ?? 0) > revision)
    await appState(observer, app.name, 'held')
    await app.deploy(world, service('restart: always').replace(testImage, image), 3)
    assert.equal(await engine.deeds(), [])
    await observer.publish(permit(agent.id), '1', true)
    await appState(observer, app.name, 'running')
    await held(observer, undefined)
    await eventually(20_000, 'the new image runs', () => app.reported(world)?.revision === 3)
    assert.ok((await engine.deeds()).length > 0)
  } finally {
    await registry.close()
  }
})

test('what ends while the device is held stays so, and a restart is refused', async ({ world, engine }) => {
  const agent = await world.start()
  const { observer } = world
  await app.deploy(world, service('command: ["sleep", "7200"]'), 1)
  await app.proved(world, 1)
  await observer.publish(permit(agent.id), '0', true)
  await held(observer, { by: 'device' })
  const { web } = containersOf(app.name)
  docker('kill', web!)
  await appState(observer, app.name, 'held')
  await engine.begin()
  const client = await mqtt.connectAsync(world.broker.url)
  const topic = formatTopic('skerry', { kind: 'request', device: agent.id, rid: 'r-1' })
  const answered = new Promise<string | undefined>(resolve => {
    client.on('message', (_topic, payload) => {
      const response = responseCodec.decode(payload)
      if (response.ok && response.value.last === true) resolve(response.value.fault?.code)
    })
  })
  await client.subscribeAsync(`skerry/device/${agent.id}/response/+`, { qos: 1 })
  const { epoch } = observer.seen.statuses.at(-1)!
  await observer.publish(
    topic,
    manager.sign(topic, requestCodec.encode({ version: protocolVersion, epoch, kind: 'restart', app: app.name })),
    false,
  )
  assert.is(await within(10_000, 'the answer', answered), 'device.held')
  await client.endAsync(true)
  assert.equal(await engine.deeds(), [])
  await observer.publish(permit(agent.id), '', true)
  await eventually(20_000, 'it runs again', () => docker('inspect', '-f', '{{.State.Status}}', web!) === 'running')
})

test('the will of a publisher that is killed holds the group, and so does a lease that nobody renews', async ({ world }) => {
  await world.start()
  const { observer, broker, agent } = world
  await observer.manifest({ group: 'line-1' }, {})
  await observer.manifest({ device: agent!.id }, { groups: ['line-1'] })
  const login = ['-h', '127.0.0.1', '-p', String(broker.port)]
  const will = ['--will-topic', line, '--will-payload', '{"value":0,"by":"gone"}', '--will-retain', '--will-qos', '1']
  await observer.publish('skerry/hello', 'hello', true)
  const publisher = run('mosquitto_sub', [...login, '-t', 'skerry/hello', ...will])
  try {
    await publisher.line(/^hello$/)
    await observer.publish(line, '1', true)
    await eventually(10_000, 'the group is known', () => observer.seen.reports.at(-1)?.groups.length === 1)
    await held(observer, undefined)
    await publisher.end('SIGKILL')
    await held(observer, { by: 'group', group: 'line-1', why: 'withheld', who: 'gone' })
    await observer.publish(line, '1 2', true)
    await held(observer, undefined)
    await held(observer, { by: 'group', group: 'line-1', why: 'lapsed' })
    const { since } = observer.seen.reports.at(-1)!.hold!
    // A restart does not bring the lease back, nor begins the hold anew, and a copy of it that the broker has kept proves nothing.
    await world.start()
    const reports = observer.seen.reports.length
    await eventually(10_000, 'a report', () => observer.seen.reports.length > reports)
    await held(observer, { by: 'group', why: 'lapsed', since: since! })
    await observer.publish(line, '1 3600', true)
    await held(observer, undefined)
  } finally {
    await publisher.end('SIGKILL')
  }
})

test('where the owner wants a permit nothing is begun without one, whatever is on disk', async ({ world, engine }) => {
  world.deliver(app.name, good, { revision: 1 })
  await engine.begin()
  await world.start({ permit: 'required', broker: noBroker })
  const agent = await world.start({ permit: 'required' })
  const { observer } = world
  await held(observer, { by: 'owner', why: 'missing' })
  await appState(observer, app.name, 'held')
  assert.equal(await engine.deeds(), [])
  await observer.publish(permit(agent.id), '1 3600', true)
  await appState(observer, app.name, 'running')
})

test('a build that waits for the end of quiet hours does not begin while the device is held', async ({ world }) => {
  const agent = await world.start()
  const { observer } = world
  const image = `skerry-test-permit-build:${process.pid}`
  const build = `build: { context: ., dockerfile_inline: "FROM ${testImage}\\nENV A=1" }`
  const wanted = await observer.spec(app.name, service(`restart: always, ${build}`).replace(testImage, image))
  const link = { ...profiles.lan, intervalS: 1 }
  const deploy = (quiet: QuietHours[]) =>
    observer.manifest({ device: agent.id }, { apps: [{ ...wanted, policy: quick }], link: { ...link, quiet } })
  try {
    await deploy([parseQuiet('00:00-12:00')!, parseQuiet('12:00-00:00')!])
    await eventually(20_000, 'it is deferred', () => app.reported(world)?.fault?.code === 'pull.deferred')
    await observer.publish(permit(agent.id), '0', true)
    await held(observer, { by: 'device' })
    await deploy([])
    await eventually(20_000, 'the quiet has ended', () => app.reported(world)?.fault === undefined)
    await appState(observer, app.name, 'held')
    const states = observer.seen.reports.flatMap(({ apps }) => apps.flatMap(({ services }) => services.map(({ state }) => state)))
    assert.is(states.includes('pulling'), false)
    assert.is(docker('image', 'ls', '-q', image), '')
    await observer.publish(permit(agent.id), '1', true)
    await appState(observer, app.name, 'running')
  } finally {
    app.clear()
    docker('image', 'rm', '-f', image)
  }
})

test('where the owner wants a permit, a released device removes its apps without one, but not under a 0', async ({ world, engine }) => {
  const agent = await world.start({ permit: 'required' })
  const { observer } = world
  await observer.publish(line, '1', true)
  await observer.manifest({ group: 'line-1' }, { apps: [{ ...(await observer.spec(app.name, good)), policy: quick }] })
  await observer.manifest({ device: agent.id }, { groups: ['line-1'] })
  await app.proved(world, 1)
  await observer.publish(permit(agent.id), '0', true)
  await held(observer, { by: 'device' })
  await engine.begin()
  await observer.manifest({ device: agent.id }, { release: 'remove' })
  await appState(observer, app.name, 'held')
  assert.equal(await engine.deeds(), [])
  await observer.publish(permit(agent.id), '', true)
  assert.is(await within(30_000, 'the release', agent.released), 'remove')
  assert.equal(containersOf(app.name), {})
})

test.run()
