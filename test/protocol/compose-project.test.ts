// Equal meaning gives equal projects and hashes, and services start in the order of their needs.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stringify } from 'yaml'
import { hashService } from '../../protocol/compose/hash.js'
import { startOrder } from '../../protocol/compose/order.js'
import { projectOf } from '../support/compose.js'

function hashOf(service: string, rest = ''): string {
  const project = projectOf(`services: {web: ${service}, db: {image: i}}\nsecrets: {s: {content: x}}\n${rest}`)
  return hashService(project.services.web!, project)
}

const hash = suite('a hash')

const same: readonly (readonly [string, string])[] = [
  ['{image: i, environment: {X: 1}, command: sleep 9}', '{command: [sleep, "9"], image: i, environment: [X=1]}'],
  ['{image: i, ports: ["80:80", "443:443"]}', '{image: i, ports: [{target: 443, published: 443}, "80:80/tcp"]}'],
  ['{image: i}', '{image: i, restart: "no", privileged: false, networks: [default], labels: , mem_limit: 0}'],
  ['{image: i, mem_limit: 64m}', '{image: i, deploy: {resources: {limits: {memory: 67108864}}}}'],
  ['{image: i, healthcheck: {test: "true", interval: 90s}}', '{image: i, healthcheck: {interval: 1m30s, test: [CMD-SHELL, "true"]}}'],
]

const unseen: readonly string[] = [
  '{image: i, depends_on: [db]}',
  '{image: i, scale: 3}',
  '{image: i, deploy: {replicas: 0, placement: {}}}',
  '{image: i, pull_policy: always}',
  '{image: i, build: {context: ., dockerfile_inline: FROM x}}',
  '{image: i, x-note: 1, attach: false}',
]

for (const one of unseen) hash(`of ${one} is that of the image alone`, () => assert.is(hashOf(one), hashOf('{image: i}')))

for (const [one, other] of same) hash(`of ${one} is that of ${other}`, () => assert.is(hashOf(one), hashOf(other)))

const different: readonly (readonly [string, string])[] = [
  ['{image: i}', '{image: j}'],
  ['{image: i}', '{image: i, command: []}'],
  ['{image: i}', '{image: i, restart: always}'],
  ['{image: i, dns: [1.1.1.1, 9.9.9.9]}', '{image: i, dns: [9.9.9.9, 1.1.1.1]}'],
  ['{image: i, command: [a, b]}', '{image: i, command: [b, a]}'],
  ['{image: i, links: [db]}', '{image: i, depends_on: [db]}'],
  ['{image: i, environment: [A]}', '{image: i, environment: [A=]}'],
  ['{image: i, healthcheck: {retries: 3}}', '{image: i}'],
  ['{image: i, secrets: [{source: s}]}', '{image: i, secrets: [{source: s, target: t}]}'],
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

hash('changes with the contents of a config or secret', () => {
  const service = '{image: i, configs: [c]}'
  assert.is.not(hashOf(service, 'configs: {c: {content: a}}'), hashOf(service, 'configs: {c: {content: b}}'))
})

hash('changes with the digests of what is placed and mounted', () => {
  const files = { 'pw.txt': 'p', 'conf/a': 'a' }
  const project = projectOf(
    'services: {web: {image: i, secrets: [s], volumes: ["./conf:/c", "/etc:/e", "v:/v"]}}\nvolumes: {v: }\nsecrets: {s: {file: pw.txt}}',
    { files },
  )
  const asked: string[] = []
  const hashWith = (digests: Record<string, string>) =>
    hashService(project.services.web!, project, (path, use) => {
      asked.push(`${use} ${path}`)
      return digests[path]
    })
  const hashes = [{}, { './pw.txt': '1' }, { './pw.txt': '2' }, { './conf': '1' }].map(hashWith)
  assert.is(new Set(hashes).size, 4)
  assert.is(hashWith({}), hashService(project.services.web!, project))
  assert.equal([...new Set(asked)], ['mount ./conf', 'mount /etc', 'file ./pw.txt'])
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

const own = suite('a container of the app')

own('that is named as a container is its service', () => {
  const text = (sharing: string) => `services: {a: {image: i, container_name: aa}, b: {image: i, ${sharing}}}`
  for (const form of ['network_mode: "NAME"', 'pid: "NAME"', 'ipc: "NAME"', 'volumes_from: ["NAME:ro"]']) {
    const service = form.replace('NAME', form.startsWith('volumes_from') ? 'a' : 'service:a')
    assert.equal(projectOf(text(form.replace('NAME', 'container:aa'))), projectOf(text(service)), form)
  }
})

own('is not every container', () => {
  const { b } = projectOf('services: {a: {image: i, container_name: aa}, b: {image: i, pid: "container:a"}}').services
  assert.equal([b?.pid, b?.dependsOn], ['container:a', {}])
})

own.run()

const order = suite('the start order')

order('has links, namespaces and volumes in earlier layers too', () => {
  const project = projectOf(
    'services: {a: {image: i, links: [b]}, b: {image: i, volumes_from: [c]}, c: {image: i, pid: "service:d"}, d: {image: i, ipc: shareable}}',
  )
  assert.equal(startOrder(project), [['d'], ['c'], ['b'], ['a']])
})

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
