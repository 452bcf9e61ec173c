// The attributes that few services have: each written form beside its canonical one.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Service } from '../../protocol/compose/project.js'
import { bareService, fileWith, projectOf, serviceWith, warningsOf } from '../support/compose.js'

const gpu = { count: -1, deviceIds: [], capabilities: ['gpu'], options: {} }
const dayMs = 86_400_000

const forms: readonly (readonly [attribute: string, canonical: Partial<Service>])[] = [
  ['{hostname: "", user: "", working_dir: "", restart: "", network_mode: "", platform: "", pull_policy: "", container_name: ""}', {}],
  ['pull_policy: always', { pullPolicy: 'always' }],
  ['pull_policy: if_not_present', {}],
  ['pull_policy: missing', {}],
  ['pull_policy: daily', { pullPolicy: dayMs }],
  ['pull_policy: weekly', { pullPolicy: 7 * dayMs }],
  ['pull_policy: every_1d12h', { pullPolicy: 1.5 * dayMs }],
  ['{pull_policy: refresh, pull_refresh_after: 12h}', { pullPolicy: dayMs / 2 }],
  ['platform: linux/arm/v7', { platform: 'linux/arm/v7' }],
  ['scale: 1', {}],
  ['scale: "3"', { scale: 3 }],
  ['deploy: {replicas: 0}', { scale: 0 }],
  ['{scale: 2, deploy: {replicas: 2, mode: replicated}}', { scale: 2 }],
  ['deploy: {restart_policy: {condition: none}}', { restart: { policy: 'no' } }],
  ['deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}', { restart: { policy: 'on-failure', maxRetries: 3 } }],
  ['deploy: {restart_policy: {condition: any}}', { restart: { policy: 'always' } }],
  ['deploy: {restart_policy: {}}', { restart: { policy: 'always' } }],
  ['ports: ["8000-9000:80"]', { ports: [{ hostIp: '', published: 8000, publishedTo: 9000, target: 80, protocol: 'tcp' }] }],
  [
    'ports: [{target: "80", published: 81-82, protocol: udp}]',
    {
      ports: [{ hostIp: '', published: 81, publishedTo: 82, target: 80, protocol: 'udp' }],
    },
  ],
  ['ports: ["80-80:80"]', { ports: [{ hostIp: '', published: 80, target: 80, protocol: 'tcp' }] }],
  ['network_mode: container:other', { networkMode: 'container:other', networks: {} }],
  ['network_mode: default', { networkMode: 'bridge', networks: {} }],
  ['external_links: [db, cache:redis]', { externalLinks: ['cache:redis', 'db:db'] }],
  ['external_links: []', {}],
  ['mac_address: 02-42-AC-11-00-02', { macAddress: '02:42:ac:11:00:02' }],
  [
    '{ipc: shareable, pid: host, uts: host, userns_mode: host, cgroup: private, cgroup_parent: m-x, runtime: runc, isolation: default}',
    {
      ipc: 'shareable',
      pid: 'host',
      uts: 'host',
      usernsMode: 'host',
      cgroup: 'private',
      cgroupParent: 'm-x',
      runtime: 'runc',
      isolation: 'default',
    },
  ],
  ['{ipc: container:x, pid: container:y}', { ipc: 'container:x', pid: 'container:y' }],
  [
    'volumes_from: [container:x:ro, container:x:ro, container:y]',
    {
      volumesFrom: [
        { container: 'x', readOnly: true },
        { container: 'y', readOnly: false },
      ],
    },
  ],
  [
    '{domainname: plant.local, group_add: [44, 20, "44"], shm_size: 1m, stop_grace_period: 1h0.5s}',
    {
      domainname: 'plant.local',
      groupAdd: ['20', '44'],
      shmSizeBytes: 1_048_576,
      stopGraceMs: 3_600_500,
    },
  ],
  ['{dns_search: a.example, dns_opt: [ndots:2, use-vc]}', { dnsSearch: ['a.example'], dnsOptions: ['ndots:2', 'use-vc'] }],
  ['{dns_search: [b, a], dns_opt: []}', { dnsSearch: ['b', 'a'] }],
  ['extra_hosts: {a: [10.0.0.2, 10.0.0.1], gw: host-gateway}', { extraHosts: ['a:10.0.0.1', 'a:10.0.0.2', 'gw:host-gateway'] }],
  [
    'ulimits: {nproc: 65535, nofile: {soft: "20000", hard: 40000}, core: -1}',
    {
      ulimits: { core: { soft: -1, hard: -1 }, nofile: { soft: 20_000, hard: 40_000 }, nproc: { soft: 65_535, hard: 65_535 } },
    },
  ],
  [
    'devices: ["/dev/a:mr", {source: /dev/b, target: /dev/c, permissions: r}, {source: /dev/d}]',
    {
      devices: ['/dev/a:/dev/a:rm', '/dev/b:/dev/c:r', '/dev/d:/dev/d:rwm'],
    },
  ],
  [
    'devices: [vendor.com/gpu=1, /dev/a, vendor.com/gpu=0]',
    {
      devices: ['/dev/a:/dev/a:rwm'],
      deviceRequests: [{ driver: 'cdi', deviceIds: ['vendor.com/gpu=0', 'vendor.com/gpu=1'], capabilities: [], options: {} }],
    },
  ],
  ['gpus: all', { deviceRequests: [gpu] }],
  [
    'gpus: [{driver: nvidia, device_ids: ["1", "0"], capabilities: [utility], options: {a: 1}}]',
    {
      deviceRequests: [{ driver: 'nvidia', deviceIds: ['0', '1'], capabilities: ['gpu', 'utility'], options: { a: '1' } }],
    },
  ],
  [
    'deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 2}, {capabilities: [gpu]}]}}}',
    {
      deviceRequests: [gpu, { ...gpu, count: 2 }],
    },
  ],
  ["device_cgroup_rules: ['c 1:3 mr', 'a 7:* rmw']", { deviceCgroupRules: ['a 7:* rmw', 'c 1:3 mr'] }],
  ['storage_opt: {size: 1G}', { storageOptions: { size: '1G' } }],
  ['annotations: [a=1, b]', { annotations: { a: '1', b: '' } }],
  ['annotations: {}', {}],
  ['security_opt: [systempaths=unconfined, seccomp:unconfined]', { securityOpt: ['seccomp:unconfined', 'systempaths=unconfined'] }],
  ['healthcheck: {test: "true", start_interval: 2s}', { healthcheck: { test: ['CMD-SHELL', 'true'], startIntervalMs: 2000 } }],
  [
    'post_start: [{command: ./up.sh now, user: root, privileged: true, working_dir: /w, environment: [A=1]}]',
    {
      postStart: [{ command: ['./up.sh', 'now'], user: 'root', privileged: true, workingDir: '/w', environment: { A: '1' } }],
    },
  ],
  [
    'pre_stop: [{command: [a]}, {command: b}]',
    {
      preStop: [
        { command: ['a'], environment: {} },
        { command: ['b'], environment: {} },
      ],
    },
  ],
  [
    '{mem_limit: 1g, mem_swappiness: 0, oom_kill_disable: true, oom_score_adj: -500}',
    {
      resources: { memoryBytes: 2 ** 30, memorySwappiness: 0, oomKillDisable: true, oomScoreAdj: -500 },
    },
  ],
  ['{memswap_limit: -1, oom_kill_disable: false, oom_score_adj: 0, mem_swappiness: -1}', { resources: { memorySwapBytes: -1 } }],
  [
    '{cpu_quota: 50000, cpu_period: 100ms, cpu_rt_runtime: 400us, cpu_rt_period: "1400", cpu_count: 2, cpu_percent: 50}',
    {
      resources: {
        cpuQuotaUs: 50_000,
        cpuPeriodUs: 100_000,
        cpuRealtimeRuntimeUs: 400,
        cpuRealtimePeriodUs: 1400,
        cpuCount: 2,
        cpuPercent: 50,
      },
    },
  ],
  [
    'blkio_config: {weight: 300, weight_device: [{path: /dev/b, weight: 400}, {path: /dev/a, weight: 10}], device_read_bps: [{path: /dev/a, rate: 12mb}], device_write_bps: [{path: /dev/a, rate: 1024}], device_read_iops: [{path: /dev/a, rate: 120}], device_write_iops: [{path: /dev/a, rate: "30"}]}',
    {
      resources: {
        blkio: {
          weight: 300,
          weightDevice: { '/dev/a': 10, '/dev/b': 400 },
          readBytes: { '/dev/a': 12_582_912 },
          writeBytes: { '/dev/a': 1024 },
          readOperations: { '/dev/a': 120 },
          writeOperations: { '/dev/a': 30 },
        },
      },
    },
  ],
  ['blkio_config: {weight: 0}', {}],
  [
    'networks: {default: {priority: 10, gw_priority: 1, mac_address: "02:42:AC:11:00:02", link_local_ips: [fe80::1], driver_opts: {a: 1}, interface_name: eth7}}',
    {
      networks: {
        default: {
          aliases: [],
          priority: 10,
          gatewayPriority: 1,
          macAddress: '02:42:ac:11:00:02',
          linkLocal: ['fe80::1'],
          driverOpts: { a: '1' },
          interfaceName: 'eth7',
        },
      },
    },
  ],
  ['networks: {default: {priority: 0, gw_priority: 0, link_local_ips: [], driver_opts: {}}}', {}],
]

