// What the attributes of a service become: each written form beside its canonical one.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseCompose } from '../../protocol/compose/parse.js'
import type { Service } from '../../protocol/compose/project.js'
import { unwrap } from '../../protocol/errors.js'
import { bareService, faultsOf, projectOf, serviceWith } from '../support/compose.js'

const tcp = (published: number, target: number, hostIp = '') => ({ hostIp, published, target, protocol: 'tcp' as const })

const forms: readonly (readonly [attribute: string, canonical: Partial<Service>])[] = [
  ['command: sh -c "echo \'a b\'; sleep 1"', { command: ['sh', '-c', "echo 'a b'; sleep 1"] }],
  ['command: a\\ b \'c "d\' e\\"f', { command: ['a b', 'c "d', 'e"f'] }],
  ['command: [sleep, 60]', { command: ['sleep', '60'] }],
  ['command: []', { command: [] }],
  ['command: ""', { command: [] }],
  ['command:', {}],
  ['entrypoint: sleep', { entrypoint: ['sleep'] }],
  ['environment: {B: two words, A: 1, C: 1.50, D: true, E: ""}', { environment: { A: '1', B: 'two words', C: '1.5', D: 'true', E: '' } }],
  ['environment: [B=x=y, A=]', { environment: { A: '', B: 'x=y' } }],
  [
    'environment: {A: 0755, B: 12345678901234567890, C: yes, D: 2001-01-01}',
    { environment: { A: '493', B: '12345678901234567890', C: 'yes', D: '2001-01-01' } },
  ],
  ['environment: {A: 1_000, B: 0x1_0, C: _1, D: 1_0.5}', { environment: { A: '1000', B: '16', C: '_1', D: '10.5' } }],
  ['labels: [b=1, a]', { labels: { a: '', b: '1' } }],
  ['labels: {a: null, b: false}', { labels: { a: '', b: 'false' } }],
  ['ports: [8080]', { ports: [tcp(0, 8080)] }],
  ['ports: ["80:81/TCP", "80:81"]', { ports: [tcp(80, 81)] }],
  ['ports: ["2000-2001:90-91"]', { ports: [tcp(2000, 90), tcp(2001, 91)] }],
  ['ports: ["127.0.0.1:5:53/udp"]', { ports: [{ hostIp: '127.0.0.1', published: 5, target: 53, protocol: 'udp' }] }],
  ['ports: ["[::1]:8080:80"]', { ports: [tcp(8080, 80, '::1')] }],
  ['ports: ["127.0.0.1::80", ":81"]', { ports: [tcp(0, 80, '127.0.0.1'), tcp(0, 81)] }],
  ['ports: [{target: 80, published: "8000", host_ip: 0.0.0.0, mode: host}]', { ports: [tcp(8000, 80, '0.0.0.0')] }],
  ['ports: [{target: 81, published: 8000}, {target: 80}]', { ports: [tcp(0, 80), tcp(8000, 81)] }],
  ['expose: [3000, "8000/udp", "10-11"]', { expose: ['10/tcp', '11/tcp', '3000/tcp', '8000/udp'] }],
  ['restart: on-failure:3', { restart: { policy: 'on-failure', maxRetries: 3 } }],
  ['restart: no', { restart: { policy: 'no' } }],
  ['restart: unless-stopped', { restart: { policy: 'unless-stopped' } }],
  [
    'healthcheck: {test: curl x, interval: 1m30s, timeout: 500ms, retries: 3}',
    { healthcheck: { test: ['CMD-SHELL', 'curl x'], intervalMs: 90000, timeoutMs: 500, retries: 3 } },
  ],
  ['healthcheck: {test: [CMD, "true"], start_period: 1.5h}', { healthcheck: { test: ['CMD', 'true'], startPeriodMs: 5_400_000 } }],
  ['healthcheck: {disable: true, interval: 3s}', { healthcheck: { test: ['NONE'] } }],
  ['healthcheck: {test: [NONE]}', { healthcheck: { test: ['NONE'] } }],
  ['healthcheck: {disable: false, interval: 0s, retries: 0}', {}],
  [
    'volumes: ["/b/:/c/./d/:ro,z", /anon]',
    {
      volumes: [
        { type: 'volume', target: '/anon', options: [] },
        { type: 'bind', source: '/b', target: '/c/d', options: ['ro', 'z'] },
      ],
    },
  ],
  ['volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m}}]', { volumes: [{ type: 'tmpfs', target: '/t', sizeBytes: 1048576 }] }],
  [
    'volumes: [{type: bind, source: /s, target: /t, read_only: true, bind: {propagation: rslave}}]',
    { volumes: [{ type: 'bind', source: '/s', target: '/t', options: ['ro', 'rslave'] }] },
  ],
  ['tmpfs: /run', { tmpfs: ['/run'] }],
  ['tmpfs: ["/tmp:size=1m,mode=1777", /run/]', { tmpfs: ['/run', '/tmp:mode=1777,size=1m'] }],
  ['devices: ["/dev/b:/dev/c:r", /dev/a]', { devices: ['/dev/a:/dev/a:rwm', '/dev/b:/dev/c:r'] }],
  ['extra_hosts: {plc: 10.1.2.3, six: "[::1]"}', { extraHosts: ['plc:10.1.2.3', 'six:::1'] }],
  ['extra_hosts: ["plc=10.1.2.3"]', { extraHosts: ['plc:10.1.2.3'] }],
  ['dns: 9.9.9.9', { dns: ['9.9.9.9'] }],
  ['dns: [9.9.9.9, 1.1.1.1]', { dns: ['9.9.9.9', '1.1.1.1'] }],
  ['sysctls: [net.core.somaxconn=512]', { sysctls: { 'net.core.somaxconn': '512' } }],
  ['cap_add: [SYS_TIME, NET_ADMIN]', { capAdd: ['NET_ADMIN', 'SYS_TIME'] }],
  [
    'logging: {driver: json-file, options: {max-size: 1m, max-file: 3}}',
    { logging: { driver: 'json-file', options: { 'max-file': '3', 'max-size': '1m' } } },
  ],
  ['network_mode: host', { networkMode: 'host', networks: {} }],
  ['tty: "true"', { tty: true }],
  ['privileged: false', {}],
  ['init: false', { init: false }],
  ['stop_grace_period: 1m30s', { stopGraceMs: 90_000 }],
  ['mem_limit: 1.5g', { resources: { memoryBytes: 1_610_612_736 } }],
  ['mem_limit: 0', {}],
  ['cpus: .5', { resources: { cpusMilli: 500 } }],
  ['pids_limit: -1', {}],
  [
    'deploy: {mode: replicated, replicas: 1, resources: {limits: {cpus: "0.25", memory: 50M, pids: 9}, reservations: {memory: 20M}}}',
    { resources: { cpusMilli: 250, memoryBytes: 52_428_800, memoryReservationBytes: 20_971_520, pids: 9 } },
  ],
  ['x-anything: [1, {a: b}]', {}],
]

