// Services that are on or off by their profiles.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { unwrap } from '../../protocol/errors.js'
import { compose, faultsOf, servicesOf } from '../support/compose-folder.js'

const text = `services:
  a: {image: i}
  debug: {image: i, profiles: [debug]}
  both: {image: i, profiles: [debug, tools]}
  tools: {image: i, profiles: [tools]}
`
const namesOf = (more: Parameters<typeof servicesOf>[1], files = {}) => Object.keys(servicesOf({ 'compose.yaml': text, ...files }, more))

const test = suite('profiles')

test('services that have some are off', () => assert.equal(namesOf({}), ['a']))

test('turn on the services that have one', () => {
  assert.equal(namesOf({ profiles: ['debug'] }), ['a', 'both', 'debug'])
  assert.equal(namesOf({ profiles: ['tools', 'other'] }), ['a', 'both', 'tools'])
  assert.equal(namesOf({ profiles: ['*'] }), ['a', 'both', 'debug', 'tools'])
})

test('come from COMPOSE_PROFILES too, of the environment or .env', () => {
  assert.equal(namesOf({ environment: { COMPOSE_PROFILES: 'debug' } }), ['a', 'both', 'debug'])
  assert.equal(namesOf({ environment: { COMPOSE_PROFILES: 'debug, tools' } }), ['a', 'both', 'debug', 'tools'])
  assert.equal(namesOf({}, { '.env': 'COMPOSE_PROFILES=tools' }), ['a', 'both', 'tools'])
  assert.equal(namesOf({ profiles: ['debug'], environment: { COMPOSE_PROFILES: 'tools' } }), ['a', 'both', 'debug', 'tools'])
})

test('are a variable that is looked for only if a service has some', () => {
  assert.equal(unwrap(compose({ 'compose.yaml': text })).variables, ['COMPOSE_PROFILES'])
  assert.equal(unwrap(compose({ 'compose.yaml': 'services: {a: {image: i}}' })).variables, [])
})

test('that are empty turn nothing off', () => {
  assert.equal(Object.keys(servicesOf({ 'compose.yaml': 'services: {a: {image: i, profiles: []}, b: {image: i, profiles: }}' })), [
    'a',
    'b',
  ])
})

test('do not matter to what is off: its files may be missing, and it takes nothing', () => {
  const more =
    'services: {a: {image: i, ports: ["80:80"]}, b: {image: i, ports: ["80:80"], env_file: nope.env, profiles: [x], networks: [n]}}\nnetworks: {n: }'
  assert.equal(Object.keys(servicesOf({ 'compose.yaml': more })), ['a'])
  assert.equal(faultsOf({ 'compose.yaml': more }, { profiles: ['x'] })[0], ['compose.inconsistent', 'services.b.env_file'])
})

test('do not hide what is wrong with a service that is off', () => {
  const more = 'services: {a: {image: i}, b: {image: i, prots: [], hostname: [x], profiles: [x]}}'
  assert.equal(faultsOf({ 'compose.yaml': more }), [
    ['compose.unknown', 'services.b.prots'],
    ['compose.schema', 'services.b.hostname'],
  ])
})

test('a service that is on cannot need one that is off', () => {
  for (const needs of ['[debug]', '{debug: {condition: service_started}}'])
    assert.equal(faultsOf({ 'compose.yaml': `services: {a: {image: i, depends_on: ${needs}}, debug: {image: i, profiles: [d]}}` }), [
      ['compose.inconsistent', needs.startsWith('[') ? 'services.a.depends_on[0]' : 'services.a.depends_on.debug'],
    ])
})

test('a service that is on can do without one that is off', () => {
  const more =
    'services: {a: {image: i, depends_on: {debug: {condition: service_started, required: false}}}, debug: {image: i, profiles: [d]}}'
  assert.equal(servicesOf({ 'compose.yaml': more }).a?.dependsOn, {})
  assert.equal(Object.keys(servicesOf({ 'compose.yaml': more }, { profiles: ['d'] }).a?.dependsOn ?? {}), ['debug'])
})

test('that are none of texts are refused', () => {
  assert.equal(faultsOf({ 'compose.yaml': 'services: {a: {image: i, profiles: x}}' }), [['compose.schema', 'services.a.profiles']])
  assert.equal(faultsOf({ 'compose.yaml': 'services: {a: {image: i, profiles: [[x]]}}' }), [['compose.schema', 'services.a.profiles[0]']])
})

test('cannot turn everything off', () => {
  assert.equal(faultsOf({ 'compose.yaml': 'services: {a: {image: i, profiles: [x]}}' }), [['compose.schema', 'services']])
})

test.run()
