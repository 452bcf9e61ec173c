// Commands as PLCs write them: text, JSON and CBOR with all their habits; any bytes give a command or a refusal.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { okAnswer, refusalAnswer } from '../../protocol/answer.js'
import { encodeCbor } from '../../protocol/cbor.js'
import { readCommand } from '../../protocol/command.js'
import { type CommandTopic, verbs } from '../../protocol/command-topics.js'
import { isErrorCode } from '../../protocol/errors.js'

const test = suite('commands')

const on = (verb: (typeof verbs)[number]): CommandTopic => ({ kind: 'group', target: 'line-1', app: 'web', verb })
const target: CommandTopic = { kind: 'group', target: 'line-1' }
const bytes = (payload: string | Uint8Array) => (typeof payload === 'string' ? Buffer.from(payload) : payload)

function read(topic: CommandTopic, payload: string | Uint8Array) {
  const { command, ...rest } = readCommand(topic, bytes(payload))
  return { ...rest, command: command.ok ? command.value : command.refusals[0].code }
}

const commandIn = (topic: CommandTopic, payload: string | Uint8Array) => read(topic, payload).command

test('a switch is 1, 0, true, false, on, off, yes, no, in any case, padded as it may be', () => {
  const running = { app: 'web', verb: 'run', run: 'running' }
  for (const payload of [
    '1',
    'TRUE',
    'on',
    'Yes',
    ' 1 ',
    '+1',
    '1.0',
    '\ufeff1',
    '1\r\n',
    '1\u0000\u0000',
    '1\u0000 \u0000',
    '"1"',
    '"ON"',
  ])
    assert.equal(commandIn(on('run'), payload), running, JSON.stringify(payload))
  for (const payload of ['0', 'False', 'OFF', 'no', '0.000', '0\u0000\u0000\u0000'])
    assert.equal(commandIn(on('run'), payload), { ...running, run: 'stopped' }, JSON.stringify(payload))
  for (const payload of [
    '',
    ' ',
    '\u0000',
    '\u0000\u0000',
    '2',
    '-1',
    '1e0',
    'start',
    'null',
    '[1]',
    '{',
    '\u0001',
    '0x1',
    'constructor',
    '11',
  ])
    assert.is(commandIn(on('run'), payload), 'request.invalid', JSON.stringify(payload))
})

test('what follows a NUL is told, and ends a compose file that could be half a one', () => {
  const junk = read(on('run'), '1\u0000@@')
  assert.is(junk.warnings.length, 1)
  assert.equal(junk.command, { app: 'web', verb: 'run', run: 'running' })
  assert.is(commandIn(on('spec'), 'services: {a: {image: b}}\u0000more'), 'request.invalid')
  assert.equal(commandIn(on('spec'), ' a: 1\n\u0000\u0000'), { app: 'web', verb: 'spec', compose: ' a: 1\n' })
})

test('a revision is a number, as text or not, or previous', () => {
  for (const payload of ['7', '+7', '7.0', '{"value":7}', '{"VALUE":"7"}', encodeCbor(new Map([['value', 7]]))])
    assert.equal(commandIn(on('revision'), payload), { app: 'web', verb: 'revision', revision: 7 })
  assert.equal(commandIn(on('revision'), 'Previous\n'), { app: 'web', verb: 'revision', revision: 'previous' })
  for (const payload of ['0', '-1', '1.5', '99999999999', 'latest', 'true', '{"value":1.5}', '{}'])
    assert.is(commandIn(on('revision'), payload), 'request.invalid', payload)
})

