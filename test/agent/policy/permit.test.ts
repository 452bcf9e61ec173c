// What the device's policy denies and allows, by tables; and that what a refusal says the owner could write is what lets it pass.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { completePolicy, type DevicePolicy, defaultPolicy, type RuleName } from '../../../agent/core/device-policy.js'
import { hostPath } from '../../../agent/core/mounts.js'
import { joinRefusals, permit } from '../../../agent/core/permit.js'
import type { Premises } from '../../../agent/core/permit-parts.js'
import { parsePolicy } from '../../../agent/policy-file.js'
import { parseProject } from '../../../protocol/compose/parse.js'
import { folderOf } from '../../../protocol/compose/source.js'
import { type Refusal, unwrap } from '../../../protocol/errors.js'

const test = suite('permit')

const links: Record<string, string> = {
  '/var/lib/skerry/agent/apps/app/link': '/etc',
  '/var/lib/skerry/agent/apps/app/near': '/var/lib/skerry/agent/apps/app/data',
  '/srv/link': '/etc/shadow',
  '/srv/deep': '/var/lib/docker/volumes',
  '/srv/usb': '/dev/ttyUSB0',
  '/dev/serial/by-id/meter': '/dev/ttyUSB0',
  '/dev/disk/by-id/first': '/dev/sda',
  '/etc/localtime': '/usr/share/zoneinfo/Europe/Berlin',
}

const premises: Premises = {
  folder: '/var/lib/skerry/agent/apps/app',
  real: path => links[path] ?? hostPath(path, '/'),
  own: ['/var/lib/skerry', '/etc/skerry/policy.yaml'],
  engine: ['/opt/engine/docker.sock'],
  addresses: ['192.168.1.7', 'fd00::7'],
  held: [],
}

const files = ['a/x', 'b', 'data/x', 'link', 'near', 'app/Dockerfile', 'app/other'].map(path => [path, '{}'] as const)

function projectOf(compose: string) {
  const source = { app: 'app', files: ['compose.yaml'], folder: folderOf(new Map([...files, ['compose.yaml', compose]])) }
  return unwrap(parseProject({ ...source, environment: {}, profiles: [] })).project
}

function judge(compose: string, policy: DevicePolicy = defaultPolicy): readonly Refusal[] {
  return permit({ app: 'app', project: projectOf(compose), policy, premises })
}

const web = (fields: string, more = '') => `services: { web: { ${/\bimage: /.test(fields) ? '' : 'image: nginx, '}${fields} } }\n${more}`

