// Attributes of services in forms that mean the same, for tests that mix them.
import fc from 'fast-check'

/** By attribute: values, each as all the ways to write it. */
type Forms = Readonly<Record<string, readonly (readonly unknown[])[]>>

const single: Forms = {
  command: [['sh -c "a b; c"', ['sh', '-c', 'a b; c']], ['', []], [['a$$b']]],
  entrypoint: [['run me', ['run', 'me']]],
  environment: [
    [{ A: 1, B: 'x=y', C: true }, ['B=x=y', 'A=1', 'C=true']],
    [['NOPE'], { NOPE: null }],
    [{}, []],
  ],
  labels: [[{ 'a.b': '', c: 2 }, ['c=2', 'a.b', 'c=2']], [{ p: '$${V}' }]],
  annotations: [
    [{ a: 1 }, ['a=1']],
    [{}, []],
  ],
  sysctls: [[{ 'net.core.somaxconn': 1 }, ['net.core.somaxconn=1']]],
  ports: [
    [['127.0.0.1:4000-4001:90-91/udp'], [{ target: 91, published: 4001, host_ip: '127.0.0.1', protocol: 'udp' }, '127.0.0.1:4000:90/udp']],
    [
      [8080, '[::1]::81'],
      [{ target: 81, host_ip: '::1', protocol: 'tcp' }, '8080/tcp'],
    ],
    [['8000-8009:80'], [{ target: '80', published: '8000-8009' }]],
  ],
  expose: [
    [
      [10, '11/udp', '12-13'],
      ['13', '12/tcp', '11/udp', 10],
    ],
  ],
  volumes: [
    [
      ['/a:/b:ro,z', 'v:/v', '/anon'],
      [{ type: 'volume', target: '/anon/' }, { type: 'volume', source: 'v', target: '/v', read_only: false }, '/a/:/b/:z,ro'],
    ],
    [[{ type: 'bind', source: '/a', target: '/b', bind: { create_host_path: false, propagation: 'rslave' } }]],
    [['./d/../c:/c'], [{ type: 'bind', source: 'c', target: '/c', bind: { create_host_path: true } }]],
    [[{ type: 'volume', source: 'v', target: '/v', volume: { nocopy: true, subpath: 's', labels: ['a=b'] } }]],
    [
      [{ type: 'tmpfs', target: '/t', tmpfs: { size: '1m', mode: 448 } }],
      [{ type: 'tmpfs', target: '/t', tmpfs: { size: 1048576, mode: '0700' } }],
    ],
    [[{ type: 'image', source: 'i:1', target: '/i', image: { subpath: 's' } }]],
    [['v:/v:Z']],
  ],
  tmpfs: [['/run:size=1m,mode=1777', ['/run/:mode=1777,size=1m']]],
  configs: [
    [['c'], [{ source: 'c', target: '/c' }]],
    [[{ source: 'c', target: 'x', mode: 288, uid: 5 }], [{ source: 'c', target: '/x', mode: '0440', uid: '5' }]],
  ],
  secrets: [[['s'], [{ source: 's', target: 's' }], [{ source: 's', target: '/run/secrets/s' }]]],
  restart: [['always'], ['no'], ['on-failure:3'], ['on-failure', 'on-failure:0']],
  depends_on: [
    [['other'], { other: { condition: 'service_started', restart: false } }],
    [{ other: { condition: 'service_healthy', restart: true, required: false } }],
  ],
  links: [[['other'], ['other:other']], [['other:x']]],
  volumes_from: [
    [
      ['other:ro', 'container:z'],
      ['other:ro', 'container:z:rw'],
    ],
  ],
  external_links: [
    [
      ['x', 'y:z'],
      ['y:z', 'x:x'],
    ],
  ],
  healthcheck: [
    [
      { test: 'a b', interval: '90s', retries: '3' },
      { test: ['CMD-SHELL', 'a b'], interval: '1m30s', retries: 3, timeout: '0s' },
    ],
    [{ disable: true }, { test: ['NONE'] }],
    [
      { start_period: '1.5s', start_interval: '500ms' },
      { start_period: '1s500ms', start_interval: '0.5s', disable: false },
    ],
  ],
  networks: [
    [['n', 'default'], { n: null, default: {} }],
    [
      { n: { aliases: ['b', 'a', 'b'], priority: 5, driver_opts: { a: 1 } } },
      { n: { aliases: ['a', 'b'], priority: 5, driver_opts: ['a=1'], gw_priority: 0 } },
    ],
  ],
  network_mode: [['host'], ['bridge', 'default'], ['service:other'], ['container:z']],
  extra_hosts: [[{ a: '10.0.0.1', b: ['::1'] }, ['b:[::1]', 'a=10.0.0.1']]],
  dns: [['9.9.9.9', ['9.9.9.9']], [['9.9.9.9', '1.1.1.1']]],
  dns_search: [['a', ['a']]],
  dns_opt: [[['use-vc']], [[]]],
  devices: [
    [
      ['/dev/a', 'v.com/x=1'],
      ['v.com/x=1', { source: '/dev/a', target: '/dev/a', permissions: 'mwr' }],
    ],
  ],
  gpus: [
    ['all', [{ count: 'all' }], [{ count: -1, capabilities: ['gpu'] }]],
    [[{ device_ids: ['b', 'a'] }], [{ device_ids: ['a', 'b'], options: [] }]],
  ],
  ulimits: [
    [
      { nofile: 5, core: -1 },
      { core: { soft: -1, hard: '-1' }, nofile: { soft: 5, hard: 5 } },
    ],
  ],
  group_add: [
    [
      [5, 'a'],
      ['a', '5', 5],
    ],
  ],
  blkio_config: [
    [
      { weight: 20, device_read_bps: [{ path: '/a', rate: '1k' }] },
      { weight: '20', device_read_bps: [{ path: '/a', rate: 1024 }] },
    ],
  ],
  cap_add: [
    [
      ['B', 'A'],
      ['A', 'B', 'A'],
    ],
  ],
  security_opt: [
    [
      ['b', 'a:c'],
      ['a:c', 'b'],
    ],
    [['seccomp=s.json'], ['seccomp:./s.json']],
  ],
  storage_opt: [[{ size: '1G' }]],
  logging: [
    [
      { driver: 'json-file', options: { 'max-file': 3 } },
      { driver: 'json-file', options: { 'max-file': '3' } },
    ],
  ],
  post_start: [[[{ command: 'a b' }], [{ command: ['a', 'b'], privileged: false, environment: [] }]]],
  pre_stop: [
    [
      [{ command: ['a'], user: 'u', working_dir: '/w', environment: ['A=1'] }],
      [{ command: 'a', user: 'u', working_dir: '/w', environment: { A: 1 } }],
    ],
  ],
  shm_size: [['1m', 1048576, '1024 kb'], [0]],
  stop_grace_period: [['1m30s', '90s', '1.5m']],
  pull_policy: [['missing', 'if_not_present'], ['daily', 'every_24h', 'every_1d'], ['never']],
  cpu_period: [['50ms', 50000, '50000']],
  cpu_rt_runtime: [['400us', 400]],
  memswap_limit: [[-1, '-1']],
  mem_swappiness: [[0, '0'], [-1]],
  oom_score_adj: [[5, '5'], [0]],
  oom_kill_disable: [[true, 'yes'], [false]],
  init: [
    [true, 'true'],
    [false, 'off'],
  ],
  tty: [[true, 'on'], [false]],
  ipc: [['shareable'], ['service:other']],
  pid: [['host'], ['service:other']],
  uts: [['host']],
  cgroup: [['private']],
  userns_mode: [['host']],
  mac_address: [['02:42:AC:11:00:02', '02-42-ac-11-00-02']],
  platform: [['linux/arm64']],
  domainname: [['d']],
  user: [['1000:1000']],
  working_dir: [['/w']],
  device_cgroup_rules: [[['c 1:3 mr']]],
  build: [
    ['app', './app/', { context: 'app', dockerfile: 'Dockerfile' }],
    [
      { context: 'app', args: ['A=1'], platforms: ['linux/arm64'], shm_size: '1k' },
      { context: './app', args: { A: 1 }, platforms: ['linux/arm64'], shm_size: 1024 },
    ],
  ],
}