test('a version is a name, as text', () => {
  const version = (payload: string | Uint8Array) => {
    const command = commandIn(on('version'), payload)
    return typeof command === 'object' && command.verb === 'version' ? command.version : command
  }
  for (const name of ['1.4.0', 'v2', '1.4.0-rc.1+build_7', 'Stable', '7', 'x'.repeat(63)]) {
    for (const payload of [name, ` ${name}\r\n`, `${name}\u0000\u0000`, JSON.stringify(name), JSON.stringify({ VALUE: name })])
      assert.is(version(payload), name, payload)
  }
  assert.is(version(encodeCbor(new Map([['value', '1.10']]))), '1.10')
  // They would be 2 and 1.1.
  for (const payload of ['{"value":2.0}', '{"value":7}', '{"value":1.10}', '{"value":true}', '{"value":["1"]}', '{}', ''])
    assert.is(version(payload), 'request.invalid')
  assert.is(version(encodeCbor(new Map([['value', 2]]))), 'request.invalid')
  for (const payload of ['-1', '.5', '1 4', 'x/y', 'ä', 'x'.repeat(64), '"1\\n2"']) assert.is(version(payload), 'name.invalid', payload)
  assert.equal(commandIn(target, '{"verb":"VERSION","app":"web","value":"1.4.0"}'), { app: 'web', verb: 'version', version: '1.4.0' })
})

test('a deploy may name its version beside the compose file; a file’s own version is none', () => {
  const compose = 'services: {}'
  const spec = { app: 'web', verb: 'spec', compose, version: '1.4.0' }
  assert.equal(commandIn(on('spec'), JSON.stringify({ compose, version: '1.4.0' })), spec)
  assert.equal(commandIn(target, encodeCbor(new Map(Object.entries({ verb: 'deploy', app: 'web', compose, Version: '1.4.0' })))), spec)
  const own = JSON.stringify({ version: '3.8', services: {} })
  assert.equal(commandIn(on('spec'), own), { app: 'web', verb: 'spec', compose: own })
  for (const version of [1.4, 2]) {
    assert.is(commandIn(on('spec'), JSON.stringify({ compose, version })), 'request.invalid')
    assert.is(commandIn(on('spec'), encodeCbor(new Map<string, unknown>(Object.entries({ compose, version })))), 'request.invalid')
  }
  assert.is(commandIn(on('spec'), JSON.stringify({ compose, version: 'a b' })), 'name.invalid')
  const elsewhere = read(on('run'), '{"value":1,"version":"1.4.0"}')
  assert.equal([elsewhere.command, elsewhere.warnings.map(({ path }) => path)], [{ app: 'web', verb: 'run', run: 'running' }, ['version']])
})

test('a restart falls back with its tag, and needs no value in an object', () => {
  assert.equal(commandIn(on('restart'), '1'), { app: 'web', verb: 'restart', wanted: true })
  assert.equal(commandIn(on('restart'), 'FALSE'), { app: 'web', verb: 'restart', wanted: false })
  assert.equal(commandIn(target, '{"verb":"restart","app":"web"}'), { app: 'web', verb: 'restart', wanted: true })
})

test('JSON and CBOR say the same, with keys in any case; unknown keys are told', () => {
  const plain = { Verb: 'RUN', App: 'web', Value: true, ID: 42, expires: '2026-01-31T12:00:00Z', timestamp: 1, Colour: 'red' }
  for (const payload of [JSON.stringify(plain), encodeCbor(new Map<string, unknown>(Object.entries(plain)))]) {
    const { warnings, ...rest } = read(target, payload)
    assert.equal(rest, { id: '42', expiresAt: Date.UTC(2026, 0, 31, 12), command: { app: 'web', verb: 'run', run: 'running' } })
    assert.equal(
      warnings.map(({ path }) => path),
      ['colour'],
    )
  }
  assert.is(read(on('run'), '{"value":1,"expires":1700000000}').expiresAt, 1_700_000_000_000)
  assert.equal(commandIn(on('run'), Buffer.concat([encodeCbor(new Map([['value', 0]])), Buffer.alloc(30)])), {
    app: 'web',
    verb: 'run',
    run: 'stopped',
  })
})