const ruleOf = ({ message }: Refusal) => /\(rule ([a-z-]+) of the device's policy; its owner could write /.exec(message)?.[1]

/** What is asked for, the rules that deny it, and where. */
const denied: readonly (readonly [fields: string, rule: RuleName | readonly RuleName[], path: string, more?: string])[] = [
  ['privileged: true', 'privileged', 'services.web.privileged'],
  ['post_start: [{ command: [a] }, { command: [b], privileged: true }]', 'privileged', 'services.web.post_start[1].privileged'],
  ['pre_stop: [{ command: [b], privileged: true }]', 'privileged', 'services.web.pre_stop[0].privileged'],
  ['pid: host', 'host-namespaces', 'services.web.pid'],
  ['ipc: host', 'host-namespaces', 'services.web.ipc'],
  ['uts: host', 'host-namespaces', 'services.web.uts'],
  ['userns_mode: host', 'host-namespaces', 'services.web.userns_mode'],
  ['cgroup: host', 'host-namespaces', 'services.web.cgroup'],
  ['network_mode: "container:other"', 'containers', 'services.web.network_mode'],
  ['ipc: "container:other"', 'containers', 'services.web.ipc'],
  ['pid: "container:other"', 'containers', 'services.web.pid'],
  ['volumes_from: ["container:portainer:ro"]', 'containers', 'services.web.volumes_from'],
  ['cap_add: [CAP_SYS_ADMIN]', 'capabilities', 'services.web.cap_add'],
  ['cap_add: [NET_ADMIN]', 'capabilities', 'services.web.cap_add'],
  ['cap_add: [ALL]', 'capabilities', 'services.web.cap_add'],
  ['security_opt: ["seccomp:unconfined"]', 'security-options', 'services.web.security_opt'],
  ['security_opt: ["seccomp=unconfined"]', 'security-options', 'services.web.security_opt'],
  ['security_opt: ["seccomp=./b"]', 'security-options', 'services.web.security_opt'],
  ['security_opt: ["apparmor=unconfined"]', 'security-options', 'services.web.security_opt'],
  ['security_opt: ["label:disable"]', 'security-options', 'services.web.security_opt'],
  ['security_opt: ["label=type:spc_t"]', 'security-options', 'services.web.security_opt'],
  ['security_opt: ["no-new-privileges:false"]', 'security-options', 'services.web.security_opt'],
  ['security_opt: ["systempaths=unconfined"]', 'security-options', 'services.web.security_opt'],
  ['sysctls: { kernel.core_pattern: "|/x" }', 'sysctls', 'services.web.sysctls'],
  ['cgroup_parent: /', 'cgroup-parents', 'services.web.cgroup_parent'],
  ['runtime: /usr/bin/evil', 'runtimes', 'services.web.runtime'],
  ['annotations: { run.oci.hooks.stdout: /etc/cron.d/x }', 'annotations', 'services.web.annotations'],
  ['devices: [/dev/sda]', 'devices', 'services.web.devices'],
  ['devices: [/dev/mem]', 'devices', 'services.web.devices'],
  ['devices: [/dev]', 'devices', 'services.web.devices'],
  ['devices: ["/dev/disk/by-id/first:/dev/x"]', 'devices', 'services.web.devices'],
  ['devices: ["/dev/serial/../sda:/dev/x"]', 'devices', 'services.web.devices'],
  ['devices: ["/srv/usb:/dev/x"]', 'devices', 'services.web.devices'],
  ["device_cgroup_rules: ['b *:* rwm']", 'device-rules', 'services.web.device_cgroup_rules'],
  ["device_cgroup_rules: ['a *:* rwm']", 'device-rules', 'services.web.device_cgroup_rules'],
  ["device_cgroup_rules: ['c *:* rwm']", 'device-rules', 'services.web.device_cgroup_rules'],
  ["device_cgroup_rules: ['c 1:1 r']", 'device-rules', 'services.web.device_cgroup_rules'],
  ['volumes: ["/var/run/docker.sock:/s"]', 'docker', 'services.web.volumes'],
  ['volumes: ["/run/docker.sock:/s:ro"]', 'docker', 'services.web.volumes'],
  ['volumes: ["/opt/engine/docker.sock:/s"]', 'docker', 'services.web.volumes'],
  ['volumes: ["/var/lib/docker/volumes:/v"]', 'docker', 'services.web.volumes'],
  ['volumes: ["/run/containerd:/v"]', 'docker', 'services.web.volumes'],
  ['volumes: ["/opt/engine:/v"]', 'docker', 'services.web.volumes'],
  ['volumes: ["/srv/deep:/v"]', 'docker', 'services.web.volumes'],
  ['volumes: ["/:/host:ro"]', ['agent-data', 'docker', 'paths'], 'services.web.volumes'],
  ['volumes: ["/run:/host"]', ['docker', 'paths'], 'services.web.volumes'],
  ['volumes: ["/var/lib:/host"]', ['agent-data', 'docker', 'paths'], 'services.web.volumes'],
  ['volumes: ["/var/lib/skerry:/host"]', 'agent-data', 'services.web.volumes'],
  ['volumes: ["/var/lib/skerry/agent/apps/other/data:/host"]', 'agent-data', 'services.web.volumes'],
  ['volumes: ["/etc/skerry/policy.yaml:/host"]', 'agent-data', 'services.web.volumes'],
  ['volumes: ["/etc:/host"]', ['agent-data', 'paths'], 'services.web.volumes'],
  ['volumes: ["/etc/passwd:/host:ro"]', 'paths', 'services.web.volumes'],
  ['volumes: ["/etc/localtime:/host"]', 'paths', 'services.web.volumes'],
  ['volumes: [{ type: bind, source: /root, target: /host, read_only: true }]', 'paths', 'services.web.volumes'],
  ['volumes: [{ type: bind, source: "/etc/passwd:/x", target: /host }]', 'paths', 'services.web.volumes'],
  ['volumes: ["/srv/../etc/passwd:/host"]', 'paths', 'services.web.volumes'],
  ['volumes: ["/srv/link:/host"]', 'paths', 'services.web.volumes'],
  ['volumes: ["./link:/host:ro"]', ['agent-data', 'paths'], 'services.web.volumes'],
  ['volumes: ["/proc:/host:ro"]', 'paths', 'services.web.volumes'],
  ['volumes: ["/sys:/sys"]', 'paths', 'services.web.volumes'],
  ['volumes: ["/dev/sda:/disk"]', 'paths', 'services.web.volumes'],
  ['volumes: ["/home:/h"]', 'paths', 'services.web.volumes'],
  ['volumes: ["/home/pi:/h"]', 'paths', 'services.web.volumes'],
  ['volumes: ["/home/pi/.ssh/authorized_keys:/h"]', 'paths', 'services.web.volumes'],
  ['volumes: ["/var/spool/cron:/h"]', 'paths', 'services.web.volumes'],
  ['volumes: ["./data:/d", "./data/x:/x:ro"]', 'nested-paths', 'services.web.volumes'],
  ['configs: [c]', ['agent-data', 'paths'], 'services.web.configs', 'configs: { c: { file: ./link } }'],
  ['secrets: [c], volumes: ["./data:/d"]', 'nested-paths', 'services.web.configs', 'secrets: { c: { file: ./data/x } }'],
  ['build: ./app, volumes: [".:/src"]', 'nested-paths', 'services.web.build.context'],
  ['build: { context: ./app, network: "container:other" }', 'containers', 'services.web.build.network'],
  ['volumes: ["v:/v"]', 'volume-drivers', 'volumes.v.driver', 'volumes: { v: { driver: local-persist } }'],
  ['', ['agent-data', 'paths'], 'volumes.v.driver_opts.device', 'volumes: { v: { driver_opts: { type: none, o: bind, device: /etc } } }'],
  ['', 'docker', 'volumes.v.driver_opts.device', 'volumes: { v: { driver_opts: { type: nfs, o: "rw,rbind", device: /run/docker.sock } } }'],
  ['', ['agent-data', 'paths'], 'volumes.v.driver_opts.device', 'volumes: { v: { driver_opts: { o: bind, device: ./link } } }'],
  ['volumes: [".:/a"]', 'nested-paths', 'volumes.v.driver_opts.device', 'volumes: { v: { driver_opts: { o: bind, device: ./data } } }'],
  ['', ['devices', 'volume-types'], 'volumes.v.driver_opts', 'volumes: { v: { driver_opts: { type: ext4, device: /dev/sda1 } } }'],
  [
    '',
    'volume-types',
    'volumes.v.driver_opts.type',
    'volumes: { v: { driver_opts: { type: overlay, device: overlay, o: "lowerdir=/etc" } } }',
  ],
  ['', 'volume-types', 'volumes.v.driver_opts.type', 'volumes: { v: { driver_opts: { type: proc, device: proc } } }'],
  ['', 'device-subnets', 'networks.default.ipam', 'networks: { default: { ipam: { config: [{ subnet: 192.168.0.0/16 }] } } }'],
  ['', 'device-subnets', 'networks.default.ipam', 'networks: { default: { ipam: { config: [{ subnet: "fd00::/8" }] } } }'],
  [
    '',
    'network-options',
    'networks.default.driver_opts',
    'networks: { default: { driver_opts: { com.docker.network.bridge.name: br-lan } } }',
  ],
  [
    '',
    'network-options',
    'networks.default.driver_opts',
    'networks: { default: { driver: macvlan, driver_opts: { macvlan_mode: passthru } } }',
  ],
  ['logging: { driver: syslog, options: { syslog-address: "unixgram:///run/docker.sock" } }', 'docker', 'services.web.logging'],
  ['logging: { driver: splunk, options: { splunk-capath: /etc/shadow } }', 'paths', 'services.web.logging'],
]

for (const [fields, rules, path, more] of denied) {
  test(`denies ${fields || more}`, () => {
    const refusals = judge(web(fields, more))
    assert.equal([...new Set(refusals.map(ruleOf))].sort(), [rules].flat())
    assert.ok(
      refusals.every(refusal => refusal.code === 'policy.denied' && refusal.path?.startsWith(path)),
      JSON.stringify(refusals),
    )
  })

  test(`allows ${fields || more} by what it says`, async () => {
    const policy = await obey(judge(web(fields, more)))
    assert.equal(judge(web(fields, more), policy), [])
  })
}

/** The policy that an owner has who writes what refusals say, all in one file. */
async function obey(refusals: readonly Refusal[]): Promise<DevicePolicy> {
  const lines = refusals.map(({ message }) => /its owner could write (.*)\)$/.exec(message)?.[1] ?? 'none')
  assert.ok(
    lines.every(line => /^[a-z-]+: /.test(line)),
    JSON.stringify(lines),
  )
  const merged = new Map<string, Set<string>>()
  for (const line of lines) {
    const [, rule = '', list] = /^([a-z-]+): (.*)$/.exec(line) ?? []
    const entries = list === 'true' ? ['true'] : [...(list ?? '').matchAll(/"(?:[^"\\]|\\.)*"|[^\s,[\]]+/g)].map(([entry]) => entry)
    merged.set(rule, new Set([...(merged.get(rule) ?? []), ...entries]))
  }
  const text = [...merged].map(([rule, entries]) => (entries.has('true') ? `${rule}: true` : `${rule}: [${[...entries].join(', ')}]`))
  return unwrap(await parsePolicy(text.join('\n'), 'policy.yaml'))
}

