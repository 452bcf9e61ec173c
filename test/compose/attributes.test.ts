// Attributes of services as the Engine shows them afterwards, one table.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { base, type Inspected, Site } from './support.js'

const site = new Site('attr')
const attributes = suite('attributes')
attributes.after.each(() => site.clear())
attributes.after(() => site.close())

const host = (field: string) => (seen: Inspected) => seen.HostConfig[field]
const config = (field: string) => (seen: Inspected) => seen.Config[field]

/** A line of the service, what to look at, and what it should be. */
const table: readonly [string, (seen: Inspected) => unknown, unknown][] = [
  ['ulimits: { nofile: { soft: 100, hard: 200 } }', host('Ulimits'), [{ Name: 'nofile', Soft: 100, Hard: 200 }]],
  ['shm_size: 32m', host('ShmSize'), 32 * 1024 * 1024],
  ['dns_search: [a.example]', host('DnsSearch'), ['a.example']],
  ['dns_opt: ["ndots:2"]', host('DnsOptions'), ['ndots:2']],
  ['domainname: d.example', config('Domainname'), 'd.example'],
  ['mac_address: "02:42:ac:11:65:43"', config('MacAddress'), '02:42:ac:11:65:43'],
  ['group_add: ["44"]', host('GroupAdd'), ['44']],
  ['ipc: shareable', host('IpcMode'), 'shareable'],
  ['pid: host', host('PidMode'), 'host'],
  ['uts: host', host('UTSMode'), 'host'],
  ['cgroup: private', host('CgroupnsMode'), 'private'],
  ['userns_mode: host', host('UsernsMode'), 'host'],
  ['cpu_quota: 50000', host('CpuQuota'), 50_000],
  ['oom_score_adj: 500', host('OomScoreAdj'), 500],
  ['device_cgroup_rules: ["c 1:3 mr"]', host('DeviceCgroupRules'), ['c 1:3 mr']],
  ['volumes: ["/data"]', seen => seen.Mounts.length, 1],
  ['stop_grace_period: 3s', config('StopTimeout'), 3],
  [
    'environment: { PATH: null }, command: [/bin/sleep, "100"]',
    seen => (seen.Config.Env as string[]).some(line => line.startsWith('PATH=')),
    false,
  ],
  ['logging: { driver: json-file, options: { max-size: 1m } }', host('LogConfig'), { Type: 'json-file', Config: { 'max-size': '1m' } }],
  [
    'volumes: [{ type: tmpfs, target: /t, tmpfs: { size: 1m } }]',
    seen => (seen.HostConfig.Mounts as { TmpfsOptions: object }[])[0]?.TmpfsOptions,
    { SizeBytes: 1024 * 1024 },
  ],
]
for (const [line, look, expected] of table) {
  attributes(line, async () => {
    await site.apply(`services: { web: { ${base}, ${line} } }`)
    const seen = site.containers()['web-1']
    assert.ok(seen)
    assert.equal(look(seen), expected)
  })
}

attributes('networks are joined in order of priority', async () => {
  const networks = 'networks: { a: {}, b: { priority: 10, aliases: [x] }, c: { priority: 5 } }'
  await site.apply(`services: { web: { ${base}, ${networks} } }\nnetworks: { a: {}, b: {}, c: {} }`)
  const seen = site.containers()['web-1']
  assert.is(seen?.HostConfig.NetworkMode, `${site.app}_b`)
  assert.equal(
    Object.keys(seen?.NetworkSettings.Networks ?? {}).sort(),
    ['a', 'b', 'c'].map(key => `${site.app}_${key}`),
  )
})

attributes('links, namespaces and volumes of another service', async () => {
  await site.apply(`
services:
  db: { ${base}, volumes: ["/d"], ipc: shareable }
  web: { ${base}, links: ["db:database"], ipc: "service:db", pid: "service:db", volumes_from: ["db:ro"] }
  side: { ${base}, network_mode: "service:db" }
`)
  const { 'db-1': db, 'web-1': web, 'side-1': side } = site.containers()
  const shared = `container:${db?.Id}`
  assert.equal([web?.HostConfig.IpcMode, web?.HostConfig.PidMode, side?.HostConfig.NetworkMode], [shared, shared, shared])
  assert.equal(web?.HostConfig.VolumesFrom, [`${db?.Id}:ro`])
  assert.equal(web?.NetworkSettings.Networks[`${site.app}_default`]?.Links, [`${site.app}-db-1:database`])
})

attributes('configs and secrets: files are mounted, contents are put in before the start', async () => {
  site.write('secret.txt', 'hush')
  const text = `
services:
  web:
    image: ${base.slice('image: '.length, base.indexOf(','))}
    stop_signal: SIGKILL
    configs: [{ source: inline, target: /etc/deep/app.conf, mode: 0440, uid: "7", gid: "8" }]
    secrets: [file, env]
configs: { inline: { content: "who=\${WHO}" } }
secrets: { file: { file: ./secret.txt }, env: { environment: TOKEN } }
`
  await site.apply(text, { WHO: 'plant', TOKEN: 'abc' })
  assert.is(site.run('web-1', 'cat', '/etc/deep/app.conf', '/run/secrets/file', '/run/secrets/env'), 'who=planthushabc')
  assert.match(site.run('web-1', 'ls', '-ln', '/etc/deep/app.conf'), /^-r--r----- +1 7 +8 /)
})

attributes('contents cannot be put into a read-only container: refused by name, nothing made', async () => {
  const text = `services: { web: { ${base}, read_only: true, configs: [c] } }\nconfigs: { c: { content: x } }`
  const refusal = await site.apply(text).catch(error => error.refusal)
  assert.equal([refusal.code, refusal.path], ['compose.unsupported', 'services.web.read_only'])
  assert.equal(site.containers(), {})
})

const tooNew: readonly [string, string][] = [
  ['annotations: { a: b }', 'services.web.annotations'],
  ['healthcheck: { test: "true", start_interval: 1s }', 'services.web.healthcheck.start_interval'],
  ['networks: { default: { gw_priority: 1 } }', 'services.web.networks.default.gw_priority'],
  ['volumes: [{ type: volume, source: v, target: /v, volume: { subpath: x } }]', 'services.web.volumes[0].volume.subpath'],
]
for (const [line, path] of tooNew) {
  attributes(`an Engine that is too old for ${path} is told, and nothing is made`, async () => {
    const refusal = await site.apply(`services: { web: { ${base}, ${line} } }\nvolumes: { v: {} }`).catch(error => error.refusal)
    assert.equal([refusal.code, refusal.path], ['engine.too-old', path])
    assert.equal(site.containers(), {})
  })
}

attributes.run()
