// The manager's connection: by an in-process stream or a URL, to brokers that come late, refuse at first, or queue little.
import * as assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { Duplex, PassThrough } from 'node:stream'
import { Aedes } from 'aedes'
import mqtt, { type MqttClient } from 'mqtt'
import { suite } from 'uvu'
import { type ManagerOptions, startManager } from '../../manager/manager.js'
import { statusCodec } from '../../protocol/messages/status.js'
import { testHttp } from '../support/credentials.js'
import { someFacts } from '../support/device.js'
import { startMosquitto } from '../support/mosquitto.js'
import { eventually } from '../support/within.js'
import { connected, request, silent, startBroker, tempFolder, webApp } from './site.js'

const test = suite<{ folder: Awaited<ReturnType<typeof tempFolder>> }>('link')

test.before.each(async context => {
  context.folder = await tempFolder()
})
test.after.each(({ folder }) => folder.remove())

const start = (folder: { path: string }, broker: ManagerOptions['broker']) =>
  startManager({ file: join(folder.path, 'manager.db'), root: 'skerry', broker, http: testHttp, log: silent })

const birth = statusCodec.encode({ version: 1, epoch: 65_537, online: true, facts: someFacts, intervalS: 10, engine: true })

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('an embedded broker is reached over a stream', async ({ folder }) => {
  const aedes = await Aedes.createBroker()
  const connect = () => {
    const [up, down] = [new PassThrough(), new PassThrough()]
    aedes.handle(Duplex.from({ readable: up, writable: down }))
    return Duplex.from({ readable: down, writable: up })
  }
  const manager = await start(folder, { connect })
  await connected(manager)
  aedes.publish({ cmd: 'publish', topic: 'skerry/device/a1/status', payload: birth, qos: 1, retain: false, dup: false }, () => {})
  await eventually(5000, 'the device', async () => (await request(manager, 'GET', '/devices/a1')).body.state === 'Ready')
  await manager.stop()
  await new Promise<void>(resolve => aedes.close(resolve))
})

test('a broker that comes late is found', async ({ folder }) => {
  const port = await freePort()
  const manager = await start(folder, { url: `mqtt://127.0.0.1:${port}` })
  assert.deepEqual((await request(manager, 'GET', '/ready')).body.checks, { database: true, broker: false })
  const broker = await startBroker(port)
  await connected(manager)
  await manager.stop()
  await broker.stop()
})

test('a broker that refuses at first is asked again, with the credentials', async ({ folder }) => {
  let refusals = 0
  const authenticate = (client: { id: string }, username: string | undefined, password: Buffer | undefined) => {
    assert.deepEqual([username, String(password)], ['manager', 'secret'])
    return /-(commands|values)$/.test(client.id) || refusals++ >= 2
  }
  const aedes = await Aedes.createBroker({
    authenticate: (client, username, password, done) => done(null, authenticate(client, username, password)),
  })
  const server = createServer(aedes.handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const manager = await start(folder, { url: `mqtt://127.0.0.1:${port}`, username: 'manager', password: 'secret' })
  await connected(manager)
  assert.equal(refusals, 3)
  await manager.stop()
  await new Promise<void>(resolve => aedes.close(resolve))
  server.close()
})

test('all of 1,500 retained births come through a mosquitto that queues 1,000 messages', async ({ folder }) => {
  const port = await freePort()
  const config = join(folder.path, 'mosquitto.conf')
  await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`)
  const mosquitto = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
  const url = `mqtt://127.0.0.1:${port}`
  const client: MqttClient = await eventually(5000, 'mosquitto', () =>
    mqtt.connectAsync(url, { reconnectPeriod: 0 }).catch(() => undefined),
  )
  for (let n = 0; n < 1500; n++) client.publish(`skerry/device/d${n}/status`, birth, { qos: 0, retain: true })
  await client.publishAsync('fence', 'x', { qos: 1 })
  const manager = await start(folder, { url })
  const unknown = async () => (await request(manager, 'GET', '/stats')).body.devices.unknown === 1500
  await eventually(10_000, 'all devices', unknown)
  await manager.stop()
  await client.endAsync()
  mosquitto.kill()
  await once(mosquitto, 'exit')
})

for (const [name, seesFlags] of [
  ['mosquitto, which has MQTT 5', true],
  ['an Aedes, which has not', false],
] as const) {
  test(`commands come through ${name}; the retain flag is seen ${seesFlags ? 'at once' : 'when the manager comes back'}`, async ({
    folder,
  }) => {
    const broker = seesFlags ? await startMosquitto() : await startBroker()
    const client = await mqtt.connectAsync(broker.url, { reconnectPeriod: 0 })
    const answers: [topic: string, code: string][] = []
    client.on('message', (topic, payload) => answers.push([topic, payload.toString()]))
    const [short, long] = ['skerry/a/g/line-1/web/run', 'skerry/ack/group/line-1/app/web/run']
    await client.subscribeAsync([short, long])
    const manager = await start(folder, { url: broker.url })
    await connected(manager)
    await request(manager, 'POST', '/groups', { name: 'line-1' })
    await request(manager, 'PUT', '/groups/line-1/apps/web', webApp())
    const codeOn = (topic: string) => answers.find(answer => answer[0] === topic)?.[1]
    const code = await eventually(5000, 'the manager hears commands', async () => {
      await client.publishAsync('skerry/c/g/line-1/web/run', '1', { qos: 1 })
      return codeOn(short)
    })
    assert.equal(code, '0')
    await client.publishAsync('skerry/cmd/group/line-1/app/web/run', '0', { qos: 1, retain: true })
    assert.equal(await eventually(5000, 'an answer', () => codeOn(long)), seesFlags ? '4' : '0')
    assert.equal((await request(manager, 'GET', '/groups/line-1/apps/web')).body.run, seesFlags ? 'running' : 'stopped')
    await manager.stop()
    await client.endAsync()
    await broker.stop()
  })
}

test('while nobody hears commands at a broker of its own the manager says 0, and is not ready', async ({ folder }) => {
  const broker = await Aedes.createBroker()
  let isDeaf = false
  broker.authorizeSubscribe = (client, subscription, done) =>
    done(isDeaf && client?.id.endsWith('-commands') ? new Error('not now') : null, subscription)
  let endEar = () => {}
  broker.on('client', client => {
    if (client.id.endsWith('-commands')) endEar = () => client.close()
  })
  const server = createServer({ noDelay: true }, broker.handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
  const said: string[] = []
  client.on('message', (_, payload) => said.push(payload.toString()))
  await client.subscribeAsync('skerry/state/manager')
  const manager = await start(folder, { url })
  const isSaid = (text: string) => eventually(10_000, `the manager says ${text}`, () => said.at(-1) === text)
  await isSaid('1')
  for (let n = 0; n < 2; n++) {
    isDeaf = true
    endEar()
    await isSaid('0')
    assert.deepEqual((await request(manager, 'GET', '/ready')).body, { ready: false, checks: { database: true, broker: false } })
    isDeaf = false
    await isSaid('1')
    await connected(manager)
  }
  await manager.stop()
  await isSaid('0')
  await client.endAsync()
  await new Promise<void>(resolve => broker.close(resolve))
  server.close()
})

test.run()
