// What is refused, with which code and where.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are compose's
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseCompose } from '../../protocol/compose/parse.js'
import type { ErrorCode, Refusal } from '../../protocol/errors.js'

function refusalsOf(text: string): readonly Refusal[] {
  const result = parseCompose(text)
  return result.ok ? [] : result.refusals
}

type Fault = readonly [code: ErrorCode, path: string | undefined]
const faultsOf = (text: string): Fault[] => refusalsOf(text).map(({ code, path }) => [code, path])

const attributes: readonly (readonly [attribute: string, code: ErrorCode, path: string])[] = [
  ['imagee: i', 'compose.unknown', 'imagee'],
  ['constructor: i', 'compose.unknown', 'constructor'],
  ['__proto__: {a: b}', 'compose.schema', '__proto__'],
  ['env_file: a.env', 'compose.unsupported', 'env_file'],
  ['profiles: [a]', 'compose.unsupported', 'profiles'],
  ['ulimits: {nofile: 5}', 'compose.unsupported', 'ulimits'],
  ['scale: 2', 'compose.unsupported', 'scale'],
  ['deploy: {placement: {}}', 'compose.unsupported', 'deploy.placement'],
  ['deploy: {replicas: 2}', 'compose.unsupported', 'deploy.replicas'],
  ['deploy: {resources: {limits: {memroy: 1}}}', 'compose.unknown', 'deploy.resources.limits.memroy'],
  ['command: {a: b}', 'compose.schema', 'command'],
  ["command: it's", 'compose.schema', 'command'],
  ['command: [a, [b]]', 'compose.schema', 'command[1]'],
  ['environment: [=x]', 'compose.schema', 'environment[0]'],
  ['environment: {A: [1]}', 'compose.schema', 'environment.A'],
  ['labels: {a.b: {}}', 'compose.schema', 'labels["a.b"]'],
  ['ports: {a: b}', 'compose.schema', 'ports'],
  ['ports: ["abc:80"]', 'compose.schema', 'ports[0]'],
  ['ports: [70000]', 'compose.schema', 'ports[0]'],
  ['ports: ["80:80/icmp"]', 'compose.schema', 'ports[0]'],
  ['ports: ["1.2.3:80:80"]', 'compose.schema', 'ports[0]'],
  ['ports: ["1-4:1-2"]', 'compose.schema', 'ports[0]'],
  ['ports: ["8000-9000:80"]', 'compose.unsupported', 'ports[0]'],
  ['ports: ["1-60000:1-60000"]', 'compose.too-complex', 'ports[0]'],
  ['ports: [{published: 80}]', 'compose.schema', 'ports[0]'],
  ['ports: [{target: 80, protocol: icmp}]', 'compose.schema', 'ports[0].protocol'],
  ['ports: ["80:80", "80:81"]', 'compose.inconsistent', 'ports'],
  ['ports: ["127.0.0.1:80:80", "80:81"]', 'compose.inconsistent', 'ports'],
  ['expose: [a]', 'compose.schema', 'expose[0]'],
  ['restart: sometimes', 'compose.schema', 'restart'],
  ['restart: false', 'compose.schema', 'restart'],
  ['restart: always:3', 'compose.schema', 'restart'],
  ['healthcheck: {test: [true]}', 'compose.schema', 'healthcheck.test'],
  ['healthcheck: {test: [CMD]}', 'compose.schema', 'healthcheck.test'],
  ['healthcheck: {interval: tenseconds}', 'compose.schema', 'healthcheck.interval'],
  ['healthcheck: {interval: 10}', 'compose.schema', 'healthcheck.interval'],
  ['healthcheck: {interval: 10us}', 'compose.schema', 'healthcheck.interval'],
  ['healthcheck: {retries: many}', 'compose.schema', 'healthcheck.retries'],
  ['stop_grace_period: 1y', 'compose.schema', 'stop_grace_period'],
  ['mem_limit: lots', 'compose.schema', 'mem_limit'],
  ['mem_limit: -1', 'compose.schema', 'mem_limit'],
  ['cpus: half', 'compose.schema', 'cpus'],
  ['cpuset: one', 'compose.schema', 'cpuset'],
  ['tty: perhaps', 'compose.schema', 'tty'],
  ['user: 1000', 'compose.schema', 'user'],
  ['working_dir: here', 'compose.schema', 'working_dir'],
  ['container_name: a b', 'compose.schema', 'container_name'],
  ['dns: dns.example', 'compose.schema', 'dns'],
  ['volumes: [./a:/a]', 'compose.unsupported', 'volumes[0]'],
  ['volumes: [~/a:/a]', 'compose.unsupported', 'volumes[0]'],
  ['volumes: [{type: bind, source: ../a, target: /a}]', 'compose.unsupported', 'volumes[0]'],
  ['volumes: [{type: image, source: i, target: /a}]', 'compose.unsupported', 'volumes[0].type'],
  ['volumes: [{type: tmpfs, target: /a, tmpfs: {mode: 0700}}]', 'compose.unsupported', 'volumes[0].tmpfs.mode'],
  ['volumes: [{type: tmpfs, target: /a, volume: {nocopy: true}}]', 'compose.inconsistent', 'volumes[0]'],
  ['volumes: [{target: /a}]', 'compose.schema', 'volumes[0]'],
  ['volumes: ["/a:b"]', 'compose.schema', 'volumes[0]'],
  ['volumes: ["/a:/../"]', 'compose.schema', 'volumes[0]'],
  ['volumes: ["/a:/b:rx"]', 'compose.schema', 'volumes[0]'],
  ['volumes: ["/a:/c", "/b:/c/"]', 'compose.inconsistent', 'volumes[1]'],
  ['volumes: ["nope:/a"]', 'compose.inconsistent', 'volumes'],
  ['networks: [nope]', 'compose.inconsistent', 'networks[0]'],
  ['networks: {nope: }', 'compose.inconsistent', 'networks.nope'],
  ['networks: [constructor]', 'compose.inconsistent', 'networks[0]'],
  ['networks: {default: {ipv4_address: 10.0.0.1}}', 'compose.inconsistent', 'networks.default'],
  ['networks: {default: {priority: 3}}', 'compose.unsupported', 'networks.default.priority'],
  ['network_mode: container:x', 'compose.unsupported', 'network_mode'],
  ['network_mode: service:nope', 'compose.inconsistent', 'network_mode'],
  ['depends_on: [nope]', 'compose.inconsistent', 'depends_on[0]'],
  ['depends_on: {nope: }', 'compose.inconsistent', 'depends_on.nope'],
  ['depends_on: {nope: {condition: service_up}}', 'compose.schema', 'depends_on.nope.condition'],
  ['depends_on: [web]', 'compose.inconsistent', ''],
  ['security_opt: [seccomp=./s.json]', 'compose.unsupported', 'security_opt[0]'],
  ['hostname: ${A:?needed}', 'compose.variable', 'hostname'],
  ['hostname: ${A', 'compose.variable', 'hostname'],
  ['hostname: a$', 'compose.variable', 'hostname'],
  ['hostname: a\n    hostname: b', 'compose.yaml', 'hostname'],
  ['hostname: !reset a', 'compose.unsupported', 'hostname'],
]