/** Several attributes at once, where one thing may be said by either. */
const joint: readonly (readonly Readonly<Record<string, unknown>>[])[] = [
  [{ scale: 3 }, { deploy: { replicas: 3 } }, { scale: '3', deploy: { replicas: 3, mode: 'replicated' } }],
  [{ scale: 1 }, {}],
  [{ mem_limit: '64m', cpus: 0.5, pids_limit: 9 }, { deploy: { resources: { limits: { memory: '65536k', cpus: '.50', pids: 9 } } } }],
  [{ restart: 'always' }, { deploy: { restart_policy: { condition: 'any' } } }],
  [{ pull_policy: 'refresh', pull_refresh_after: '12h' }, { pull_policy: 'every_12h' }],
  [{ gpus: 'all' }, { deploy: { resources: { reservations: { devices: [{ capabilities: ['gpu'] }] } } } }],
]

type Attributes = Readonly<Record<string, unknown>>

const groups: readonly (readonly Attributes[])[] = [
  ...Object.entries(single).flatMap(([name, values]) => values.map(forms => forms.map(form => ({ [name]: form })))),
  ...joint,
]

const section = {
  networks: {
    n: { ipam: { config: [{ subnet: '10.0.0.0/8', aux_addresses: { x: '10.0.0.9' } }] }, labels: ['a=1'] },
    e: { external: true },
  },
  volumes: { v: { driver_opts: { a: 1 } }, e: { external: { name: 'x' } } },
  configs: { c: { content: 'text $$' } },
  secrets: { s: { file: 'pw.txt' } },
}

