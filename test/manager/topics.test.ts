// Topics over HTTP: values both ways, commands answered as over MQTT, the same scopes, and what is refused.
import * as assert from 'node:assert/strict'
import { connectAsync, type MqttClient } from 'mqtt'
import { suite } from 'uvu'
import type { Role } from '../../protocol/access.js'
import { bearer, type Credentials, credentials } from '../support/credentials.js'
import { Embedded, Plc } from '../support/embedded.js'
import { Fort } from '../support/fort.js'
import { startMosquitto } from '../support/mosquitto.js'
import { eventually } from '../support/within.js'
import { startSite, webApp } from './site.js'

interface Heard {
  readonly topic: string
  readonly text: string
  readonly retain: boolean
}

interface Program {
  readonly client: MqttClient
  readonly heard: Heard[]
}

const test = suite<{ site: Embedded; program: Program }>('topics over HTTP')

test.before(async context => {
  context.site = await Embedded.start()
  for (const name of ['line-1', 'line-2']) await context.site.api('POST', '/groups', { name })
  context.program = await listen(context.site.url, 'skerry/data/#')
})
test.after(async ({ site, program }) => {
  await program.client.endAsync()
  await site.stop()
})

async function listen(url: string, ...filters: string[]): Promise<Program> {
  const client = await connectAsync(url, { reconnectPeriod: 0 })
  const heard: Heard[] = []
  client.on('message', (topic, payload, { retain }) => heard.push({ topic, text: payload.toString('latin1'), retain }))
  await client.subscribeAsync(filters, { qos: 1 })
  return { client, heard }
}

interface Options {
  readonly body?: string | Uint8Array
  readonly headers?: Record<string, string>
  readonly as?: Credentials
}