test('what is missing, twice, contradictory or of the wrong kind is refused, with the id where there is one', () => {
  const wrong = [
    '{"verb":"run","value":1}',
    '{"app":"web","value":1}',
    '{"verb":"fly","app":"web","value":1}',
    '{"verb":"run","app":"web"}',
    '{"verb":"run","app":"web","value":1,"Value":0}',
    '{"verb":"run","app":"web","value":null}',
    '{"verb":"run","app":"web","value":[1]}',
    '{"verb":"run","app":"web","value":1,"expires":"soon"}',
    '{"verb":"run","app":"web","compose":"x"}',
    '{"verb":"spec","app":"web","compose":"x","value":"y"}',
    'run web 1',
  ]
  for (const payload of wrong) assert.is(commandIn(target, payload), 'request.invalid', payload)
  assert.is(commandIn(target, '{"verb":"run","app":"Web","value":1}'), 'name.invalid')
  assert.is(commandIn(on('run'), '{"app":"other","value":1}'), 'request.invalid')
  assert.is(commandIn(on('run'), '{"verb":"restart","value":1}'), 'request.invalid')
  for (const id of ['""', '" "', '{}', '1.5', `"${'x'.repeat(65)}"`, '"a\\nb"'])
    assert.is(commandIn(on('run'), `{"value":1,"id":${id}}`), 'request.invalid', id)
  assert.is(read(on('run'), '{"value":7,"id":"a-1"}').id, 'a-1')
})

test('a compose file comes as YAML, JSON, CBOR, or in an object with an id', () => {
  const compose = { services: { web: { image: 'nginx' } } }
  const text = JSON.stringify(compose)
  const deployed = (payload: string | Uint8Array, topic = on('spec')) => {
    const command = commandIn(topic, payload)
    return typeof command === 'object' && command.verb === 'spec' ? command.compose : command
  }
  assert.is(deployed('\ufeffservices:\n  web: {image: nginx}\n'), 'services:\n  web: {image: nginx}\n')
  assert.is(deployed('{services: {web: {image: nginx}}}'), '{services: {web: {image: nginx}}}')
  assert.is(deployed(text), text)
  assert.is(deployed(JSON.stringify(text)), text)
  const map = new Map([['services', new Map([['web', new Map([['image', 'nginx']])]])]])
  assert.is(deployed(encodeCbor(map)), text)
  for (const wrapped of [text, compose]) assert.is(deployed(JSON.stringify({ compose: wrapped, id: 1 })), text)
  assert.is(deployed(encodeCbor(new Map([['compose', text]]))), text)
  assert.is(deployed(JSON.stringify({ verb: 'deploy', app: 'web', compose: text }), target), text)
  assert.is(deployed(encodeCbor(new Map<string, unknown>([['compose', Buffer.from('x')]]))), 'request.invalid')
  assert.is(deployed(`{"compose":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), 'request.invalid')
})

test('payloads have bounds', () => {
  assert.is(commandIn(on('run'), `1${' '.repeat(4096)}`), 'message.too-large')
  assert.is(commandIn(on('spec'), Buffer.alloc(2 * 1024 * 1024 + 1, 'x')), 'message.too-large')
  assert.is(typeof commandIn(on('spec'), Buffer.alloc(2 * 1024 * 1024, 'x')), 'object')
})

test('any bytes on any topic give a command or a refusal with a known code, and a bounded answer', () => {
  const topics = [target, ...verbs.map(on)]
  const value = fc.jsonValue({ maxDepth: 3 })
  const known = fc.record(
    {
      verb: fc.oneof(fc.constantFrom('run', 'RUN', 'spec', 'x'), value),
      app: fc.oneof(fc.constant('web'), value),
      value,
      compose: value,
      id: value,
      expires: value,
    },
    { requiredKeys: [] },
  )
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string().map(text => Buffer.from(text)),
    known.map(object => Buffer.from(JSON.stringify(object))),
    known.map(object => Buffer.concat([encodeCbor(new Map(Object.entries(object))), Buffer.from('\u0000')])),
  )
  fc.assert(
    fc.property(fc.constantFrom(...topics), payload, (topic, raw) => {
      const { command, warnings, id } = readCommand(topic, raw)
      const about = { warnings, ...(id === undefined ? {} : { id }) }
      const answer = command.ok ? okAnswer('ok', {}, about) : refusalAnswer(command.refusals, about)
      assert.ok(command.ok || command.refusals.every(({ code }) => isErrorCode(code)))
      assert.ok(answer.code >= 0 && answer.code <= 8 && answer.text.length <= 100 && JSON.stringify(answer).length < 50_000)
      if (command.ok) assert.is(command.value.app, 'web')
    }),
    { numRuns: 3000 },
  )
})

test.run()