const attribute = suite('an attribute')

for (const [text, code, path] of attributes) {
  attribute(`${text} is refused with ${code}`, () => {
    assert.equal(faultsOf(`services:\n  web:\n    image: i\n    ${text}\n`), [
      [code, path === '' ? 'services.web' : `services.web.${path}`],
    ])
  })
}

attribute('a mistyped attribute is told the right one', () => {
  assert.match(refusalsOf('services: {a: {image: i, enviroment: {}}}')[0]?.message ?? '', 'environment')
})

attribute('memory limits that the Engine would refuse are refused', () => {
  for (const limits of [
    'memswap_limit: 1g',
    'mem_limit: 2g, memswap_limit: 1g',
    'mem_limit: 1g, mem_reservation: 2g',
    'mem_limit: 64m, deploy: {resources: {limits: {memory: 32M}}}',
  ])
    assert.is(faultsOf(`services: {a: {image: i, ${limits}}}`)[0]?.[0], 'compose.inconsistent', limits)
})

attribute.run()

const files: readonly (readonly [what: string, text: string, faults: readonly Fault[]])[] = [
  ['an empty file', '', [['compose.schema', 'services']]],
  ['a list', '- a\n- b\n', [['compose.schema', undefined]]],
  ['a file without services', 'networks: {a: }', [['compose.schema', 'services']]],
  ['an empty map of services', 'services: {}', [['compose.schema', 'services']]],
  ['services in a list', 'services: [a]', [['compose.schema', 'services']]],
  ['a service that is nothing', 'services:\n  web:\n', [['compose.inconsistent', 'services.web.image']]],
  ['a service that is a text', 'services: {web: i}', [['compose.schema', 'services.web']]],
  ['a service without an image', 'services: {web: {image: , hostname: a}}', [['compose.inconsistent', 'services.web.image']]],
  ['a build instead of an image', 'services: {web: {build: .}}', [['compose.unsupported', 'services.web.build']]],
  ['a bad name of a service', 'services: {"we b": {image: i}}', [['compose.schema', 'services["we b"]']]],
  ['a bad name of the project', 'name: A B\nservices: {a: {image: i}}', [['compose.inconsistent', 'name']]],
  ['an unknown section', 'service: {}\nservices: {a: {image: i}}', [['compose.unknown', 'service']]],
  ['secrets', 'secrets: {}\nservices: {a: {image: i}}', [['compose.unsupported', 'secrets']]],
  ['two documents', 'services: {a: {image: i}}\n---\nb: 1\n', [['compose.yaml', 'line 3']]],
  ['a tab as indentation', 'services:\n\ta: 1\n', [['compose.yaml', 'line 2, column 1']]],
  ['an unknown alias', 'services: {a: *b}', [['compose.yaml', 'services.a']]],
  ['an alias in its own anchor', 'services: &a {b: *a}', [['compose.yaml', 'services.b']]],
  ['a merge of something else', 'services: {a: {<<: 3, image: i}}', [['compose.yaml', 'services.a']]],
  [
    'a bad subnet',
    'services: {a: {image: i}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/99}]}}}',
    [['compose.schema', 'networks.n.ipam.config[0].subnet']],
  ],
  [
    'a gateway elsewhere',
    'services: {a: {image: i}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/8, gateway: 11.0.0.1}]}}}',
    [['compose.inconsistent', 'networks.n.ipam.config[0]']],
  ],
  [
    'an external network with a driver',
    'services: {a: {image: i}}\nnetworks: {n: {external: true, driver: x}}',
    [['compose.inconsistent', 'networks.n']],
  ],
  [
    'one port published twice',
    'services: {a: {image: i, ports: ["80:80"]}, b: {image: i, ports: ["0.0.0.0:80:80"]}}',
    [['compose.inconsistent', 'services.b.ports']],
  ],
  [
    'one container name twice',
    'services: {a: {image: i, container_name: c}, b: {image: i, container_name: c}}',
    [['compose.inconsistent', 'services.b.container_name']],
  ],
  [
    'a network mode and networks',
    'services: {a: {image: i, network_mode: host, networks: [default]}}',
    [['compose.inconsistent', 'services.a.networks']],
  ],
  [
    'ports in another service’s network',
    'services: {a: {image: i}, b: {image: i, network_mode: "service:a", ports: [80]}}',
    [['compose.inconsistent', 'services.b.ports']],
  ],
  [
    'waiting for the health of what has no check',
    'services: {a: {image: i, healthcheck: {disable: true}}, b: {image: i, depends_on: {a: {condition: service_healthy}}}}',
    [['compose.inconsistent', 'services.b.depends_on.a']],
  ],
  [
    'a circle of dependencies',
    'services: {a: {image: i, depends_on: [b]}, b: {image: i, network_mode: "service:a"}}',
    [['compose.inconsistent', 'services.a']],
  ],
  [
    'a mount and a tmpfs at one place',
    'services: {a: {image: i, volumes: [/a], tmpfs: [/a]}}',
    [['compose.inconsistent', 'services.a.tmpfs']],
  ],
]

const file = suite('a file')

for (const [what, text, faults] of files) file(`with ${what} is refused`, () => assert.equal(faultsOf(text), faults))

file('that is no YAML is refused at a line and column', () => {
  const [first] = refusalsOf('services:\n  web:\n   image: [unclosed\n')
  assert.is(first?.code, 'compose.yaml')
  assert.match(first?.path ?? '', /^line \d+, column \d+$/)
})

file('has all its faults told, up to fifty', () => {
  assert.is(faultsOf('services: {a: {image: 1, user: 1, ports: 1, foo: 1}, b: {}}').length, 5)
  const many = Array.from({ length: 80 }, (_, n) => `foo${n}: 1`).join(', ')
  assert.is(faultsOf(`services: {a: {image: i, ${many}}}`).length, 50)
})

file('names the circle of services', () => {
  const [first] = refusalsOf('services: {a: {image: i, depends_on: [b]}, b: {image: i, depends_on: [c]}, c: {image: i, depends_on: [b]}}')
  assert.match(first?.message ?? '', 'b -> c -> b')
})

file.run()