const attributes = suite('an attribute')

for (const [attribute, canonical] of forms) {
  attributes(`${attribute} has its canonical form`, () => {
    assert.equal(serviceWith(attribute), { ...bareService, ...canonical })
  })
}

attributes('several limits of memory stand together', () => {
  const { resources } = serviceWith(
    'mem_limit: 64m\n    memswap_limit: 128M\n    mem_reservation: 32mb\n    cpu_shares: 512\n    cpuset: 0-1\n    deploy: {resources: {limits: {memory: 64m}}}',
  )
  assert.equal(resources, {
    memoryBytes: 67_108_864,
    memorySwapBytes: 134_217_728,
    memoryReservationBytes: 33_554_432,
    cpuShares: 512,
    cpuset: '0-1',
  })
})

attributes('dependencies are started and required unless they say otherwise', () => {
  const others = '  a: {image: i}\n  b: {image: i}\n'
  const asList = serviceWith('depends_on: [b, a]', others).dependsOn
  const asMap = serviceWith('depends_on: {a: {condition: service_started}, b: {condition: service_started}}', others).dependsOn
  assert.equal(asList, { a: { condition: 'started', required: true }, b: { condition: 'started', required: true } })
  assert.equal(asMap, asList)
  const full = serviceWith('depends_on: {a: {condition: service_completed_successfully, required: false}}', others).dependsOn
  assert.equal(full, { a: { condition: 'completed', required: false } })
})

attributes('an optional dependency on no service is left out', () => {
  assert.equal(serviceWith('depends_on: {nope: {condition: service_started, required: false}}').dependsOn, {})
})

