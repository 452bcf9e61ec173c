// The API over TLS, and a broker that asks the manager who its clients are: users and programs, with the same names and rules.
import * as assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { get } from 'node:https'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import { type Broker, startBroker } from '../../broker/broker.js'
import { openClient } from '../../cli/client.js'
import { openPki, type Pki } from '../../manager/identity/pki.js'
import { type Manager, openManager } from '../../manager/manager.js'
import type { Answer } from '../../protocol/answer.js'
import { eventually, within } from '../support/within.js'
import { silent, tempFolder, webApp } from './site.js'

interface Context {
  folder: Awaited<ReturnType<typeof tempFolder>>
  pki: Pki
  broker: Broker
  manager: Manager
}

const test = suite<Context>('TLS')
const secret = 'the-local-token-of-this-test'
const password = 'correct horse'

test.before(async context => {
  context.folder = await tempFolder()
  context.pki = await openPki(join(context.folder.path, 'pki'), { log: silent })
  const opened = openManager({
    file: join(context.folder.path, 'manager.db'),
    root: 'skerry',
    http: { host: '127.0.0.1', port: 0, tls: context.pki.server, tokens: { local: secret } },
    identity: { pki: context.pki },
    log: silent,
  })
  context.broker = await startBroker({
    file: join(context.folder.path, 'broker.db'),
    listeners: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    access: opened.access,
    log: silent,
  })
  context.manager = await opened.start({ broker: { connect: () => context.broker.connectInProcess() } })
  const { request } = clientOf(context)
  await eventually(5000, 'the manager is connected', () =>
    request<{ ready: boolean }>('GET', '/ready').then(
      ({ ready }) => ready,
      () => false,
    ),
  )
  for (const name of ['line-1', 'line-2']) {
    await request('POST', '/groups', { body: { name } })
    await request('PUT', `/groups/${name}/apps/web`, { body: webApp(), type: 'application/yaml' })
  }
  await request('POST', '/users', { body: { name: 'scada', role: 'operator', groups: ['line-1'], password } })
  await request('POST', '/users', { body: { name: 'watcher', role: 'viewer', password } })
})
test.after(async ({ manager, broker, pki, folder }) => {
  await manager.stop()
  await broker.stop()
  pki.close()
  await folder.remove()
})

const clientOf = ({ manager, pki }: Context, token = secret) => openClient(manager.url, { token, ca: pki.caPem })

/** What is shown to whoever connects now. */
async function shownBy({ manager, pki }: Context): Promise<X509Certificate> {
  const { hostname, port } = new URL(manager.url)
  const socket = connectTls({ host: hostname, port: Number(port), ca: pki.caPem })
  try {
    await within(5000, 'a handshake', new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)))
    return socket.getPeerX509Certificate()!
  } finally {
    socket.destroy()
  }
}

test('the API speaks TLS with a certificate of the fleet’s CA, and nothing else', async context => {
  assert.match(context.manager.url, /^https:/)
  assert.equal((await clientOf(context).request<{ kind: string }>('GET', '/whoami')).kind, 'local')
  await assert.rejects(openClient(context.manager.url, { token: secret }).request('GET', '/whoami'), { code: 'server.unavailable' })
  await assert.rejects(fetch(`${context.manager.url.replace('https', 'http')}/api/v1/health`))
})

test('a page’s cookie is for TLS alone', async ({ manager, pki }) => {
  const { Agent, fetch: send } = await import('undici')
  const dispatcher = new Agent({ connect: { ca: pki.caPem } })
  const body = JSON.stringify({ user: 'watcher', password })
  const answer = await send(`${manager.url}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    dispatcher,
  })
  assert.match(answer.headers.getSetCookie()[0]!, /^__Host-skerry=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/)
  await dispatcher.close()
})

test('the certificate is replaced while connections stay open', async context => {
  const { manager, pki } = context
  const before = await shownBy(context)
  const open = connectTls({ host: '127.0.0.1', port: Number(new URL(manager.url).port), ca: pki.caPem })
  await within(5000, 'a handshake', new Promise(resolve => open.once('secureConnect', resolve)))
  await pki.renewServer()
  manager.replaceTls(pki.server)
  const after = await shownBy(context)
  assert.notEqual(after.serialNumber, before.serialNumber)
  assert.equal(after.fingerprint256, new X509Certificate(pki.server.cert).fingerprint256)
  const answered = new Promise<number | undefined>((resolve, reject) => {
    get(`${manager.url}/api/v1/health`, { createConnection: () => open }, ({ statusCode }) => resolve(statusCode)).once('error', reject)
  })
  assert.equal(await within(5000, 'an answer on the old connection', answered), 200)
  open.destroy()
})

test('users of the API are the broker’s, with role and scope, and stand in what they did', async context => {
  const { broker } = context
  const url = `mqtt://127.0.0.1:${broker.addresses[0]!.port}`
  await assert.rejects(mqtt.connectAsync(url, { username: 'scada', password: 'wrong', reconnectPeriod: 0 }))
  await assert.rejects(mqtt.connectAsync(url, { reconnectPeriod: 0 }))
  const plc = await mqtt.connectAsync(url, { username: 'scada', password, reconnectPeriod: 0 })
  const answers: Answer[] = []
  plc.on('message', (topic, payload) => topic.endsWith('/json') && answers.push(JSON.parse(payload.toString())))
  await plc.subscribeAsync('skerry/ack/group/line-1/app/web/run/#', { qos: 1 })
  await plc.publishAsync('skerry/cmd/group/line-1/app/web/run', '0', { qos: 1 })
  const answer = await eventually(5000, 'an answer', () => answers[0])
  assert.deepEqual([answer.code, answer.changed], [0, true])
  const { items } = await clientOf(context).request<{ items: { data: { origin: unknown } }[] }>('GET', '/events', {
    query: { type: 'app.stopped' },
  })
  assert.deepEqual(items[0]?.data.origin, { via: 'mqtt', user: 'scada', from: '127.0.0.1', topic: 'skerry/cmd/group/line-1/app/web/run' })
  await plc.publishAsync('skerry/cmd/group/line-2/app/web/run', '0', { qos: 1 }).catch(() => {})
  await plc.endAsync()
  assert.equal((await clientOf(context).request<{ run: string }>('GET', '/groups/line-2/apps/web')).run, 'running')
})

test('a program’s token is a password of the broker, and a user who is changed has to come again', async context => {
  const { broker } = context
  const { request } = clientOf(context)
  const { token } = await request<{ token: string }>('POST', '/access-tokens', { body: { name: 'program', role: 'viewer', days: 1 } })
  const url = `mqtt://127.0.0.1:${broker.addresses[0]!.port}`
  for (const [username, given, end] of [
    ['program', token, () => request('DELETE', '/access-tokens/program')],
    ['watcher', password, () => request('POST', '/users/watcher/password', { body: {} })],
  ] as const) {
    const client = await mqtt.connectAsync(url, { username, password: given, reconnectPeriod: 0 })
    const closed = new Promise(resolve => client.once('close', () => resolve(undefined)))
    await end()
    await within(5000, `${username} is cut`, closed)
    await assert.rejects(mqtt.connectAsync(url, { username, password: given, reconnectPeriod: 0 }), username)
  }
})

test.run()