const allowed: readonly (readonly [fields: string, more?: string])[] = [
  ['ports: ["80:80", "443:443"], restart: always, environment: { A: b }'],
  ['network_mode: host'],
  ['networks: [n]', 'networks: { n: { external: true, name: host } }'],
  ['build: { context: ./app, network: host }'],
  ['volumes: ["data:/d", "./a:/a", "./b:/b:ro", "/srv/app:/s", "/opt/x:/x", "/mnt/usb:/m", "/home/pi/app/data:/h"]', 'volumes: { data: }'],
  ['volumes: ["/etc/localtime:/etc/localtime:ro", "/etc/timezone:/etc/timezone:ro", "/var/log:/log:ro", "./near:/n"]'],
  ['volumes: [".:/app:ro", "./data:/data"]'],
  ['volumes: ["/var/lib/grafana:/g", "/var/www:/w", "/tmp/.X11-unix:/x", "/data:/d", "./data:/e", "/etcetera:/etc"]'],
  ['cap_add: [NET_BIND_SERVICE, SYS_NICE, IPC_LOCK], cap_drop: [ALL]'],
  ['security_opt: ["no-new-privileges:true"]'],
  ['security_opt: [no-new-privileges, "apparmor:docker-default", "seccomp=builtin"]'],
  ['sysctls: { net.core.somaxconn: 1024 }, ulimits: { nofile: 1000 }, shm_size: 1g'],
  ['devices: [/dev/ttyUSB0, /dev/serial/by-id/meter, /dev/i2c-1, /dev/dri, /dev/snd, /dev/net/tun, /dev/video0]'],
  ["device_cgroup_rules: ['c 188:* rmw', 'c 166:3 r']"],
  ['gpus: all, runtime: nvidia'],
  [
    '',
    'volumes: { v: { driver_opts: { type: nfs, o: "addr=10.0.0.1,rw", device: ":/export" } }, t: { driver_opts: { type: tmpfs, device: tmpfs } } }',
  ],
  ['', 'volumes: { v: { driver_opts: { type: none, o: bind, device: ./data } }, w: { driver_opts: { o: bind, device: /srv/w } } }'],
  ['logging: { driver: json-file, options: { max-size: 10m, tag: "/{{.Name}}" } }'],
  ['configs: [c]', 'configs: { c: { file: ./b } }'],
  ['', 'networks: { default: { driver_opts: { com.docker.network.driver.mtu: 1400 }, ipam: { config: [{ subnet: 10.9.0.0/16 }] } } }'],
  ['', 'networks: { default: { driver: macvlan, driver_opts: { parent: eth0 }, ipam: { config: [{ subnet: 192.168.1.0/24 }] } } }'],
]