attributes('the name of an image is as the Engine takes it', () => {
  const id = '0123456789abcdef'.repeat(4)
  const taken = [
    'i',
    'a/b-c__d.e:Tag_1',
    'localhost/x',
    'Reg.example:5000/a/b:1',
    '[::1]:5000/x',
    `a@sha256:${id}`,
    `a:1@sha256:${id}`,
    `sha256:${id}`,
    id,
  ]
  for (const image of taken) assert.is(projectOf(`services: {a: {image: "${image}"}}`).services.a?.image, image)
  const refused = ['A', 'Own/x', 'a b', 'a/', '/a', 'a//b', 'a:', 'a:-x', 'a@sha256:12', 'a_-b', `a/${'x'.repeat(520)}`, '-a', 'http://a/b']
  for (const image of refused) assert.equal(faultsOf(`services: {a: {image: "${image}"}}`), [['compose.schema', 'services.a.image']], image)
})

attributes.run()

const sections = suite('networks and volumes')

sections('a service without networks is in the default one', () => {
  assert.equal(projectOf('services: {a: {image: i}}').networks, { default: { driverOpts: {}, labels: {}, subnets: [] } })
})

sections('networks that nothing uses are left out', () => {
  const project = projectOf('services: {a: {image: i, networks: [n]}}\nnetworks: {n: {driver: bridge}, spare: , default: }')
  assert.equal(project.networks, { n: { driverOpts: {}, labels: {}, subnets: [] } })
})

sections('a network keeps what it says', () => {
  const { networks, services } = projectOf(`
services: {a: {image: i, networks: {n: {aliases: [z, b], ipv4_address: 10.77.93.10}}}}
networks: {n: {name: plant, internal: true, labels: [zone=ot], ipam: {driver: default, config: [{subnet: 10.77.93.0/24, gateway: 10.77.93.1}]}}}`)
  assert.equal(networks.n, {
    name: 'plant',
    internal: true,
    driverOpts: {},
    labels: { zone: 'ot' },
    subnets: [{ subnet: '10.77.93.0/24', gateway: '10.77.93.1' }],
  })
  assert.equal(services.a?.networks, { n: { aliases: ['b', 'z'], ipv4: '10.77.93.10' } })
})

sections('an external volume has its own name', () => {
  const { volumes } = projectOf(
    'services: {a: {image: i, volumes: ["e:/e", "f:/f:ro"]}}\nvolumes: {e: {external: true}, f: {external: {name: old}}}',
  )
  assert.equal(volumes, {
    e: { external: true, name: 'e', driverOpts: {}, labels: {} },
    f: { external: true, name: 'old', driverOpts: {}, labels: {} },
  })
})

sections('ports without a network to publish from are left out with a warning', () => {
  const { project, warnings } = unwrap(parseCompose('services: {a: {image: i, network_mode: host, ports: ["80:80"]}}'))
  assert.equal(project.services.a?.ports, [])
  assert.equal(
    warnings.map(({ code, path }) => [code, path]),
    [['compose.inconsistent', 'services.a.ports']],
  )
})

sections('what is harmless is ignored by name', () => {
  const { warnings } = unwrap(parseCompose('version: "3"\nname: app\nx-a: 1\nservices: {a: {image: i, attach: false, develop: {}}}'))
  assert.equal(
    warnings.map(({ path }) => path),
    ['version', 'name', 'services.a.attach', 'services.a.develop'],
  )
})

sections('anchors and merge keys are resolved', () => {
  const { services } = projectOf(`
x-log: &log {driver: json-file}
x-base: &base {image: one, restart: always, logging: *log}
x-more: &more {image: two, user: me}
services:
  a: {<<: *base, restart: "no"}
  b: {<<: [*more, *base]}`)
  assert.equal([services.a?.image, services.a?.restart.policy, services.a?.logging?.driver], ['one', 'no', 'json-file'])
  assert.equal([services.b?.image, services.b?.restart.policy, services.b?.user], ['two', 'always', 'me'])
})

sections('names that mean something to JavaScript are names like others', () => {
  const { services, networks } = projectOf('services: {constructor: {image: i, networks: [toString]}}\nnetworks: {toString: }')
  assert.equal(Object.keys(services), ['constructor'])
  assert.equal(Object.keys(networks), ['toString'])
})

sections.run()
