// Listeners: TCP and WebSocket, with TLS and without, and the manager's connection inside; real clients on each.
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { suite } from 'uvu'
import { equal, instance, is, ok } from 'uvu/assert'
import { RawClient } from '../../bench/support/raw.js'
import { startBroker } from '../../broker/broker.js'
import { isLoopback, type ListenerOptions } from '../../broker/listeners.js'
import { SkerryError } from '../../protocol/errors.js'
import { selfSigned } from '../support/certificates.js'
import { eventually, within } from '../support/within.js'
import { FakeAccess } from './support/access.js'
import { connectAsManager, enter, silent, withBroker } from './support/brokers.js'
import { enterTls, hello, withSecureBroker } from './support/secure.js'

const test = suite('listeners')
const { cert, key } = await selfSigned('p256')

const listener = (kind: 'tcp' | 'ws', tls = false): ListenerOptions => ({
  kind,
  host: '127.0.0.1',
  port: 0,
  ...(tls ? { tls: { cert, key } } : {}),
})

/** A message to itself and back. */
async function echo(client: MqttClient, payload: Buffer): Promise<Buffer> {
  await client.subscribeAsync('echo', { qos: 1 })
  const got = new Promise<Buffer>(resolve => client.once('message', (_topic, bytes) => resolve(bytes)))
  await client.publishAsync('echo', payload, { qos: 1 })
  return within(10_000, 'the echo', got)
}

test('real clients talk over TCP, TLS, WebSocket and WebSocket with TLS', () =>
  withBroker({ listeners: [listener('tcp'), listener('tcp', true), listener('ws'), listener('ws', true)] }, async ({ broker }) => {
    equal(
      broker.addresses.map(({ kind, tls }) => `${kind} ${tls}`),
      ['tcp false', 'tcp true', 'ws false', 'ws true'],
    )
    const schemes = ['mqtt', 'mqtts', 'ws', 'wss']
    for (const [at, { port }] of broker.addresses.entries()) {
      ok(port > 0)
      // The certificate is nobody's but this test's; that it is the one given is asked below.
      const options: IClientOptions = { rejectUnauthorized: false, reconnectPeriod: 0, protocolVersion: 4 }
      const client = await connectAsync(`${schemes[at]}://127.0.0.1:${port}`, options)
      const payload = Buffer.alloc(300_000, at)
      ok((await echo(client, payload)).equals(payload))
      await client.endAsync()
    }
  }))

test('a device shows its certificate over WebSocket as over TCP', () =>
  withSecureBroker(async ({ broker, device, authority }) => {
    const { cert, key } = await device('a')
    const connect = (clientId: string) => {
      const options: IClientOptions = { clientId, cert, key, ca: authority.pem, reconnectPeriod: 0, protocolVersion: 4 }
      return connectAsync(`wss://localhost:${broker.addresses[2]?.port}`, options)
    }
    const client = await connect('dev-a')
    await client.publishAsync('skerry/device/a/status', 'x', { qos: 1 })
    await client.endAsync()
    const refused = await connect('dev-b').catch((error: unknown) => error)
    is(refused instanceof Error && 'code' in refused && refused.code, 5)
    equal([broker.stats().publishes, broker.stats().dropped['identity-mismatch']], [1, 1])
  }))

test('whatever certificate is shown, the broker goes on', () =>
  withSecureBroker(async ({ broker, port }) => {
    const strange = [
      await selfSigned('rsa'),
      await selfSigned('ed25519'),
      await selfSigned('p384', 'O=x, CN=a, CN=b'),
      await selfSigned('p256', ''),
    ]
    for (const credentials of strange) is((await hello(port, { clientId: 'dev-a' }, credentials)).returnCode, 5)
    is(broker.stats().dropped['certificate-foreign'], 4)
  }))

test('a listener without TLS says so at the start; one with TLS and one inside say nothing', async () => {
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
  await withSecureBroker(async () => {}, { log })
  equal(
    lines.map(line => JSON.parse(line).msg),
    ['passwords and commands can be read on the way: no TLS'],
  )
})

test('connections that have not been let in are bounded in number, those in a handshake too', () =>
  withSecureBroker(
    async ({ broker, port, device }) => {
      const a = await device('a')
      const silent = [await RawClient.open(port), await RawClient.open(port)]
      const third = await RawClient.open(port)
      await within(5000, 'its end', third.closed)
      is(broker.stats().dropped['waiting-full'], 1)
      silent[0]?.close()
      await eventually(5000, 'room again', () =>
        hello(port, { clientId: 'dev-a' }, a).then(
          ({ returnCode }) => returnCode === 0,
          () => false,
        ),
      )
      // Whoever is in waits no more: there is room for another.
      await enterTls(port, { clientId: 'dev-a' }, a)
      silent[1]?.close()
    },
    { limits: { waiting: 10, waitingPerAddress: 2 } },
  ))