for (const [fields, more] of allowed) {
  test(`allows ${fields || more} by default`, () => {
    assert.equal(judge(web(fields, more)), [])
  })
}

test('sharing with services of the app needs no word', () => {
  assert.equal(judge('services: { a: { image: x }, b: { image: x, pid: "service:a", network_mode: "service:a", volumes_from: [a] } }'), [])
})

/** Policies of owners, what they let pass, and what they deny by which rule. */
const owners: readonly (readonly [lines: Parameters<typeof completePolicy>[0], fields: string, rules: readonly RuleName[]])[] = [
  [{ 'host-namespaces': [] }, 'network_mode: host', ['host-namespaces']],
  [{ 'host-namespaces': [] }, 'build: { context: ./app, network: host }', ['host-namespaces']],
  [{ paths: [] }, 'volumes: ["/srv/app:/s"]', ['paths']],
  [{ paths: ['/srv/app'] }, 'volumes: ["/srv/app/data:/s", "./a:/a"]', []],
  [{ paths: ['/srv/app'] }, 'volumes: ["/srv/apple:/s"]', ['paths']],
  [{ paths: ['/srv/app:ro'] }, 'volumes: ["/srv/app:/s:ro"]', []],
  [{ paths: ['/srv/app:ro'] }, 'volumes: ["/srv/app:/s"]', ['paths']],
  [{ paths: ['default', '/etc'] }, 'volumes: ["/etc/passwd:/s"]', []],
  [{ paths: ['default', '/'] }, 'volumes: ["/etc/passwd:/s", "/srv:/srv"]', []],
  [{ paths: ['default', '/'] }, 'volumes: ["/:/s"]', ['agent-data', 'docker']],
  [{ paths: ['default', '/var/run/dbus'] }, 'volumes: ["/run/dbus:/s"]', []],
  [{ docker: true }, 'volumes: ["/var/run/docker.sock:/s"]', []],
  [{ docker: true }, 'volumes: ["/var/run:/s"]', ['paths']],
  [{ capabilities: [] }, 'cap_add: [CHOWN]', ['capabilities']],
  [{ capabilities: ['ALL'] }, 'cap_add: [ALL, SYS_ADMIN]', []],
  [{ 'security-options': ['seccomp=*'] }, 'security_opt: ["seccomp:unconfined"]', []],
  [{ devices: [] }, 'devices: [/dev/ttyUSB0]', ['devices']],
  [{ devices: ['/dev/serial/by-id/meter'] }, 'devices: [/dev/serial/by-id/meter]', []],
  [{ devices: ['/dev/**'] }, 'devices: [/dev/sda]', []],
  [{ 'device-rules': ['a *:* rwm'] }, "device_cgroup_rules: ['b 8:* r']", []],
  [{ 'device-rules': ['c 1:* r'] }, "device_cgroup_rules: ['c 1:3 rw']", ['device-rules']],
  [{ builds: false }, 'build: ./app', ['builds']],
  [{ images: ['nginx:*'] }, 'labels: {}', []],
  [{ images: ['nginx:1.*'] }, 'labels: {}', ['images']],
  [{ images: ['registry.example/line/**'] }, 'image: registry.example/line/a/b:2', []],
  [{ images: ['registry.example/line/**'] }, 'image: registry.example.evil/line/a:2', ['images']],
  [{ images: [`nginx@sha256:${'a'.repeat(64)}`] }, 'labels: {}', ['images']],
  [{ images: [`nginx@sha256:${'a'.repeat(64)}`] }, `image: "nginx@sha256:${'a'.repeat(64)}"`, []],
  [{ images: ['nginx'] }, 'volumes: [{ type: image, source: alpine, target: /a }]', ['images']],
  [{ images: ['nginx'] }, 'build: { context: ./app, tags: [alpine] }', ['builds', 'images']],
  [{ images: ['nginx', 'app'], builds: true }, 'image: app, build: { context: ./app }', []],
  [{ registries: ['docker.io'] }, 'labels: {}', []],
  [{ registries: ['*.example'] }, 'image: "registry.example:5000/a"', ['registries']],
  [{ registries: ['registry.example:*'] }, 'image: "registry.example:5000/a"', []],
  [{ registries: ['docker.io'] }, `image: "sha256:${'a'.repeat(64)}"`, ['registries']],
  [{ containers: ['proxy'] }, 'network_mode: "container:proxy"', []],
  [{ containers: ['proxy'] }, 'network_mode: "container:proxy2"', ['containers']],
]