/** Files that the forms name. */
export const formFiles = { 'pw.txt': 'p', 's.json': '{ "a": "$b" }', 'app/Dockerfile': 'FROM x' }

/** Two compose files of one meaning. Some are refused: not all attributes go together. */
export const twins: fc.Arbitrary<readonly [one: string, other: string]> = fc
  .array(
    fc.integer({ min: 0, max: groups.length - 1 }).chain(at => {
      const form = fc.constantFrom(...(groups[at] ?? [{}]))
      return fc.tuple(fc.constant(at), form, form)
    }),
    { maxLength: 8 },
  )
  .chain(picks => fc.tuple(fc.constant(picks), fc.shuffledSubarray(picks, { minLength: picks.length })))
  .map(([picks, shuffled]) => {
    const chosen = withoutRivals(picks)
    const first = Object.assign({ image: 'i' }, ...chosen.map(([, one]) => one))
    const second = Object.assign({}, ...shuffled.filter(pick => chosen.includes(pick)).map(([, , other]) => other), { image: 'i' })
    return [fileOf(first), fileOf(second)] as const
  })

type Pick = readonly [at: number, one: Attributes, other: Attributes]

/** One group an attribute: of two the later would win. */
function withoutRivals(picks: readonly Pick[]): readonly Pick[] {
  const taken = new Set<string>()
  return picks.filter(([at]) => {
    const names = new Set((groups[at] ?? []).flatMap(form => Object.keys(form)))
    const isFree = [...names].every(name => !taken.has(name))
    if (isFree) for (const name of names) taken.add(name)
    return isFree
  })
}

function fileOf(web: Attributes): string {
  return JSON.stringify({ services: { web, other: { image: 'o', healthcheck: { test: 'true' } } }, ...section })
}
