// Every kind of principal against every action and every topic, as the table of topics.md has it; and a plain MQTT client that tries all of it.
import { readFileSync } from 'node:fs'
import { connectAsync } from 'mqtt'
import { suite } from 'uvu'
import { equal, is, ok } from 'uvu/assert'
import { may, type Principal } from '../../broker/auth.js'
import { type Role, roles, type Scope } from '../../protocol/access.js'
import { answerWords, commandWords } from '../../protocol/command-topics.js'
import type { Action } from '../../protocol/rights.js'
import { type DeviceChannel, deviceChannels, exchanges, fleetChannels, formatTopic, joinChannels } from '../../protocol/topics.js'
import { eventually } from '../support/within.js'
import { everything } from './support/access.js'
import { type AccessRow, type Names, readAccessTable, says, topicOf } from './support/access-table.js'
import { connectAsManager } from './support/brokers.js'
import { withSecureBroker } from './support/secure.js'

const test = suite('matrix of access')
const root = 'skerry'
const table = readAccessTable()
const actions: readonly Action[] = ['publish', 'retain', 'will', 'subscribe']

const own: Names = { id: 'a', name: 'line-1', key: 'k'.repeat(43), digest: 'D'.repeat(43), rid: 'r-1' }
const other: Names = { ...own, id: 'b', name: 'line-2', key: 'l'.repeat(43) }
const some: Scope = { groups: new Set(['line-1']), devices: new Set(['a']) }
const nothing: Scope = { groups: new Set(), devices: new Set() }

const user = (role: Role, scope: Scope): Principal => ({ kind: 'user', root, user: { name: role, role, scope } })
const principals: Readonly<Record<string, Principal>> = {
  manager: { kind: 'manager', root },
  device: { kind: 'device', device: 'a', root, groups: new Set(['line-1']) },
  'device of no group': { kind: 'device', device: 'a', root, groups: new Set() },
  lapsed: { kind: 'lapsed', device: 'a', root },
  leaving: { kind: 'leaving', device: 'a', root },
  joiner: { kind: 'joiner', key: own.key, root },
  ...Object.fromEntries(
    roles.flatMap(role => [
      [`${role} of all`, user(role, everything)],
      [`${role} of some`, user(role, some)],
      [`${role} of nothing`, user(role, nothing)],
    ]),
  ),
}

