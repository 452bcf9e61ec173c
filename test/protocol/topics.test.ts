// Topic names: what is built can be parsed, what is not ours is not parsed, and topics.md lists exactly what exists.
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkName } from '../../protocol/names.js'
import {
  checkRoot,
  clientIdOf,
  type DeviceChannel,
  deviceChannels,
  deviceOfClientId,
  exchanges,
  fleetChannels,
  formatTopic,
  joinChannels,
  joinClientIdOf,
  keyOfJoinClientId,
  parseTopic,
  type Topic,
} from '../../protocol/topics.js'

const digest = 'A'.repeat(43)
const all: Topic[] = [
  { kind: 'device', device: 'k3v9x0a1b2c3', channel: 'status' },
  { kind: 'device', device: 'k3v9x0a1b2c3', channel: 'heartbeat' },
  { kind: 'device', device: 'k3v9x0a1b2c3', channel: 'reported' },
  { kind: 'device', device: 'k3v9x0a1b2c3', channel: 'desired' },
  { kind: 'request', device: 'k3v9x0a1b2c3', rid: 'A_b-9' },
  { kind: 'response', device: 'k3v9x0a1b2c3', rid: 'r'.repeat(40) },
  { kind: 'group', group: 'line-1', channel: 'desired' },
  { kind: 'device', device: 'k3v9x0a1b2c3', channel: 'renewal' },
  { kind: 'device', device: 'k3v9x0a1b2c3', channel: 'certificate' },
  { kind: 'fleet', channel: 'desired' },
  { kind: 'fleet', channel: 'keys' },
  { kind: 'spec', digest },
  { kind: 'join', key: digest, channel: 'request' },
  { kind: 'join', key: digest, channel: 'answer' },
]

for (const root of ['skerry', 'plant/north/skerry']) {
  test(`topics under ${root} parse to what they were built from`, () => {
    for (const topic of all) assert.equal(parseTopic(root, formatTopic(root, topic)), topic)
  })
}

test('names that are not topics of ours do not parse', () => {
  const foreign = [
    'skerry',
    'skerry/',
    'other/device/a/status',
    'skerry/device/a',
    'skerry/device/a/status/more',
    'skerry/device/a/heartbeat',
    'skerry/h',
    'skerry/h/A',
    'skerry/h/a/heartbeat',
    'skerry/device//status',
    'skerry/device/A/status',
    'skerry/device/a/constructor',
    'skerry/device/a/__proto__',
    'skerry/group/a/status',
    'skerry/spec/short',
    `skerry/spec/${digest}/x`,
    'skerry/device/+/status',
    'skerry/device/a/request',
    'skerry/device/a/request/',
    'skerry/device/a/request/a.b',
    'skerry/device/a/request/+',
    'skerry/device/A/request/r',
    `skerry/device/a/response/${'r'.repeat(41)}`,
    'skerry/device/a/response/r/more',
    'skerry/group/a/request/r',
    'skerry/fleet',
    'skerry/fleet/toString',
    'skerry/fleet/desired/x',
    `skerry/device/${'a'.repeat(37)}/status`,
    `skerry/join/${digest}`,
    `skerry/join/${digest}/response`,
    `skerry/join/${digest}/constructor`,
    `skerry/join/${digest}/request/more`,
    `skerry/join/${digest}A/request`,
    'skerry/join/+/request',
  ]
  for (const name of foreign) assert.is(parseTopic('skerry', name), undefined, name)
})

test('a root with a wildcard, an empty segment, a leading $ or a NUL is refused', () => {
  for (const root of ['', '/', 'a//b', '+', 'a/#', '$SYS', 'a\u0000b', 'a b', `${'a'.repeat(101)}`]) {
    const result = checkRoot(root)
    assert.equal(result.ok || result.refusals[0].code, 'topic.invalid', root)
  }
  assert.ok(checkRoot('plant/north').ok)
})

test('an invalid name is refused with its code', () => {
  for (const [kind, name] of [
    ['device', 'UPPER'],
    ['group', '../x'],
    ['app', 'a/b'],
    ['app', ''],
  ] as const) {
    const result = checkName(kind, name)
    assert.equal(result.ok || result.refusals[0].code, 'name.invalid')
  }
})

test('a client id names its device', () => {
  assert.is(deviceOfClientId(clientIdOf('k3v9')), 'k3v9')
  assert.is(deviceOfClientId('mosq-123'), undefined)
  assert.is(deviceOfClientId('dev-../x'), undefined)
})

test('a client id names the key that asks to join', () => {
  assert.is(keyOfJoinClientId(joinClientIdOf(digest)), digest)
  assert.is(keyOfJoinClientId(`dev-${digest}`), undefined)
  assert.is(keyOfJoinClientId('join-short'), undefined)
  assert.is(keyOfJoinClientId(`join-${'+'.repeat(43)}`), undefined)
})

test('topics.md has a section and a row for each topic, and none for another', () => {
  const page = readFileSync('topics.md', 'utf8')
  const rows = [...page.matchAll(/^\| `skerry\/([^`]+)` +\|/gm)].map(match => match[1])
  const expected = [
    ...(Object.keys(deviceChannels) as DeviceChannel[]).map(channel =>
      formatTopic('', { kind: 'device', device: '{id}', channel }).slice(1),
    ),
    ...Object.keys(exchanges).map(exchange => `device/{id}/${exchange}/{rid}`),
    'group/{name}/desired',
    ...Object.keys(fleetChannels).map(channel => `fleet/${channel}`),
    'spec/{digest}',
    'permit/device/{id}',
    'permit/group/{name}',
    'data/device/{id}/#',
    'data/group/{name}/#',
    ...Object.keys(joinChannels).map(channel => `join/{key}/${channel}`),
  ]
  assert.equal(rows.sort(), expected.sort())
  for (const topic of expected) assert.ok(new RegExp(`^## .*\`skerry/${topic.replace(/[{}]/g, '\\$&')}\``, 'm').test(page), topic)
})

test.run()