for (const [lines, fields, rules] of owners) {
  test(`with ${JSON.stringify(lines)} ${fields} is ${rules.length === 0 ? 'allowed' : 'denied'}`, () => {
    const refusals = judge(web(fields), completePolicy(lines))
    assert.equal([...new Set(refusals.map(ruleOf))].sort(), rules)
  })
}

const held = (app: string, path: string, isWritable: boolean) => [{ app, path, isWritable }]
const besides: readonly (readonly [what: string, has: Premises['held'], bind: string, isDenied: boolean])[] = [
  ['below what another app may write', held('b', '/srv', true), '/srv/x', true],
  ['below what another app may write, by a link', held('b', '/srv', true), '/data/x', true],
  ['below what another app may only read', held('b', '/srv', false), '/srv/x', false],
  ['what another app has, too', held('b', '/srv', true), '/srv', false],
  ['beside what another app has', held('b', '/srv/a', true), '/srv/b', false],
  ['above what another app has', held('b', '/srv/x', false), '/srv', true],
  ['above what another app has, only for reading', held('b', '/srv/x', true), '/srv:/x:ro', false],
  ['below what the revision before may write', held('app', '/srv', true), '/srv/x', true],
  ['above what the revision before has', held('app', '/srv/x', true), '/srv', true],
]
for (const [what, has, bind, isDenied] of besides) {
  test(`a path ${what} is ${isDenied ? 'denied' : 'allowed'}`, () => {
    const real = (path: string) => path.replace(/^\/data/, '/srv')
    const project = projectOf(web(`volumes: ["${bind.includes(':') ? bind : `${bind}:/x`}"]`))
    const refusals = permit({ app: 'app', project, policy: defaultPolicy, premises: { ...premises, real, held: has } })
    assert.equal(refusals.map(ruleOf), isDenied ? ['nested-paths'] : [])
  })
}