test('the table has every topic that there is, and no other', () => {
  const kinds = { device: '{id}', group: '{name}' }
  const below = (words: typeof commandWords) =>
    Object.entries(words).flatMap(([word, targets]) =>
      Object.entries(targets).map(([target, kind]) => `${word}/${target}/${kinds[kind]}/#`),
    )
  const inCode = [
    ...(Object.keys(deviceChannels) as DeviceChannel[]).map(channel =>
      formatTopic('', { kind: 'device', device: '{id}', channel }).slice(1),
    ),
    ...Object.keys(exchanges).map(exchange => `device/{id}/${exchange}/{rid}`),
    ...Object.keys(joinChannels).map(channel => `join/{key}/${channel}`),
    ...Object.keys(fleetChannels).map(channel => `fleet/${channel}`),
    'group/{name}/desired',
    'spec/{digest}',
    ...below(commandWords),
    ...below(answerWords),
    ...Object.entries(kinds).flatMap(([kind, place]) => [`permit/${kind}/${place}`, `ack/permit/${kind}/${place}/#`]),
    'state/manager',
    ...['state', 'data'].flatMap(word => Object.entries(kinds).map(([kind, place]) => `${word}/${kind}/${place}/#`)),
  ]
  equal(table.map(({ topic }) => topic).sort(), inCode.sort())
  const listed = [...readFileSync('topics.md', 'utf8').matchAll(/^\| `skerry\/([^`]+)` +\| \w+ →/gm)].map(match => match[1] ?? '')
  ok(listed.length > 10)
  for (const topic of listed) ok(inCode.includes(topic), `${topic} has no rule`)
})

/** What a principal may, and what the table says, as lines of text. */
function compare(principal: Principal, names: Names): { is: string[]; wanted: string[] } {
  const cases = table.flatMap(row => actions.flatMap(action => topicsOf(row, names, action).map(topic => ({ row, action, topic }))))
  const line = (allowed: boolean, action: Action, topic: string) => `${allowed ? 'may' : 'may not'} ${action} ${topic}`
  return {
    is: cases.map(({ action, topic }) => line(may(principal, action, topic), action, topic)),
    wanted: cases.map(({ row, action, topic }) => line(says(row, principal, action, names), action, topic)),
  }
}

/** The topic itself; and where the row is about all below it, some of that. */
function topicsOf(row: AccessRow, names: Names, action: Action): string[] {
  const topic = topicOf(row, names)
  if (!row.topic.endsWith('/#')) return [topic]
  const filters = action === 'subscribe' ? [`${topic}/#`, `${topic}/+/x`] : []
  return [topic, `${topic}/app/web/run`, ...filters]
}

for (const [name, principal] of Object.entries(principals)) {
  test(`${name}: own topics, and those of others`, () => {
    for (const names of [own, other]) {
      const { is: found, wanted } = compare(principal, names)
      ok(found.length > 100)
      equal(found, wanted)
    }
  })

  test(`${name}: filters for all of a kind`, () => {
    for (const row of table) {
      for (const place of ['id', 'name', 'key', 'digest'] as const) {
        if (!row.topic.includes(`{${place}}`)) continue
        const names = { ...own, [place]: '+' }
        const topic = topicOf(row, names)
        // Where no names fit `+`, as sets of names do, only whoever has all of them may.
        is(may(principal, 'subscribe', topic), says(row, principal, 'subscribe', names), topic)
        if (principal.kind !== 'manager')
          is(may(principal, 'subscribe', `${root}/${row.topic.split('{')[0]}#`), mayAllBelow(principal, row))
      }
    }
  })

  test(`${name}: what is no topic of the fleet is nobody's, and what the broker tells the manager is not for hearing`, () => {
    const nobodys = [
      '',
      '$SYS/x',
      '$share/g/skerry/state/#',
      'a\u0000b',
      'skerry/from',
      'skerry/from/#',
      'skerry/from/e30/cmd/group/line-1',
    ]
    for (const topic of nobodys) for (const action of actions) is(may(principal, action, topic), false, topic)
    const strange = [
      '#',
      '+/#',
      'skerry',
      'skerry/#',
      'skerry/+/#',
      'skerry/device/#',
      'skerry/+/a/status',
      'skerry/device/a/+',
      'skerry/device/a/#',
    ]
    const wrong = [
      'other/device/a/status',
      'skerryx/state/manager',
      'skerry/device/a/other',
      'skerry/spec/short',
      'skerry/Device/a/status',
      'skerry//state/manager',
    ]
    for (const topic of [...strange, ...wrong]) {
      for (const action of actions) is(may(principal, action, topic), principal.kind === 'manager', `${action} ${topic}`)
    }
  })
}

/** `skerry/state/#` and the like: of commands' and states' topics only, and only for whoever has everything. */
function mayAllBelow(principal: Principal, { topic, who }: AccessRow): boolean {
  if (principal.kind !== 'user' || !topic.endsWith('/#')) return false
  const { role, scope } = principal.user
  const enough = who.subscribe.has('viewer') || (who.subscribe.has('operator') && role !== 'viewer')
  return enough && scope[topic.includes('{id}') ? 'devices' : 'groups'] === 'all'
}

test('a value is about a device or a group by name: nobody publishes one about nothing in particular', () => {
  for (const [name, principal] of Object.entries(principals)) {
    for (const topic of ['data', 'data/', 'data/x', 'data/device', 'data/group/', 'data/x/y', 'data/Group/line-1/x', 'data/constructor/x'])
      for (const action of ['publish', 'retain', 'will'] as const)
        is(may(principal, action, `skerry/${topic}`), principal.kind === 'manager', `${name}: ${action} ${topic}`)
  }
})

test('the requests to a device are read at once, by itself', () => {
  for (const [name, principal] of Object.entries(principals)) {
    const isDevice = principal.kind === 'device' || principal.kind === 'leaving' || principal.kind === 'manager'
    is(may(principal, 'subscribe', 'skerry/device/a/request/+'), isDevice, name)
    is(may(principal, 'subscribe', 'skerry/device/b/request/+'), principal.kind === 'manager', name)
  }
})

test('a plain MQTT client with a device’s certificate gets nothing and says nothing on any topic that is not its own', () =>
  withSecureBroker(async ({ broker, port, device, access, authority }) => {
    const credentials = await device('a')
    access.groups.set('a', new Set(['line-1']))
    const manager = connectAsManager(broker)
    const heard: string[] = []
    manager.on('message', topic => heard.push(topic))
    await manager.subscribeAsync('#', { qos: 1 })
    const options = { clientId: 'dev-a', cert: credentials.cert, key: credentials.key, ca: authority.pem, reconnectPeriod: 0 }
    const client = await connectAsync(`mqtts://localhost:${port}`, { ...options, protocolVersion: 4 })
    const told: string[] = []
    client.on('message', topic => told.push(topic))

    const filters = [...new Set([own, other].flatMap(names => table.flatMap(row => topicsOf(row, names, 'subscribe'))))]
    const [self] = [principals.device!]
    const granted = new Set<string>()
    for (const filter of [...filters, '#', 'skerry/#', 'skerry/+/+/+', 'skerry/device/+/status', '$SYS/#']) {
      const [grant] = await client.subscribeAsync(filter, { qos: 1 }).catch(() => [])
      if (grant !== undefined && grant.qos < 3) granted.add(filter)
    }
    equal([...granted].sort(), filters.filter(filter => may(self, 'subscribe', filter)).sort())
    ok(granted.size >= 6 && !granted.has('skerry/device/b/desired') && !granted.has('skerry/group/line-2/desired'))

    const topics = [...new Set([own, other].flatMap(names => table.flatMap(row => topicsOf(row, names, 'publish'))))]
    for (const topic of topics) await client.publishAsync(topic, 'x', { qos: 1, retain: true })
    const allowed = topics.filter(topic => may(self, 'publish', topic))
    await eventually(5000, 'what it may say', () => heard.length >= allowed.length)
    equal([...heard].sort(), allowed.sort())
    is(broker.stats().retained, topics.filter(topic => may(self, 'retain', topic)).length)

    for (const topic of topics) await manager.publishAsync(topic, 'y', { qos: 1 })
    const mine = topics.filter(topic => may(self, 'subscribe', topic))
    await eventually(5000, 'what it may hear', () => told.length >= mine.length)
    await client.publishAsync('skerry/device/a/status', 'z', { qos: 1 })
    equal([...told].sort(), mine.sort())
    is(client.connected, true)
    await client.endAsync()
    await manager.endAsync()
  }))

test.run()
