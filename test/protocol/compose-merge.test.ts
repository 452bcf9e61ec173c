// How files are laid over each other, attribute by attribute.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { merge, settle } from '../../protocol/compose/merge.js'
import { fileRule } from '../../protocol/compose/rules.js'
import { plain, treeOf } from '../support/compose-folder.js'

function merged(...texts: readonly string[]): unknown {
  return plain(texts.map(treeOf).reduce((base, over) => settle(merge(base, over, fileRule))))
}

/** What one attribute of a service becomes. */
function attribute(name: string, ...values: readonly string[]): unknown {
  const tree = merged(...values.map(value => `services: {web: {${name}: ${value}}}`)) as { services: { web: Record<string, unknown> } }
  return tree.services.web[name]
}

const cases: readonly (readonly [attribute: string, base: string, over: string, result: unknown])[] = [
  ['hostname', 'a', 'b', 'b'],
  ['hostname', 'a', 'null', null],
  ['image', 'null', 'b', 'b'],
  ['command', '[a, b]', '[c]', ['c']],
  ['command', '[a, b]', 'c d', 'c d'],
  ['command', '[a, b]', 'null', null],
  ['entrypoint', 'a', '[c]', ['c']],
  ['environment', '{A: 1, B: 1}', '[B=2, C]', { A: 1, B: '2', C: null }],
  ['environment', '[A=1, B=x=y]', '{A: null}', { A: null, B: 'x=y' }],
  ['environment', '{A: 1}', 'null', { A: 1 }],
  ['labels', '[a, b=1]', '{b: 2}', { a: null, b: 2 }],
  ['annotations', '{a: 1}', '[b=2]', { a: 1, b: '2' }],
  ['sysctls', '{a: 1}', '[a=2]', { a: '2' }],
  ['ports', '["80:80", "127.0.0.1:81:81"]', '["80:80", "80:80/tcp", 82]', ['80:80/tcp', '127.0.0.1:81:81', 82]],
  ['ports', '["80:80"]', '[{target: 80, published: 80}, {target: 81}]', [{ target: 80, published: 80 }, { target: 81 }]],
  ['ports', '["80:80"]', '["80:80/udp"]', ['80:80', '80:80/udp']],
  ['ports', '["80:80"]', 'null', ['80:80']],
  ['volumes', '[a:/a, ./b:/b:ro, /c]', '["./x:/b/", {type: tmpfs, target: /c}]', ['a:/a', './x:/b/', { type: 'tmpfs', target: '/c' }]],
  ['volumes', '[{type: bind, source: /x, target: /a}]', '[v:/a]', ['v:/a']],
  ['devices', '[/dev/a:/dev/x, /dev/b]', '[/dev/c:/dev/x:r, /dev/d]', ['/dev/c:/dev/x:r', '/dev/b', '/dev/d']],
  ['configs', '[a, {source: b, target: /t}]', '[{source: c, target: /t}]', ['a', { source: 'c', target: '/t' }]],
  ['secrets', '[a]', '[a, b]', ['a', 'b']],
  ['secrets', '[a]', '[{source: b, target: /run/secrets/a}]', [{ source: 'b', target: '/run/secrets/a' }]],
  [
    'blkio_config',
    '{device_read_bps: [{path: /a, rate: 1}]}',
    '{device_read_bps: [{path: /a, rate: 2}]}',
    { device_read_bps: [{ path: '/a', rate: 2 }] },
  ],
  ['expose', '[80, 81]', '["80", 82]', ['80', 81, 82]],
  ['dns', '9.9.9.9', '[1.1.1.1, 9.9.9.9]', ['9.9.9.9', '1.1.1.1']],
  ['dns_search', '[a]', 'b', ['a', 'b']],
  ['tmpfs', '/run', '["/run:size=1m", /tmp]', ['/run:size=1m', '/tmp']],
  ['env_file', 'a.env', '[{path: a.env, required: false}, b.env]', [{ path: 'a.env', required: false }, 'b.env']],
  ['label_file', 'a', '[b]', ['a', 'b']],
  ['profiles', '[a, b]', '[b, c]', ['a', 'b', 'c']],
  ['cap_add', '[A]', '[B, A]', ['A', 'B']],
  ['security_opt', '[a, a]', '[b, a]', ['a', 'a', 'b']],
  ['post_start', '[{command: a}]', '[{command: b}, {command: a}]', [{ command: 'a' }, { command: 'b' }]],
  ['extra_hosts', '["a:1.1.1.1"]', '["a:1.1.1.1", "a:2.2.2.2"]', ['a:1.1.1.1', 'a:2.2.2.2']],
  ['extra_hosts', '{a: 1.1.1.1}', '{a: [2.2.2.2, 1.1.1.1]}', ['a=1.1.1.1', 'a=2.2.2.2']],
  ['networks', '[a, b]', '{b: {aliases: [x]}, c: }', { a: null, b: { aliases: ['x'] }, c: null }],
  ['networks', '{a: {aliases: [x], priority: 1}}', '{a: {aliases: [x, y]}}', { a: { aliases: ['x', 'y'], priority: 1 } }],
  ['depends_on', '[a]', '{a: {required: false}}', { a: { condition: 'service_started', required: false } }],
  [
    'depends_on',
    '{a: {condition: service_healthy}}',
    '{b: {condition: c}}',
    { a: { condition: 'service_healthy' }, b: { condition: 'c' } },
  ],
  ['logging', '{driver: a, options: {x: 1, y: 1}}', '{options: {y: 2}}', { driver: 'a', options: { x: 1, y: 2 } }],
  ['logging', '{driver: a, options: {x: 1}}', '{driver: a, options: {y: 2}}', { driver: 'a', options: { x: 1, y: 2 } }],
  ['logging', '{driver: a, options: {x: 1}}', '{driver: b, options: {y: 2}}', { driver: 'b', options: { y: 2 } }],
  ['healthcheck', '{test: [CMD, a], retries: 1}', '{test: b, interval: 1s}', { test: 'b', retries: 1, interval: '1s' }],
  ['build', './a', '{args: {X: 1}}', { context: './a', args: { X: 1 } }],
  ['build', '{context: ., args: [X=1], target: t}', './b', { context: './b', args: ['X=1'], target: 't' }],
  ['build', '{args: [X=1], tags: [a]}', '{args: {X: 2}, tags: [a, b]}', { args: { X: 2 }, tags: ['a', 'b'] }],
  [
    'ulimits',
    '{nofile: 5, nproc: {soft: 1, hard: 2}}',
    '{nofile: {soft: 1, hard: 1}, nproc: {soft: 2}}',
    {
      nofile: { soft: 1, hard: 1 },
      nproc: { soft: 2, hard: 2 },
    },
  ],
  [
    'deploy',
    '{resources: {limits: {cpus: 1}}, labels: [a=1]}',
    '{resources: {limits: {memory: 1m}}, labels: {a: 2}}',
    {
      resources: { limits: { cpus: 1, memory: '1m' } },
      labels: { a: 2 },
    },
  ],
  ['x-own', '{a: 1}', '{b: 2}', { b: 2 }],
  ['ports', '["80:80"]', '!override ["81:81"]', ['81:81']],
  ['ports', '["80:80"]', '!reset []', undefined],
  ['hostname', 'a', '!reset null', undefined],
  ['environment', '{A: 1, B: 1}', '{A: !reset null, C: 3}', { B: 1, C: 3 }],
  ['environment', '[A=1, B=1]', '{A: !reset null}', { B: '1' }],
  ['environment', '{A: 1}', '!override {B: 2}', { B: 2 }],
  ['command', 'a', '!override "b"', 'b'],
  ['healthcheck', '{test: a, retries: 3}', '!override {test: b}', { test: 'b' }],
  ['ports', '[1, 2]', '[!reset 3, 4]', [1, 2, 4]],
  ['hostname', '!reset a', 'b', 'b'],
]