/** `path` is put into the URL as it is. */
async function ask(site: { manager: { url: string } }, method: string, path: string, { body, headers, as = credentials }: Options = {}) {
  const response = await fetch(`${site.manager.url}/api/v1/topics/${path}`, {
    method,
    headers: { ...as, ...headers },
    ...(body === undefined ? {} : { body }),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, bytes, json: isJson ? JSON.parse(bytes.toString()) : undefined }
}

const inJson = { headers: { accept: 'application/json' } }

async function lastOf(site: Embedded, path: string): Promise<unknown> {
  const { status, json } = await ask(site, 'GET', path, inJson)
  return status === 200 ? (json.text ?? json.base64) : json.code
}

test('what programs publish over MQTT is read over HTTP: as it is with headers, or in JSON, retained or not', async ({ site, program }) => {
  const from = Date.now()
  await program.client.publishAsync('skerry/data/group/line-1/press/7/speed', '12.5', { qos: 1 })
  const path = 'data/group/line-1/press/7/speed'
  const plain = await eventually(5000, 'the value', async () => {
    const answer = await ask(site, 'GET', path)
    return answer.status === 200 && answer
  })
  assert.equal(plain.bytes.toString(), '12.5')
  assert.equal(plain.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.equal(plain.headers.get('skerry-retained'), 'false')
  const at = Date.parse(plain.headers.get('skerry-time') ?? '')
  assert.ok(at >= from && at <= Date.now())
  await program.client.publishAsync('skerry/data/group/line-1/press/7/speed', '13', { qos: 1, retain: true })
  const retained = await eventually(5000, 'the new value', async () => {
    const { json } = await ask(site, 'GET', path, inJson)
    return json.text === '13' && json
  })
  const time = retained.time
  assert.ok(Date.parse(time) >= at)
  assert.deepEqual(retained, { topic: 'skerry/data/group/line-1/press/7/speed', text: '13', sizeBytes: 2, time, retained: true })

  const bytes = Buffer.from([0, 255, 254, 10])
  await program.client.publishAsync('skerry/data/device/any/raw', bytes, { qos: 1, retain: true })
  const raw = await eventually(5000, 'the bytes', async () => {
    const answer = await ask(site, 'GET', 'data/device/any/raw')
    return answer.status === 200 && answer
  })
  assert.ok(raw.bytes.equals(bytes))
  assert.equal(raw.headers.get('content-type'), 'application/octet-stream')
  assert.equal(await lastOf(site, 'data/device/any/raw'), bytes.toString('base64'))
})

test('what is published over HTTP reaches programs as it is, by PUT and POST, with the root or without, whatever its type', async ({
  site,
  program,
}) => {
  const cases: readonly [method: string, path: string, topic: string, body: string, type?: string][] = [
    ['PUT', 'data/group/line-1/a/b', 'skerry/data/group/line-1/a/b', 'one'],
    ['POST', 'skerry/data/group/line-1/a/b', 'skerry/data/group/line-1/a/b', '{"two":2}', 'application/json'],
    ['PUT', 'data/group/line-1/a%2Fb', 'skerry/data/group/line-1/a/b', 'three', 'application/x-www-form-urlencoded'],
    ['PUT', 'data/group/line-1/Halle%20%C3%BC/100%25%3F', 'skerry/data/group/line-1/Halle ü/100%?', 'four', 'application/yaml'],
    ['PUT', 'data/group/line-1//end/', 'skerry/data/group/line-1//end/', 'five'],
    ['PUT', 'data/group/line-1', 'skerry/data/group/line-1', 'six', 'multipart/form-data; boundary=x'],
    ['PUT', `data/group/line-1/${'x'.repeat(900)}`, `skerry/data/group/line-1/${'x'.repeat(900)}`, 'seven'],
  ]
  program.heard.length = 0
  for (const [method, path, topic, body, type] of cases) {
    const { status, json } = await ask(site, method, path, { body, headers: type === undefined ? {} : { 'content-type': type } })
    assert.deepEqual([status, json], [200, { topic, sizeBytes: body.length, retained: false }], path)
    assert.equal(await lastOf(site, path), body, 'who has published reads it')
  }
  await eventually(5000, 'all of them', () => program.heard.length >= cases.length)
  assert.deepEqual(
    program.heard,
    cases.map(([, , topic, text]) => ({ topic, text, retain: false })),
  )
})

test('a retained value is there for who comes later, also after a restart of the manager; an empty one clears it', async ({ site }) => {
  const path = 'data/group/line-2/order'
  assert.equal((await ask(site, 'PUT', `${path}?retain=true`, { body: '4711' })).json.retained, true)
  const later = await listen(site.url, 'skerry/data/group/line-2/#')
  await eventually(5000, 'the value', () => later.heard.length > 0)
  assert.deepEqual(later.heard, [{ topic: `skerry/${path}`, text: '4711', retain: true }])
  await site.restartManager()
  const json = await eventually(5000, 'the value again', async () => {
    const answer = await ask(site, 'GET', path, inJson)
    return answer.status === 200 && answer.json
  })
  assert.deepEqual([json.text, json.time, json.retained], ['4711', null, true])
  assert.equal((await ask(site, 'PUT', `${path}?retain=true`)).status, 200)
  await eventually(5000, 'nothing', async () => (await lastOf(site, path)) === 'value.unknown')
  await later.client.endAsync()
})

test('states are read in the same way; what nobody has said is unknown', async ({ site }) => {
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  assert.equal(await eventually(5000, 'the manager’s state', async () => (await lastOf(site, 'state/manager')) === '1' && '1'), '1')
  await eventually(5000, 'the state', async () => (await lastOf(site, 'state/group/line-1/app/web')) === '0')
  const { status, json } = await ask(site, 'GET', 'state/group/line-1/app/none')
  assert.deepEqual([status, json.code], [404, 'value.unknown'])
  const head = await ask(site, 'HEAD', 'state/manager')
  assert.deepEqual([head.status, head.bytes.length], [200, 0])
})

test('of many who ask at once each gets the answer to its own question', async ({ site, program }) => {
  const numbers = Array.from({ length: 120 }, (_, n) => String(n))
  const publish = async (payloadOf: (n: string) => string) => {
    for (const n of numbers) program.client.publish(`skerry/data/group/many/${n}`, payloadOf(n), { qos: 0, retain: n !== '7' })
    await program.client.publishAsync('skerry/data/group/many', '', { qos: 1 })
  }
  await publish(n => n)
  await site.restartManager()
  await eventually(5000, 'the first', async () => (await lastOf(site, 'data/group/many/0')) === '0')
  const found = await Promise.all([...numbers, ...numbers].map(n => lastOf(site, `data/group/many/${n}`)))
  assert.deepEqual(
    found,
    [...numbers, ...numbers].map(n => (n === '7' ? 'value.unknown' : n)),
  )
  await publish(() => '')
})

test('what is no topic, what is nobody’s to say or hear, and what is too large is refused', async ({ site, program }) => {
  program.heard.length = 0
  const cases: readonly [path: string, status: number, code: string][] = [
    ['', 400, 'topic.invalid'],
    ['data/group/line-1/%23', 400, 'topic.invalid'],
    ['data/group/+/x', 400, 'topic.invalid'],
    ['data/group/%2B/x', 400, 'topic.invalid'],
    ['$SYS/broker', 400, 'topic.invalid'],
    ['%24share/g/x', 400, 'topic.invalid'],
    ['data/group/line-1/%00', 400, 'topic.invalid'],
    ['data/group/line-1/%0A', 400, 'topic.invalid'],
    [`data/group/line-1/${'x'.repeat(1100)}`, 400, 'topic.invalid'],
    [`data/group/line-1${'/x'.repeat(100)}`, 400, 'topic.invalid'],
    ['device/a1/desired', 403, 'auth.forbidden'],
    ['spec/x', 403, 'auth.forbidden'],
    ['from/e30/cmd/group/line-1', 403, 'auth.forbidden'],
    ['fleet/keys', 403, 'auth.forbidden'],
    ['join/x/request', 403, 'auth.forbidden'],
    ['skerry', 403, 'auth.forbidden'],
    ['other/data/group/line-1/x', 403, 'auth.forbidden'],
    ['skerry/skerry/data/group/line-1/x', 403, 'auth.forbidden'],
  ]
  for (const method of ['GET', 'PUT', 'POST']) {
    for (const [path, status, code] of cases) {
      const answer = await ask(site, method, path, method === 'GET' ? {} : { body: 'x' })
      assert.deepEqual([answer.status, answer.json?.code], [status, code], `${method} ${path}`)
    }
  }
  for (const path of ['state/manager', 'device/a1/status', 'ack/group/line-1', 'data/group', 'data/x/y']) {
    assert.deepEqual((await ask(site, 'PUT', path, { body: 'x' })).json.code, 'auth.forbidden', path)
  }
  const large = await ask(site, 'PUT', 'data/group/line-1/large', { body: 'x'.repeat(65_537) })
  assert.deepEqual([large.status, large.json.code], [413, 'message.too-large'])
  const huge = await ask(site, 'PUT', 'data/group/line-1/large', { body: 'x'.repeat(2 * 1024 * 1024 + 1) })
  assert.deepEqual([huge.status, huge.json.code], [413, 'message.too-large'])
  assert.equal((await ask(site, 'PUT', 'data/group/line-1/large', { body: 'x'.repeat(65_536) })).status, 200)
  await eventually(5000, 'the one that fits', () => program.heard.length > 0)
  assert.deepEqual(
    program.heard.map(({ topic }) => topic),
    ['skerry/data/group/line-1/large'],
  )
})

test('a command is done and answered as over MQTT, and nothing is said on the topics of its answer', async ({ site }) => {
  const plc = await Plc.connect(site.url)
  const api = (body: string, path = 'c/g/line-1/cmd/run') => ask(site, 'PUT', path, { body })
  const compose = await ask(site, 'POST', 'cmd/group/line-1/app/cmd/spec', { body: webApp('one') })
  assert.deepEqual([compose.status, compose.json.code, compose.json.revision], [200, 0, 1])
  const [revision] = (await site.api('GET', '/groups/line-1/apps/cmd/revisions')).items
  assert.deepEqual(revision.origin, { via: 'api', user: 'local', from: '127.0.0.1', topic: 'skerry/cmd/group/line-1/app/cmd/spec' })
  assert.deepEqual(
    plc.told.filter(({ topic }) => /\/(ack|a)\//.test(topic)),
    [],
  )
  const cases: readonly [path: string, body: string, status: number][] = [
    ['c/g/line-1/cmd/run', 'OFF', 200],
    ['c/g/line-1/cmd/run', '2', 400],
    ['c/g/line-1/none/run', '1', 404],
    ['c/d/none/cmd/run', '1', 404],
    ['c/g/line-1/cmd/rev', '99', 404],
    ['cmd/group/line-1', '{"verb":"run","app":"cmd","value":0,"expires":"2020-01-01T00:00:00Z"}', 403],
    ['cmd/group/line-1/app/cmd/run', `1${' '.repeat(5000)}`, 413],
    ['cmd/nonsense', '1', 400],
  ]
  assert.deepEqual((await api('0')).json.changed, true)
  for (const [path, body, status] of cases) {
    const answer = await api(body, path)
    const overMqtt = await plc.ask(`skerry/${path}`, body)
    assert.equal(answer.status, status, path)
    assert.deepEqual(answer.json, overMqtt, path)
  }
  const retained = await ask(site, 'PUT', 'c/g/line-1/cmd/run?retain=true', { body: '1' })
  assert.deepEqual([retained.status, retained.json.error], [403, 'command.retained'])
  const empty = await ask(site, 'PUT', 'c/g/line-1/cmd/run?retain=true')
  assert.deepEqual([empty.status, empty.json.error], [403, 'command.retained'])
  const first = await api('{"value":1,"id":"h1"}')
  assert.deepEqual([first.json.changed, (await api('{"value":1,"id":"h1"}')).json.repeated], [true, true])
  assert.equal((await api('{"value":0,"id":"h1"}')).status, 409)
  await plc.leave()
})

test('roles and scopes are those of MQTT, and refusals are in the audit trail', async ({ site, program }) => {
  const make = async (role: Role, groups: string[] | null) => {
    const { token } = await site.api('POST', '/access-tokens', {
      name: `${role}-${groups === null ? 'all' : 'one'}`,
      role,
      groups,
      days: 1,
    })
    return bearer(token)
  }
  await site.api('PUT', '/groups/line-1/apps/web', webApp())
  await site.api('PUT', '/groups/line-2/apps/web', webApp())
  for (const group of ['line-1', 'line-2']) await ask(site, 'PUT', `data/group/${group}/v?retain=true`, { body: group })
  const may = {
    'viewer all': await make('viewer', null),
    'viewer one': await make('viewer', ['line-1']),
    'operator all': await make('operator', null),
    'operator one': await make('operator', ['line-1']),
  }
  const statuses = async (method: string, path: (group: string) => string, body?: string) => {
    const found: Record<string, number[]> = {}
    for (const [name, as] of Object.entries(may)) {
      const options = body === undefined ? { as } : { as, body }
      found[name] = [(await ask(site, method, path('line-1'), options)).status, (await ask(site, method, path('line-2'), options)).status]
    }
    return Object.values(found)
  }
  for (const group of ['line-1', 'line-2']) {
    await eventually(5000, 'the values', async () => (await lastOf(site, `data/group/${group}/v`)) === group)
    await eventually(5000, 'the states', async () => (await lastOf(site, `state/group/${group}/app/web`)) === '0')
  }
  const [ok, no, unknown] = [200, 403, 404]
  const read = [
    [ok, ok],
    [ok, no],
    [ok, ok],
    [ok, no],
  ]
  const changed = [
    [no, no],
    [no, no],
    [ok, ok],
    [ok, no],
  ]
  assert.deepEqual(await statuses('GET', group => `data/group/${group}/v`), read)
  assert.deepEqual(await statuses('GET', group => `state/group/${group}/app/web`), read)
  assert.deepEqual(await statuses('PUT', group => `data/group/${group}/v`, 'x'), changed)
  assert.deepEqual(await statuses('PUT', group => `data/group/${group}/v?retain=true`, 'x'), changed)
  assert.deepEqual(await statuses('POST', group => `c/g/${group}/web/run`, '1'), changed)
  assert.deepEqual(await statuses('GET', group => `a/g/${group}/web/run`), [
    [no, no],
    [no, no],
    [unknown, unknown],
    [unknown, no],
  ])
  assert.equal((await ask(site, 'GET', 'data/group/line-1/v', { as: bearer('wrong') })).status, 401)
  const rows = (await site.api('GET', '/audit?who=operator-one&outcome=refused')).items
  assert.ok(
    rows.some(
      (row: { action: string; target: string; code: string }) =>
        row.action === 'PUT /topics/*' && row.target === 'topics/data/group/line-2/v' && row.code === 'auth.forbidden',
    ),
    JSON.stringify(rows),
  )
  await eventually(5000, 'all of it', () => program.heard.some(({ topic, text }) => topic.endsWith('line-2/v') && text === 'x'))
})

test('a permit is given in the caller’s name, again and again, retained by the manager, and answered as over MQTT', async ({ site }) => {
  const plc = await Plc.connect(site.url)
  const permits = await listen(site.url, 'skerry/permit/group/line-2')
  const give = (body: string) => ask(site, 'PUT', 'permit/group/line-2', { body })
  for (const changed of [true, false, false]) {
    const { status, json } = await give('0')
    assert.deepEqual([status, json.code, json.changed, json.permit], [200, 0, changed, 0])
  }
  const { permit } = await site.api('GET', '/groups/line-2')
  assert.deepEqual([permit.value, permit.by], [false, 'local'])
  const leased = await give('1 30')
  assert.deepEqual([leased.json.permit, leased.json.leaseS], [1, 30])
  assert.equal((await give('1 30')).status, 200)
  await eventually(5000, 'the permit', () => permits.heard.some(({ text }) => JSON.parse(text || '{}').lease === 30))
  const later = await listen(site.url, 'skerry/permit/group/line-2')
  await eventually(5000, 'the retained permit', () => later.heard.some(({ retain, text }) => retain && JSON.parse(text).value === 1))
  assert.equal((await give('maybe')).json.error, 'request.invalid')
  assert.equal((await ask(site, 'PUT', 'permit/group/none', { body: '1' })).json.error, 'group.unknown')
  const cleared = await give('')
  assert.deepEqual([cleared.status, cleared.json.permit], [200, null])
  await eventually(5000, 'no permit', () => permits.heard.at(-1)?.text === '')
  assert.equal((await lastOf(site, 'permit/group/line-2')) as string, 'value.unknown')
  assert.deepEqual(
    plc.told.filter(({ topic }) => topic.startsWith('skerry/ack/permit')),
    [],
  )
  for (const program of [permits, later]) await program.client.endAsync()
  await plc.leave()
})

test('one token may do the same over MQTT and over HTTP, topic by topic', async () => {
  const fort = await Fort.start()
  for (const name of ['line-1', 'line-2']) await fort.api('POST', '/groups', { name })
  for (const [name, role, groups] of [
    ['some-operator', 'operator', ['line-1']],
    ['some-viewer', 'viewer', ['line-1']],
    ['any-viewer', 'viewer', null],
  ] as const) {
    const { token } = await fort.api('POST', '/access-tokens', { name, role, groups, days: 1 })
    const client = await fort.connect({ clientId: name, username: name, password: token })
    const site = { manager: fort.manager }
    const topics = ['data/group/line-1/a/b', 'data/group/line-2/a', 'data/group', 'state/manager', 'state/group/line-1/app/web']
    topics.push('state/group/line-2/app/web', 'ack/group/line-1', 'group/line-1/desired', 'c/g/line-1/web/run', 'c/g/line-2/web/run', 'x')
    for (const topic of topics) {
      const [grant] = await client.subscribeAsync(`skerry/${topic}`).catch(() => [{ qos: 128 }])
      const { status } = await ask(site, 'GET', topic, { as: bearer(token) })
      assert.equal(grant?.qos === 128, status === 403, `${name}: ${topic}: ${status}`)
      const denied = () => fort.broker.stats().dropped['publish-denied'] ?? 0
      const before = denied()
      await client.publishAsync(`skerry/${topic}`, '1', { qos: 1 })
      const published = await ask(site, 'PUT', topic, { as: bearer(token), body: '1' })
      assert.equal(denied() > before, published.status === 403, `${name}: publish to ${topic}: ${published.status}`)
    }
  }
  await fort.stop()
})

test('with a broker of another make values come and go in the same way', async () => {
  const broker = await startMosquitto()
  const site = await startSite({ broker: { url: broker.url } })
  const program = await listen(broker.url, 'skerry/data/#')
  const text = async (path: string) => {
    const { json } = await ask(site, 'GET', path, inJson)
    return json.text ?? json.code
  }
  await eventually(5000, 'the manager’s state', async () => (await text('state/manager')) === '1')
  assert.equal((await ask(site, 'PUT', 'data/group/g/a/b?retain=true', { body: 'kept' })).status, 200)
  await program.client.publishAsync('skerry/data/group/g/c', 'passing', { qos: 1 })
  await eventually(
    5000,
    'the values',
    async () => (await text('data/group/g/a/b')) === 'kept' && (await text('data/group/g/c')) === 'passing',
  )
  await eventually(5000, 'what was published', () => program.heard.some(({ topic, text }) => topic.endsWith('/a/b') && text === 'kept'))
  assert.equal(await text('data/group/g/d'), 'value.unknown')
  await program.client.endAsync()
  await broker.stop()
  await eventually(5000, 'that there is no broker', async () => (await ask(site, 'GET', 'data/group/g/c')).status === 503)
  const away = await ask(site, 'PUT', 'data/group/g/c', { body: 'x' })
  assert.deepEqual([away.status, away.json.code], [503, 'broker.unavailable'])
  await site.stop()
})

test('a permit that is put is its caller’s: answered, shown, and retained at the broker for devices and programs', async ({ site }) => {
  const permits = await listen(site.url, 'skerry/permit/#')
  const put = (path: string, body: string) => ask(site, 'PUT', path, { body })
  const { status, json } = await put('permit/group/line-1', '0')
  assert.deepEqual([status, json.code, json.permit, json.changed], [200, 0, 0, true])
  const shown = async () => (await site.api('GET', '/groups/line-1')).permit
  assert.deepEqual([(await shown()).value, (await shown()).user !== null], [false, true])
  await eventually(5000, 'it is retained', () => permits.heard.some(({ topic }) => topic === 'skerry/permit/group/line-1'))
  assert.equal((await put('permit/group/line-1', '1 30')).json.leaseS, 30)
  assert.equal((await put('permit/group/nobody', '1')).json.error, 'group.unknown')
  assert.equal((await put('permit/group/line-1', 'perhaps')).json.error, 'request.invalid')
  assert.equal((await put('permit/group/line-1', '')).json.permit, null)
  assert.equal(await shown(), null)
  await permits.client.endAsync()
})

test.run()
