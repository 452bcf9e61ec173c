import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keyOf, variableOf } from '../../config/names.js'
import { type FileLine, resolveSettings } from '../../config/resolve.js'
import { type Surroundings, settingNames } from '../../config/settings.js'
import { unwrap } from '../../protocol/errors.js'

const around = (env: Record<string, string> = {}): Surroundings => ({ root: true, home: '/root', env })
const line = (key: string, text: string, number = 3): FileLine => ({ key, text, place: `/etc/skerry.yaml:${number}` })

const test = suite('config: resolve')

test('a flag wins over a variable, a variable over a line, a line over the default', () => {
  const flags = { mqttPort: '1' }
  const env = { SKERRY_MQTT_PORT: '2' }
  const file = [line('mqtt-port', '3')]
  const table: [Record<string, unknown>, Record<string, string>, FileLine[], number, string | undefined][] = [
    [flags, env, file, 1, '--mqtt-port'],
    [{}, env, file, 2, 'SKERRY_MQTT_PORT'],
    [{}, {}, file, 3, '/etc/skerry.yaml:3'],
    [{}, {}, [], 8883, undefined],
    [flags, {}, [], 1, '--mqtt-port'],
    [{}, { SKERRY_MQTT_PORT: '' }, file, 3, '/etc/skerry.yaml:3'],
  ]
  for (const [flag, variables, lines, value, place] of table) {
    const { values, places } = unwrap(resolveSettings({ flags: flag, file: lines, around: around(variables) }))
    assert.is(values.mqttPort, value)
    assert.is(places.mqttPort, place)
  }
})

test('every bad value is refused with its place', () => {
  const table: [Parameters<typeof resolveSettings>[0], string][] = [
    [{ flags: { mqttPort: 'x' }, file: [], around: around() }, '--mqtt-port'],
    [{ flags: {}, file: [], around: around({ SKERRY_HTTP_PORT: '65536' }) }, 'SKERRY_HTTP_PORT'],
    [{ flags: {}, file: [line('log-level', 'loud', 9)], around: around() }, '/etc/skerry.yaml:9'],
    [{ flags: { server: 'ftp://host' }, file: [], around: around() }, '--server'],
    [{ flags: { root: 'a/#' }, file: [], around: around() }, '--root'],
    [{ flags: {}, file: [line('engine', 'docker')], around: around() }, '/etc/skerry.yaml:3'],
    [{ flags: {}, file: [{ key: 'data', text: undefined, place: 'f:1' }], around: around() }, 'f:1'],
  ]
  for (const [sources, place] of table) {
    const result = resolveSettings(sources)
    assert.is(result.ok, false, place)
    if (result.ok) return
    assert.equal([result.refusals[0].code, result.refusals[0].path], ['config.invalid', place])
  }
})

test('unknown lines and variables are refused, with the name that was meant', () => {
  const result = resolveSettings({
    flags: {},
    file: [line('mqttPort', '1')],
    around: around({ SKERRY_HTTPTOKEN: 'x', SKERRY_PORT_80_TCP: 'y' }),
  })
  assert.is(result.ok, false)
  if (result.ok) return
  assert.equal(
    result.refusals.map(refusal => refusal.path),
    ['SKERRY_HTTPTOKEN', '/etc/skerry.yaml:3'],
  )
  assert.match(result.refusals[0].message, 'did you mean SKERRY_HTTP_TOKEN?')
  assert.match(result.refusals[1]?.message ?? '', 'did you mean mqtt-port?')
})

test('a secret is no flag and is never quoted', () => {
  const { values } = unwrap(resolveSettings({ flags: { httpToken: 'flag' }, file: [], around: around({ SKERRY_HTTP_TOKEN: 'env' }) }))
  assert.is(values.httpToken, 'env')
  const bad = resolveSettings({ flags: {}, file: [], around: around({ SKERRY_HTTP_TOKEN: 'se\u0007cret' }) })
  assert.is(bad.ok, false)
  if (!bad.ok) assert.not.match(bad.refusals[0].message, 'cret"')
})

test('addresses, lists and switches have their forms', () => {
  const read = (key: string, text: string) => resolveSettings({ flags: {}, file: [line(key, text)], around: around() })
  const plain = (text: string) => {
    const result = read('plain-mqtt', text)
    return result.ok ? result.value.values.plainMqtt : undefined
  }
  assert.is(plain('off'), 'off')
  assert.equal(plain('10.1.4.2:1883'), { host: '10.1.4.2', port: 1883 })
  assert.equal(plain('[fd00::2]:0'), { host: 'fd00::2', port: 0 })
  for (const text of ['1883', ':1883', '10.1.4.2', '10.1.4.2:65536', 'fd00::2:1883', 'a b:1']) assert.is(plain(text), undefined, text)
  assert.equal(unwrap(read('names', 'skerry.example, 203.0.113.7,fd00::2')).values.names, ['skerry.example', '203.0.113.7', 'fd00::2'])
  for (const text of ['a,,b', 'a b', '*.example']) assert.is(read('names', text).ok, false, text)
  assert.is(unwrap(read('http-tls', 'true')).values.httpTls, true)
  assert.is(read('http-tls', 'yes').ok, false)
})

test('the data folder and the engine depend on who and where', () => {
  const user: Surroundings = { root: false, home: '/home/eva', env: { DOCKER_HOST: 'tcp://10.0.0.1:2375' } }
  const { values } = unwrap(resolveSettings({ flags: {}, file: [], around: user }))
  assert.is(values.data, '/home/eva/.local/share/skerry')
  assert.is(values.engine, 'tcp://10.0.0.1:2375')
  assert.is(unwrap(resolveSettings({ flags: {}, file: [], around: around() })).values.data, '/var/lib/skerry')
})

test('keys and variables derive from names', () => {
  assert.is(keyOf('mqttPasswordFile'), 'mqtt-password-file')
  assert.is(variableOf('mqttPasswordFile'), 'SKERRY_MQTT_PASSWORD_FILE')
  assert.is(new Set(settingNames.map(variableOf)).size, settingNames.length)
})

test.run()