const merging = suite('merging')

for (const [name, base, over, result] of cases)
  merging(`${name}: ${over} over ${base}`, () => assert.equal(attribute(name, settled(base), over), result))

/** The first file takes nothing away: there is nothing before it. */
function settled(value: string): string {
  return value.startsWith('!reset') ? 'null' : value
}

merging('services, networks and volumes are merged by name', () => {
  const base = 'services: {a: {image: i}}\nnetworks: {n: {driver: d, labels: [x=1]}}\nvolumes: {v: }'
  const over = 'services: {b: {image: i}, a: {tty: true}}\nnetworks: {n: {internal: true, labels: {x: 2}}}\nvolumes: {v: {name: w}}'
  assert.equal(merged(base, over), {
    services: { a: { image: 'i', tty: true }, b: { image: 'i' } },
    networks: { n: { driver: 'd', internal: true, labels: { x: 2 } } },
    volumes: { v: { name: 'w' } },
  })
})

merging('subnets are merged by their address, and others go', () => {
  const network = (config: string) => `networks: {n: {ipam: {config: ${config}}}}`
  assert.equal(merged(network('[{subnet: 10.0.0.0/24}, {subnet: 10.0.1.0/24}]'), network('[{subnet: 10.0.0.0/24, gateway: 10.0.0.9}]')), {
    networks: { n: { ipam: { config: [{ subnet: '10.0.0.0/24', gateway: '10.0.0.9' }] } } },
  })
})

merging('whole services and sections can go or be replaced', () => {
  const base = 'services: {a: {image: i}, b: {image: i, tty: true}}\nnetworks: {n: }'
  assert.equal(merged(base, 'services: {a: !reset null, b: !override {image: j}}\nnetworks: !reset null'), {
    services: { b: { image: 'j' } },
  })
})

merging('tags count through aliases and merge keys', () => {
  const over = 'x-a: &a {ports: !override [2], tty: !reset null}\nservices: {web: {<<: *a}}'
  assert.equal(merged('services: {web: {ports: [1], tty: true}}', over), { services: { web: { ports: [2] } }, 'x-a': { ports: [2] } })
})

merging('changes neither of the two', () => {
  const texts = ['services: {a: {ports: [1], environment: [A=1]}}', 'services: {a: {ports: !override [2], environment: {B: 2}}}']
  const [base, over] = texts.map(treeOf)
  settle(merge(base!, over!, fileRule))
  assert.equal(
    [plain(base!), plain(over!)],
    texts.map(text => plain(treeOf(text))),
  )
})

const scalar = fc.constantFrom('a', 'b', '1', 'null', '"80:80"', '[a, b]', '{a: 1, b: }', '!reset x', '!override [z]', '[{target: /a}]')
const service = fc.dictionary(fc.constantFrom(...new Set(cases.map(([name]) => name))), scalar, { maxKeys: 6 })
const file = service.map(
  found =>
    `services: {web: {${Object.entries(found)
      .map(([key, value]) => `${key}: ${value}`)
      .join(', ')}}}`,
)

merging('the same file once more changes nothing', () => {
  fc.assert(fc.property(file, file, (a, b) => assert.equal(merged(a, b, b, b), merged(a, b, b))))
})

merging('nothing of a file is left that was reset', () => {
  fc.assert(fc.property(file, file, (a, b) => assert.not.match(JSON.stringify(merged(a, b)), /reset|"tag"/)))
})

merging.run()