test('a handshake that does not get on is ended', () =>
  withSecureBroker(
    async ({ broker, port }) => {
      const mute = await RawClient.open(port)
      const garbage = await RawClient.open(port)
      garbage.write(Buffer.from('no TLS at all, whatever it is'))
      await within(5000, 'their ends', Promise.all([mute.closed, garbage.closed]))
      is(broker.stats().dropped['tls-fault'], 2)
    },
    { limits: { connectTimeoutMs: 200 } },
  ))

test('the manager inside the process is a client like any other, and trusted', () =>
  withBroker({}, async ({ broker, port }) => {
    const manager = connectAsManager(broker)
    const large = Buffer.alloc(1_000_000, 1)
    ok((await echo(manager, large)).equals(large))
    const { client } = await RawClient.connect(port, { clientId: 'dev-a' })
    await manager.subscribeAsync('skerry/h/+')
    const heard = new Promise(resolve => manager.once('message', resolve))
    client.send({ cmd: 'publish', topic: 'skerry/h/a', payload: 'x', qos: 0, retain: false, dup: false })
    is(await within(5000, 'the heartbeat', heard), 'skerry/h/a')
    await manager.endAsync()
  }))

test('ten thousand small messages reach the manager inside, none lost', () =>
  withBroker({}, async ({ broker, port }) => {
    const manager = connectAsManager(broker)
    await manager.subscribeAsync('skerry/h/+')
    const device = await enter(port, 'dev-a')
    let heard = 0
    const all = new Promise<void>(resolve => {
      manager.on('message', () => {
        if (++heard === 10_000) resolve()
      })
    })
    for (let i = 0; i < 10_000; i++) {
      device.send({ cmd: 'publish', topic: 'skerry/h/a', payload: Buffer.alloc(44), qos: 0, retain: false, dup: false })
    }
    await within(30_000, 'all heartbeats', all)
    await manager.endAsync()
  }))

const codeOf = async (start: Promise<unknown>): Promise<string | undefined> => {
  const error = await start.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  instance(error, SkerryError)
  return error instanceof SkerryError ? error.code : undefined
}

test('nothing listens beyond this machine that asks nobody who he is', async () => {
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org']) {
    const options = { file: ':memory:', listeners: [{ kind: 'tcp', host, port: 0 } as const], log: silent }
    is(await codeOf(startBroker(options)), 'listener.insecure')
  }
  equal(['127.0.0.1', '127.8.9.10', '::1', 'localhost'].filter(isLoopback).length, 4)
  await withBroker({ listeners: [{ kind: 'tcp', host: '0.0.0.0', port: 0 }], access: new FakeAccess() }, async ({ port }) => {
    ok(port > 0)
  })
})

test('a port or a file in use is told by its code, and nothing stays open', () =>
  withBroker({}, async ({ port, file, restart }) => {
    const listeners = [listener('tcp'), { kind: 'tcp', host: '127.0.0.1', port } as const]
    is(await codeOf(startBroker({ file: `${file}.other`, listeners, log: silent })), 'port.in-use')
    const again = await startBroker({ file: `${file}.other`, listeners: [], log: silent })
    await again.stop()
    is(await codeOf(startBroker({ file, listeners: [], log: silent })), 'state.in-use')
    await restart()
  }))

test('a WebSocket listener answers plain HTTP with 426', () =>
  withBroker({ listeners: [listener('ws')] }, async ({ port }) => {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    is(response.status, 426)
    await response.text()
  }))

test('a stop ends within bounds, with clients that read nothing, and can be called twice', () =>
  withBroker({ listeners: [listener('tcp'), listener('ws')] }, async ({ broker, port }) => {
    const stuck = await enter(port, 'stuck')
    stuck.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'load', qos: 0 }] })
    await stuck.next('suback')
    stuck.pause()
    const publisher = await enter(port, 'publisher')
    for (let i = 0; i < 50; i++)
      publisher.send({ cmd: 'publish', topic: 'load', payload: Buffer.alloc(100_000), qos: 0, retain: false, dup: false })
    await publisher.sync()
    const half = await RawClient.open(broker.addresses[1]?.port ?? 0)
    await within(5000, 'the stop', Promise.all([broker.stop(), broker.stop()]))
    stuck.resume()
    await within(5000, 'the ends', Promise.all([stuck.closed, publisher.closed]))
    half.close()
  }))

test.run()
