// Applying by hand, against a real Docker Engine.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { applyOnce, planOnce, removeOnce } from '../../agent/standalone.js'
import { parseCompose } from '../../protocol/compose/parse.js'
import { unwrap } from '../../protocol/errors.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { freePort } from '../support/mosquitto.js'
import { eventually, within } from '../support/within.js'

const app = `skt-once-${process.pid}`
const engine = '/var/run/docker.sock'
const parsed = (text: string) => ({ project: unwrap(parseCompose(text)).project, folder: process.cwd() })
const apply = (text: string, extra = {}) => within(60_000, 'the apply', applyOnce({ engine, app, ...parsed(text), ...extra }))
const base = `image: ${testImage}, stop_signal: SIGKILL`
const refusal = async (promise: Promise<unknown>) => {
  try {
    await promise
  } catch (error) {
    const { code, path } = error as { code: string; path: string }
    return [code, path]
  }
  return undefined
}
const inspect = (id: string | undefined, format: string) => docker('inspect', '-f', `{{json ${format}}}`, id ?? '')

const once = suite('standalone')
once.before(() => void ensureTestImage())
once.after.each(() => clear(app))

once('everyday attributes arrive in the container', async () => {
  const port = await freePort()
  await apply(`
services:
  web:
    ${base.replaceAll(', ', '\n    ')}
    command: ["sleep", "1000"]
    environment: { A: "1" }
    ports: ["127.0.0.1:${port}:80"]
    volumes: ["data:/data"]
    networks: [front, back]
    restart: on-failure:3
    labels: { colour: blue }
    hostname: edge
    mem_limit: 64m
    cpus: 0.5
    tmpfs: /run
    healthcheck: { test: ["CMD", "true"], interval: 1s }
networks: { front: {}, back: { internal: true } }
volumes: { data: {} }
`)
  const { web } = containersOf(app)
  const info = JSON.parse(docker('inspect', web ?? ''))[0]
  assert.equal(info.Config.Cmd, ['sleep', '1000'])
  assert.ok(info.Config.Env.includes('A=1'))
  assert.equal(info.HostConfig.PortBindings['80/tcp'], [{ HostIp: '127.0.0.1', HostPort: String(port) }])
  assert.equal(info.HostConfig.Binds, [`${app}_data:/data`])
  assert.equal(Object.keys(info.NetworkSettings.Networks).sort(), [`${app}_back`, `${app}_front`])
  assert.equal(info.HostConfig.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 })
  assert.equal([info.Config.Labels.colour, info.Config.Hostname], ['blue', 'edge'])
  assert.equal([info.HostConfig.Memory, info.HostConfig.NanoCpus], [64 * 1024 * 1024, 500_000_000])
  assert.equal([info.Config.Healthcheck.Test, info.Config.Healthcheck.Interval], [['CMD', 'true'], 1_000_000_000])
  assert.is(info.Name, `/${app}-web-1`)
  assert.equal(
    ['project', 'service', 'container-number', 'oneoff'].map(label => info.Config.Labels[`com.docker.compose.${label}`]),
    [app, 'web', '1', 'False'],
  )
})

once('a second apply changes nothing, and plans nothing', async () => {
  const text = `services: { a: { ${base} }, b: { ${base}, network_mode: "service:a" } }`
  assert.is.not(await apply(text), 0)
  const before = containersOf(app)
  const started = inspect(before.a, '.State.StartedAt')
  assert.equal(await planOnce({ engine, app, ...parsed(text) }), [])
  assert.is(await apply(text), 0)
  assert.equal(containersOf(app), before)
  assert.is(inspect(before.a, '.State.StartedAt'), started)
})

once('what has ended is started again by a second apply, as it is', async () => {
  const text = `services: { job: { ${base}, command: ["true"] } }`
  await apply(text)
  const { job } = await eventually(
    5_000,
    'the job ends',
    () => inspect(containersOf(app).job, '.State.Status') === '"exited"' && containersOf(app),
  )
  const started = inspect(job, '.State.StartedAt')
  await apply(text)
  assert.is(containersOf(app).job, job)
  assert.is.not(inspect(job, '.State.StartedAt'), started)
})

once('only what changed is made anew, and what left the file goes', async () => {
  await apply(`services: { a: { ${base} }, b: { ${base} }, c: { ${base} } }`)
  const before = containersOf(app)
  await apply(`services: { a: { ${base} }, b: { ${base}, environment: { X: "1" } } }`)
  const after = containersOf(app)
  assert.equal(Object.keys(after), ['a', 'b'])
  assert.is(after.a, before.a)
  assert.is.not(after.b, before.b)
  assert.is(inspect(after.b, '.Name'), `"/${app}-b-1"`)
})

once('two services swap their ports', async () => {
  const [p, q] = [await freePort(), await freePort()]
  const text = (a: number, b: number) =>
    `services: { a: { ${base}, ports: ["127.0.0.1:${a}:80"] }, b: { ${base}, ports: ["127.0.0.1:${b}:80"] } }`
  await apply(text(p, q))
  await apply(text(q, p))
  assert.match(inspect(containersOf(app).a, '.HostConfig.PortBindings'), String(q))
})

once('dependencies are waited for: health, completion, order', async () => {
  await apply(`
services:
  app: { ${base}, depends_on: { db: { condition: service_healthy }, init: { condition: service_completed_successfully } } }
  db: { ${base}, healthcheck: { test: ["CMD", "test", "-f", "/data/ready"], interval: 1s }, volumes: ["data:/data"] }
  init: { ${base}, command: ["touch", "/data/ready"], volumes: ["data:/data"] }
volumes: { data: {} }
`)
  const { app: web, db, init } = containersOf(app)
  assert.is(inspect(db, '.State.Health.Status'), '"healthy"')
  assert.ok(inspect(init, '.State.FinishedAt') < inspect(web, '.State.StartedAt'))
})