test('every fault is named, and one fault tells of all of them', () => {
  const refusals = judge(`services:
  a: { image: x, privileged: true, pid: host, volumes: ["/etc:/e", "/:/r"] }
  b: { image: x, cap_add: [SYS_ADMIN, SYS_MODULE] }`)
  assert.equal(
    refusals.map(refusal => `${refusal.path} ${ruleOf(refusal)}`).sort(),
    [
      'services.a.pid host-namespaces',
      'services.a.privileged privileged',
      'services.a.volumes agent-data',
      'services.a.volumes agent-data',
      'services.a.volumes docker',
      'services.a.volumes nested-paths',
      'services.a.volumes paths',
      'services.a.volumes paths',
      'services.b.cap_add capabilities',
      'services.b.cap_add capabilities',
    ].sort(),
  )
  const joined = joinRefusals(refusals as [Refusal, ...Refusal[]])
  assert.ok(joined.message.length <= 1000)
  assert.match(joined.message, /; and \d more$/)
  assert.is(joinRefusals([refusals[0]!]).message, refusals[0]!.message)
})

test('a name that tries to break out of a log line stays on it', () => {
  const [refusal] = judge(web('volumes: ["/etc/a\\nb\\u001b[2J:/x"]'))
  assert.ok(refusal !== undefined && !/\p{Cc}/u.test(refusal.message + refusal.path))
})

test.run()