const attributes = suite('a rare attribute')

/** Several attributes of one line stand in braces. */
const asLines = (text: string) => (text.startsWith('{') ? `<<: ${text}` : text)

for (const [attribute, canonical] of forms) {
  attributes(`${attribute} has its canonical form`, () => {
    assert.equal(serviceWith(asLines(attribute)), { ...bareService, ...canonical })
  })
}

attributes('restart of deploy stands above the own one, with a warning where they differ', () => {
  const both = '<<: {restart: unless-stopped, deploy: {restart_policy: {condition: any}}}'
  assert.equal(serviceWith(both).restart, { policy: 'always' })
  assert.equal(warningsOf(fileWith(both)), [['compose.inconsistent', 'services.web.deploy.restart_policy']])
  assert.equal(warningsOf(fileWith('<<: {restart: always, deploy: {restart_policy: {condition: any}}}')), [])
})

attributes('what links, shared namespaces and volumes_from need is a dependency', () => {
  const others = '  a: {image: i}\n  b: {image: i}\n  c: {image: i}\n  d: {image: i}\n'
  const service = serviceWith(
    '<<: {links: ["a:x", a], volumes_from: ["b:ro"], ipc: "service:c", depends_on: {a: {condition: service_healthy}}}',
    others,
  )
  assert.equal(service.links, [
    { service: 'a', alias: 'a' },
    { service: 'a', alias: 'x' },
  ])
  assert.equal(service.volumesFrom, [{ service: 'b', readOnly: true }])
  assert.equal(service.dependsOn, {
    a: { condition: 'healthy', required: true },
    b: { condition: 'started', required: true },
    c: { condition: 'started', required: true, restart: true },
  })
  const asked = '{depends_on: {d: {condition: service_started, restart: true}}}'
  assert.equal(serviceWith(`<<: ${asked}`, others).dependsOn, { d: { condition: 'started', required: true, restart: true } })
})