once('a dependency that fails is named', async () => {
  const text = `services: { app: { ${base}, depends_on: { init: { condition: service_completed_successfully } } }, init: { ${base}, command: ["false"] } }`
  assert.equal(await refusal(apply(text)), ['dependency.failed', 'services.app.depends_on.init'])
})

once('with wait, a service that is never healthy is named', async () => {
  const text = `services: { web: { ${base}, healthcheck: { test: ["CMD", "false"], interval: 1s, retries: 1 } } }`
  assert.equal(await refusal(apply(text, { wait: true })), ['service.unhealthy', 'services.web.healthcheck'])
})

once('an image that cannot be had changes nothing', async () => {
  await apply(`services: { web: { ${base} } }`)
  const before = containersOf(app)
  assert.equal(await refusal(apply('services: { web: { image: "127.0.0.1:1/none:1" } }')), ['image.unavailable', 'services.web.image'])
  assert.equal(containersOf(app), before)
  assert.is(inspect(before.web, '.State.Running'), 'true')
})

once('a port and a name that others have are named', async () => {
  const port = await freePort()
  await apply(`services: { a: { ${base}, ports: ["127.0.0.1:${port}:80"] } }`)
  const other = { engine, app: `${app}-other` }
  try {
    const taken = applyOnce({ ...other, ...parsed(`services: { b: { ${base}, ports: ["127.0.0.1:${port}:80"] } }`) })
    assert.equal(await refusal(taken), ['port.in-use', 'services.b.ports'])
    const named = applyOnce({ ...other, ...parsed(`services: { b: { ${base}, container_name: ${app}-a-1 } }`) })
    assert.equal(await refusal(named), ['name.in-use', 'services.b.container_name'])
    const overlap = `services: { b: { ${base}, networks: [n] } }\nnetworks: { n: { ipam: { config: [{ subnet: ${subnetOf(app)} }] } } }`
    assert.equal((await refusal(applyOnce({ ...other, ...parsed(overlap) })))?.[0], 'network.overlap')
  } finally {
    clear(other.app)
  }
})

once('an Engine that is not there is told of', async () => {
  const there = mkdtempSync(join(tmpdir(), 'skerry-none-'))
  const text = `services: { web: { ${base} } }`
  assert.equal((await refusal(applyOnce({ engine: join(there, 'none.sock'), app, ...parsed(text) })))?.[0], 'engine.unavailable')
  assert.equal((await refusal(applyOnce({ engine: 'ftp://x', app, ...parsed(text) })))?.[0], 'config.invalid')
  rmSync(there, { recursive: true })
})

once('containers without our label are not touched', async () => {
  const foreign = docker(
    'run',
    '-d',
    '--network',
    'none',
    '--label',
    `com.docker.compose.project=${app}`,
    '--label',
    'com.docker.compose.service=old',
    testImage,
    'sleep',
    '1000',
  )
  try {
    await apply(`services: { web: { ${base} } }`)
    await removeOnce({ engine, app })
    assert.is(inspect(foreign, '.State.Running'), 'true')
  } finally {
    docker('rm', '-f', foreign)
  }
})

once('removing leaves the volumes, unless they are to go, too', async () => {
  const text = `services: { web: { ${base}, volumes: ["data:/data"] } }\nvolumes: { data: {} }`
  await apply(text)
  await removeOnce({ engine, app })
  assert.equal(containersOf(app), {})
  assert.is(docker('network', 'ls', '-q', '--filter', `label=io.skerry.app=${app}`), '')
  assert.is(docker('volume', 'ls', '-q', '--filter', `name=${app}_data`), `${app}_data`)
  await removeOnce({ engine, app, volumes: true })
  assert.is(docker('volume', 'ls', '-q', '--filter', `name=${app}_data`), '')
})

once('an app of an agent is not changed by hand; its removal tells whose it was', async () => {
  const text = `services: { web: { ${base} } }`
  const labels = { app, project: app, device: 'a1', service: 'web' }
  const names = {
    app: 'io.skerry.app',
    device: 'io.skerry.device',
    project: 'com.docker.compose.project',
    service: 'com.docker.compose.service',
  }
  const flags = Object.entries(labels).flatMap(([key, value]) => ['--label', `${names[key as keyof typeof names]}=${value}`])
  const kept = docker('run', '-d', ...flags, testImage, 'sleep', '1000')
  for (const act of [() => apply(text), () => planOnce({ engine, app, ...parsed(text) })]) {
    assert.equal((await refusal(act()))?.[0], 'name.in-use')
  }
  assert.is(inspect(kept, '.State.Running'), 'true')
  assert.is((await removeOnce({ engine, app })).device, 'a1')
  assert.equal(containersOf(app), {})
  assert.equal(await removeOnce({ engine, app }), { taken: 0, device: undefined })
})

once('a plan names every step and takes none', async () => {
  const text = `services: { web: { ${base}, depends_on: [db] }, db: { ${base} } }`
  const steps = await planOnce({ engine, app, ...parsed(text) })
  assert.equal(
    steps.map(step => ('service' in step ? `${step.kind} ${step.service}` : step.kind)),
    ['createNetwork', 'create db', 'create web', 'start db', 'start web'],
  )
  assert.equal(containersOf(app), {})
})

/** The subnet that an app's default network has been given. */
function subnetOf(app: string): string {
  return docker('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', `${app}_default`)
}

once('the version that the agent tells is that of its package', async () => {
  const { agentVersion } = await import('../../agent/version.js')
  assert.is(agentVersion, JSON.parse(readFileSync('package.json', 'utf8')).version)
})

once.run()
