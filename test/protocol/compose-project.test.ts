// Equal meaning gives equal projects and hashes, and services start in the order of their needs.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stringify } from 'yaml'
import { hashService } from '../../protocol/compose/hash.js'
import { startOrder } from '../../protocol/compose/order.js'
import { parseCompose } from '../../protocol/compose/parse.js'
import type { Project } from '../../protocol/compose/project.js'
import { unwrap } from '../../protocol/errors.js'

const projectOf = (text: string): Project => unwrap(parseCompose(text)).project

function hashOf(service: string, rest = ''): string {
  const project = projectOf(`services: {web: ${service}, db: {image: i}}\n${rest}`)
  return hashService(project.services.web!, project)
}

const hash = suite('a hash')

const same: readonly (readonly [string, string])[] = [
  ['{image: i, environment: {X: 1}, command: sleep 9}', '{command: [sleep, "9"], image: i, environment: [X=1]}'],
  ['{image: i, ports: ["80:80", "443:443"]}', '{image: i, ports: [{target: 443, published: 443}, "80:80/tcp"]}'],
  ['{image: i}', '{image: i, restart: "no", privileged: false, networks: [default], labels: , mem_limit: 0}'],
  ['{image: i}', '{image: i, depends_on: [db]}'],
  ['{image: i, mem_limit: 64m}', '{image: i, deploy: {resources: {limits: {memory: 67108864}}}}'],
  ['{image: i, healthcheck: {test: "true", interval: 90s}}', '{image: i, healthcheck: {interval: 1m30s, test: [CMD-SHELL, "true"]}}'],
]

for (const [one, other] of same) hash(`of ${one} is that of ${other}`, () => assert.is(hashOf(one), hashOf(other)))

const different: readonly (readonly [string, string])[] = [
  ['{image: i}', '{image: j}'],
  ['{image: i}', '{image: i, command: []}'],
  ['{image: i}', '{image: i, restart: always}'],
  ['{image: i, dns: [1.1.1.1, 9.9.9.9]}', '{image: i, dns: [9.9.9.9, 1.1.1.1]}'],
  ['{image: i, command: [a, b]}', '{image: i, command: [b, a]}'],
]

for (const [one, other] of different) hash(`of ${one} is not that of ${other}`, () => assert.is.not(hashOf(one), hashOf(other)))

hash('changes when a network or volume of the service gets another name', () => {
  const service = '{image: i, networks: [n], volumes: ["v:/v"]}'
  const hashes = [
    'networks: {n: }\nvolumes: {v: }',
    'networks: {n: {name: x}}\nvolumes: {v: }',
    'networks: {n: }\nvolumes: {v: {name: x}}',
  ].map(rest => hashOf(service, rest))
  assert.is(new Set(hashes).size, 3)
})

hash('is that of any order of keys, and of lists for maps', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/)
  const pairs = fc.uniqueArray(fc.tuple(word, fc.stringMatching(/^[a-zA-Z0-9 :='"#{},-]{0,8}$/)), {
    selector: ([key]) => key,
    maxLength: 6,
  })
  const property = fc.property(
    pairs,
    pairs,
    fc.shuffledSubarray(['image', 'environment', 'labels'], { minLength: 3 }),
    (variables, labels, order) => {
      const asMap = { image: 'i', environment: Object.fromEntries(variables), labels: Object.fromEntries(labels) }
      const asList = {
        image: 'i',
        environment: variables.map(pair => pair.join('=')).reverse(),
        labels: labels.map(pair => pair.join('=')),
      }
      const shuffled = Object.fromEntries(order.map(key => [key, asList[key as keyof typeof asList]]))
      assert.is(hashOf(JSON.stringify(asMap)), hashOf(JSON.stringify(shuffled)))
      assert.equal(projectOf(stringify({ services: { web: asMap } })), projectOf(stringify({ services: { web: shuffled } })))
    },
  )
  fc.assert(property, { numRuns: 200 })
})

hash.run()

const order = suite('the start order')

order('has dependencies in earlier layers, shared networks too', () => {
  const project = projectOf(
    'services: {a: {image: i, depends_on: [b, c]}, b: {image: i, network_mode: "service:d"}, c: {image: i}, d: {image: i}}',
  )
  assert.equal(startOrder(project), [['c', 'd'], ['b'], ['a']])
})

order('holds for any graph without circles', () => {
  const edges = fc.array(fc.tuple(fc.nat(19), fc.nat(19)), { maxLength: 60 })
  const property = fc.property(edges, list => {
    const needs = (n: number) => list.filter(([from, to]) => from === n && to < n).map(([, to]) => `s${to}`)
    const services = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`s${n}`, { image: 'i', depends_on: needs(n) }]))
    const layers = startOrder(projectOf(JSON.stringify({ services })))
    const layerOf = new Map(layers.flatMap((names, layer) => names.map(name => [name, layer] as const)))
    assert.is(layerOf.size, 20)
    for (let n = 0; n < 20; n++) for (const need of needs(n)) assert.ok(layerOf.get(need)! < layerOf.get(`s${n}`)!)
  })
  fc.assert(property, { numRuns: 200 })
})

order.run()