attributes.run()

const sections = suite('a network or volume')

sections('keeps addresses, drivers and options', () => {
  const { networks, volumes } = projectOf(`
services: {a: {image: i, networks: [n], volumes: ["v:/v"]}}
networks: {n: {enable_ipv4: false, enable_ipv6: true, ipam: {driver: dhcp, options: {a: 1}, config: [{subnet: 10.0.0.0/24, aux_addresses: {plc: 10.0.0.5}}]}}}
volumes: {v: {driver: nfs, driver_opts: {share: 1}}}`)
  assert.equal(networks.n, {
    driverOpts: {},
    labels: {},
    enableIpv4: false,
    enableIpv6: true,
    ipamDriver: 'dhcp',
    ipamOptions: { a: '1' },
    subnets: [{ subnet: '10.0.0.0/24', auxAddresses: { plc: '10.0.0.5' } }],
  })
  assert.equal(volumes.v, { driver: 'nfs', driverOpts: { share: '1' }, labels: {} })
})

sections('with its defaults written out is as one without', () => {
  const written = projectOf(
    'services: {a: {image: i}}\nnetworks: {default: {driver: bridge, enable_ipv4: true, internal: no, ipam: {driver: default, options: {}, config: []}}}',
  )
  assert.equal(written, projectOf('services: {a: {image: i}}'))
})

sections.run()
