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
  ['env_file: a.env', 'compose.inconsistent', 'env_file'],
  ['env_file: {path: a.env}', 'compose.schema', 'env_file'],
  ['env_file: [{required: false}]', 'compose.schema', 'env_file[0]'],
  ['env_file: [{path: a.env, format: yaml}]', 'compose.schema', 'env_file[0].format'],
  ['label_file: [{path: a}]', 'compose.schema', 'label_file[0]'],
  ['profiles: a', 'compose.schema', 'profiles'],
  ['extends: {}', 'compose.schema', 'extends'],
  ['extends: {service: a, files: b}', 'compose.unknown', 'extends.files'],
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
  ['volumes: [../a:/a]', 'compose.unsupported', 'volumes[0]'],
  ['volumes: [~/a:/a]', 'compose.unsupported', 'volumes[0]'],
  ['volumes: [{type: bind, source: ../a, target: /a}]', 'compose.unsupported', 'volumes[0]'],
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
  ['network_mode: bridged', 'compose.schema', 'network_mode'],
  ['network_mode: service:nope', 'compose.inconsistent', 'network_mode'],
  ['depends_on: [nope]', 'compose.inconsistent', 'depends_on[0]'],
  ['depends_on: {nope: {condition: service_started}}', 'compose.inconsistent', 'depends_on.nope'],
  ['depends_on: {nope: {}}', 'compose.schema', 'depends_on.nope'],
  ['depends_on: {nope: }', 'compose.schema', 'depends_on.nope'],
  ['depends_on: {nope: {condition: service_up}}', 'compose.schema', 'depends_on.nope.condition'],
  ['depends_on: [web]', 'compose.inconsistent', ''],
  ['security_opt: [seccomp=./s.json]', 'compose.inconsistent', 'security_opt[0]'],
  ['pull_policy: sometimes', 'compose.schema', 'pull_policy'],
  ['pull_policy: every_0s', 'compose.schema', 'pull_policy'],
  ['pull_policy: refresh', 'compose.inconsistent', 'pull_policy'],
  ['pull_policy: build', 'compose.inconsistent', 'pull_policy'],
  ['platform: "linux arm"', 'compose.schema', 'platform'],
  ['scale: -1', 'compose.schema', 'scale'],
  ['scale: many', 'compose.schema', 'scale'],
  ['deploy: {mode: replicated-job}', 'compose.unsupported', 'deploy.mode'],
  ['deploy: {mode: other}', 'compose.schema', 'deploy.mode'],
  ['deploy: {restart_policy: {condition: sometimes}}', 'compose.schema', 'deploy.restart_policy.condition'],
  ['deploy: {resources: {reservations: {devices: [{count: 1}]}}}', 'compose.schema', 'deploy.resources.reservations.devices[0]'],
  ['gpus: some', 'compose.schema', 'gpus'],
  ['gpus: [{count: 1, device_ids: [a]}]', 'compose.inconsistent', 'gpus[0]'],
  ['devices: [ttyUSB0]', 'compose.schema', 'devices[0]'],
  ['devices: ["/dev/a:/dev/b:rx"]', 'compose.schema', 'devices[0]'],
  ['devices: [{target: /dev/a}]', 'compose.schema', 'devices[0]'],
  ["device_cgroup_rules: ['c 1:3']", 'compose.schema', 'device_cgroup_rules[0]'],
  ['ulimits: {nofiles: 5}', 'compose.schema', 'ulimits.nofiles'],
  ['ulimits: {nofile: {soft: 5}}', 'compose.schema', 'ulimits.nofile'],
  ['ulimits: {nofile: {soft: 5, hard: 4}}', 'compose.inconsistent', 'ulimits.nofile'],
  ['ulimits: [nofile]', 'compose.schema', 'ulimits'],
  ['blkio_config: {weight: 5}', 'compose.schema', 'blkio_config.weight'],
  ['blkio_config: {device_read_bps: [{path: /dev/a}]}', 'compose.schema', 'blkio_config.device_read_bps[0]'],
  ['blkio_config: {device_read_iops: [{path: a, rate: 1}, {path: a, rate: 2}]}', 'compose.inconsistent', 'blkio_config.device_read_iops'],
  ['oom_score_adj: 1001', 'compose.schema', 'oom_score_adj'],
  ['mem_swappiness: 101', 'compose.schema', 'mem_swappiness'],
  ['cpu_rt_period: soon', 'compose.schema', 'cpu_rt_period'],
  ['shm_size: lots', 'compose.schema', 'shm_size'],
  ['ipc: mine', 'compose.schema', 'ipc'],
  ['ipc: service:nope', 'compose.inconsistent', 'ipc'],
  ['pid: private', 'compose.schema', 'pid'],
  ['pid: service:nope', 'compose.inconsistent', 'pid'],
  ['uts: private', 'compose.schema', 'uts'],
  ['userns_mode: private', 'compose.schema', 'userns_mode'],
  ['cgroup: other', 'compose.schema', 'cgroup'],
  ['isolation: hyperv', 'compose.unsupported', 'isolation'],
  ['mac_address: 02:42', 'compose.schema', 'mac_address'],
  ['links: ["a:b:c"]', 'compose.schema', 'links[0]'],
  ['links: [nope]', 'compose.inconsistent', 'links'],
  ['external_links: [""]', 'compose.schema', 'external_links[0]'],
  ['volumes_from: ["a:rx"]', 'compose.schema', 'volumes_from[0]'],
  ['volumes_from: [nope]', 'compose.inconsistent', 'volumes_from'],
  ['volumes_from: [web]', 'compose.inconsistent', ''],
  ['volumes: [{type: npipe, target: /a}]', 'compose.unsupported', 'volumes[0].type'],
  ['volumes: [{type: cluster, target: /a}]', 'compose.unsupported', 'volumes[0].type'],
  ['volumes: [{type: image, target: /a}]', 'compose.schema', 'volumes[0]'],
  ['volumes: [{type: tmpfs, source: a, target: /a}]', 'compose.inconsistent', 'volumes[0]'],
  ['volumes: [{type: tmpfs, target: /a, tmpfs: {mode: "9"}}]', 'compose.schema', 'volumes[0].tmpfs.mode'],
  ['volumes: [{type: volume, target: /a, volume: {subpath: ../a}}]', 'compose.schema', 'volumes[0].volume.subpath'],
  ['volumes: [conf/a:/a]', 'compose.inconsistent', 'volumes'],
  ['networks: {default: {mac_address: x}}', 'compose.schema', 'networks.default.mac_address'],
  ['networks: {default: {priority: high}}', 'compose.schema', 'networks.default.priority'],
  ['networks: {default: {interface_name: a-very-long-name}}', 'compose.schema', 'networks.default.interface_name'],
  ['post_start: [{user: root}]', 'compose.schema', 'post_start[0]'],
  ['pre_stop: {command: a}', 'compose.schema', 'pre_stop'],
  ['credential_spec: {file: a}', 'compose.unsupported', 'credential_spec'],
  ['models: [a]', 'compose.unsupported', 'models'],
  ['provider: {type: a}', 'compose.unsupported', 'provider'],
  ['use_api_socket: true', 'compose.unsupported', 'use_api_socket'],
  ['hostname: ${A:?needed}', 'compose.variable', 'hostname'],
  ['hostname: ${A', 'compose.variable', 'hostname'],
  ['hostname: a$', 'compose.variable', 'hostname'],
  ['hostname: a\n    hostname: b', 'compose.yaml', 'hostname'],
  ['hostname: !merge a', 'compose.unsupported', 'hostname'],
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

attribute('limits that the Engine would refuse are refused', () => {
  for (const limits of [
    'mem_limit: 1m',
    'mem_reservation: 1m',
    'cpus: 1, cpu_quota: 50000',
    'cpu_period: 500',
    'cpu_quota: 500',
    'cpu_rt_period: 100, cpu_rt_runtime: 200',
    'cpus: 1, deploy: {resources: {limits: {cpus: 2}}}',
    'pids_limit: 1, deploy: {resources: {limits: {pids: 2}}}',
    'scale: 2, deploy: {replicas: 3}',
    'memswap_limit: 1g',
    'mem_limit: 2g, memswap_limit: 1g',
    'mem_limit: 1g, mem_reservation: 2g',
    'mem_limit: 64m, deploy: {resources: {limits: {memory: 32M}}}',
  ])
    assert.is(faultsOf(`services: {a: {image: i, ${limits}}}`)[0]?.[0], 'compose.inconsistent', limits)
})

attribute.run()
