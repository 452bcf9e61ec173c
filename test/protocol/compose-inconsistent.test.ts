// Files that are refused as a whole: their form, and what does not go together across services.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Refusal } from '../../protocol/errors.js'
import { type Fault, faultsOf, parse } from '../support/compose.js'

function refusalsIn(text: string): readonly Refusal[] {
  const result = parse(text)
  return result.ok ? [] : result.refusals
}

const files: readonly (readonly [what: string, text: string, faults: readonly Fault[]])[] = [
  ['an empty file', '', [['compose.schema', 'services']]],
  ['a list', '- a\n- b\n', [['compose.schema', undefined]]],
  ['a file without services', 'networks: {a: }', [['compose.schema', 'services']]],
  ['an empty map of services', 'services: {}', [['compose.schema', 'services']]],
  ['services in a list', 'services: [a]', [['compose.schema', 'services']]],
  ['a service that is nothing', 'services:\n  web:\n', [['compose.inconsistent', 'services.web.image']]],
  ['a service that is a text', 'services: {web: i}', [['compose.schema', 'services.web']]],
  ['a service without an image', 'services: {web: {image: , hostname: a}}', [['compose.inconsistent', 'services.web.image']]],
  ['a build that lacks its files', 'services: {web: {build: ./app}}', [['compose.inconsistent', 'services.web.build']]],
  ['a bad name of a service', 'services: {"we b": {image: i}}', [['compose.schema', 'services["we b"]']]],
  ['a bad name of the project', 'name: A B\nservices: {a: {image: i}}', [['compose.inconsistent', 'name']]],
  ['an unknown section', 'service: {}\nservices: {a: {image: i}}', [['compose.unknown', 'service']]],
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
    'an external volume with a driver',
    'services: {a: {image: i}}\nvolumes: {v: {external: true, driver: local}}',
    [['compose.inconsistent', 'volumes.v']],
  ],
  [
    'a secret that has no contents, once',
    'services: {a: {image: i, secrets: [s]}}\nsecrets: {s: {}}',
    [['compose.inconsistent', 'secrets.s']],
  ],
  [
    'a config that is a cluster’s, once',
    'services: {a: {image: i, configs: [c]}}\nconfigs: {c: {external: true}}',
    [['compose.unsupported', 'configs.c.external']],
  ],
  [
    'containers of the app that live in each other',
    'services: {a: {image: i, container_name: aa, pid: "container:bb"}, b: {image: i, container_name: bb, ipc: "container:aa"}}',
    [['compose.inconsistent', 'services.a']],
  ],
  [
    'a gateway elsewhere',
    'services: {a: {image: i}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/8, gateway: 11.0.0.1}]}}}',
    [['compose.inconsistent', 'networks.n.ipam.config[0]']],
  ],
  [
    'an external network with more than a driver',
    'services: {a: {image: i}}\nnetworks: {n: {external: true, driver: x, internal: true}}',
    [['compose.inconsistent', 'networks.n']],
  ],
  [
    'one port published twice',
    'services: {a: {image: i, ports: ["80:80"]}, b: {image: i, ports: ["0.0.0.0:80:80"]}}',
    [['compose.inconsistent', 'services.b.ports']],
  ],
  [
    'one container name twice',
    'services: {a: {image: i, container_name: cc}, b: {image: i, container_name: cc}}',
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
    'containers of one name',
    'services: {a: {image: i, scale: 2, container_name: cc}}',
    [['compose.inconsistent', 'services.a.container_name']],
  ],
  [
    'containers at one port of the host',
    'services: {a: {image: i, deploy: {replicas: 2}, ports: ["80:80"]}}',
    [['compose.inconsistent', 'services.a.ports']],
  ],
  [
    'more containers than ports of the host',
    'services: {a: {image: i, scale: 4, ports: ["8000-8002:80"]}}',
    [['compose.inconsistent', 'services.a.ports']],
  ],
  [
    'containers at one address',
    'services: {a: {image: i, scale: 2, networks: {n: {ipv4_address: 10.0.0.2}}}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}',
    [['compose.inconsistent', 'services.a.networks.n']],
  ],
  [
    'a circle of links and volumes',
    'services: {a: {image: i, links: [b]}, b: {image: i, volumes_from: [c]}, c: {image: i, pid: "service:a"}}',
    [['compose.inconsistent', 'services.a']],
  ],
  [
    'links in the network of the host',
    'services: {a: {image: i}, b: {image: i, network_mode: host, links: [a]}}',
    [['compose.inconsistent', 'services.b.links']],
  ],
  [
    'a name in the network of a container',
    'services: {a: {image: i, network_mode: "container:x", hostname: h}}',
    [['compose.inconsistent', 'services.a.hostname']],
  ],
  [
    'a name beside the names of the host',
    'services: {a: {image: i, uts: host, hostname: h}}',
    [['compose.inconsistent', 'services.a.hostname']],
  ],
  [
    'an address outside of its subnet',
    'services: {a: {image: i}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/8, aux_addresses: {x: 11.0.0.1}}]}}}',
    [['compose.inconsistent', 'networks.n.ipam.config[0]']],
  ],
  [
    'two names of one network',
    'services: {a: {image: i}}\nnetworks: {n: {external: {name: x}, name: y}}',
    [['compose.inconsistent', 'networks.n.name']],
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
  const [first] = refusalsIn('services:\n  web:\n   image: [unclosed\n')
  assert.is(first?.code, 'compose.yaml')
  assert.match(first?.path ?? '', /^line \d+, column \d+$/)
})

file('has all its faults told, up to fifty', () => {
  assert.is(faultsOf('services: {a: {image: 1, user: 1, ports: 1, foo: 1}, b: {}}').length, 5)
  const many = Array.from({ length: 80 }, (_, n) => `foo${n}: 1`).join(', ')
  assert.is(faultsOf(`services: {a: {image: i, ${many}}}`).length, 50)
})

file('names the circle of services', () => {
  const [first] = refusalsIn('services: {a: {image: i, depends_on: [b]}, b: {image: i, depends_on: [c]}, c: {image: i, depends_on: [b]}}')
  assert.match(first?.message ?? '', 'b -> c -> b')
})

const fine = suite('a file is taken')

const together: readonly string[] = [
  'services: {a: {image: i, scale: 3, ports: ["8000-8002:80"]}}',
  'services: {a: {image: i, scale: 3, ports: [80]}}',
  'services: {a: {image: i, scale: 0, ports: ["80:80"]}, b: {image: i, ports: ["80:80"]}}',
  'services: {a: {image: i, ports: ["80:80", "80:80/udp", "127.0.0.1:81:80"]}, b: {image: i, ports: ["127.0.0.2:81:80"]}}',
  'services: {a: {image: i, network_mode: host, hostname: h, dns: 9.9.9.9}}',
  'services: {a: {image: i, network_mode: bridge, ports: ["80:80"], external_links: [x]}}',
  'services: {a: {image: i, networks: {n: {ipv4_address: 10.9.9.9}}}}\nnetworks: {n: {external: true}}',
  'services: {a: {image: i, networks: {n: {ipv4_address: 10.9.9.9}}}}\nnetworks: {n: {ipam: {driver: dhcp}}}',
  'services: {a: {image: i}}\nnetworks: {n: {external: {name: x}, name: x}}\nvolumes: {v: {external: true, driver: }}',
]

for (const text of together) fine(`with ${text}`, () => assert.equal(faultsOf(text), []))

fine.run()

file.run()
