// `skerry up`, and server and agent apart, as processes with a real Docker Engine.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openClient } from '../../cli/client.js'
import { type CliResult, runCli, startCli } from '../support/cli.js'
import { localToken } from '../support/credentials.js'
import { ensureBusyboxImage } from '../support/engine.js'
import { eventually } from '../support/within.js'

const test = suite('cli: up')
const folder = mkdtempSync(join(tmpdir(), 'skerry-up-'))
const app = `upt${process.pid}`
const ports = ['--mqtt-port', '0', '--http-port', '0']

const cli = (...args: string[]): Promise<CliResult> => runCli(args, { env: { HOME: folder }, limitMs: 60_000 })

function containers(project: string): string[] {
  const filter = `label=com.docker.compose.project=${project}`
  const { stdout } = spawnSync('docker', ['ps', '-q', '--no-trunc', '--filter', filter], { encoding: 'utf8' })
  return stdout.split('\n').filter(line => line !== '')
}

test.after(async () => {
  for (const project of [app, `${app}-b`]) await cli('agent', 'remove', '-p', project, '--volumes')
  rmSync(folder, { recursive: true, force: true })
})

test('everything comes up with an example, keeps it when stopped, and changes nothing the second time', async () => {
  const data = join(folder, 'all')
  const args = ['up', '--data', data, '--no-install', '--example', app, ...ports]
  const first = startCli(args, { HOME: folder })
  await first.until(/^Ctrl-C stops Skerry/m, 90_000)
  assert.match(first.out(), /^Device: +\S+ \([a-z0-9]+\) is Ready$/m)
  const [, appUrl = ''] = /^App: +\S+ is running, revision 1: (http:\S+)$/m.exec(first.out()) ?? []
  assert.match(await (await fetch(appUrl)).text(), /<h1>Hello from [^<{]+<\/h1>/)
  assert.match(first.err(), /: web created \(\S+\)|: web (starting|healthy)/)
  const [id] = containers(app)
  assert.type(id, 'string')

  const [, api = ''] = /^API: +(http:\S+)\/api\/v1$/m.exec(first.out()) ?? []
  const beside = await cli(...args)
  assert.equal([beside.code, beside.out.includes(`already runs here`), beside.out.includes(api)], [0, true, true])
  for (const [, line = ''] of first.out().matchAll(/^ {2}skerry (.*)$/gm)) {
    if (line.startsWith('watch')) continue
    const { code, err } = await cli(...line.split(' '))
    assert.is(code, 0, `${line}: ${err}`)
  }

  assert.is(await first.stop(), 0)
  assert.match(first.err(), `App ${app} keeps running at ${appUrl}; to remove it: skerry agent remove -p ${app}`)
  assert.equal(containers(app), [id])

  const second = startCli(args, { HOME: folder })
  await second.until(/^Ctrl-C stops Skerry/m, 90_000)
  assert.match(second.out(), `is running, revision 1: ${appUrl}`)
  assert.equal(containers(app), [id])
  assert.is(await second.stop('SIGTERM'), 0)

  const removed = await cli('agent', 'remove', '-p', app)
  assert.is(removed.code, 0, removed.err)
  assert.equal(containers(app), [])
})

test('an agent of its own follows its server, is missed at once, comes back the same, and ends when it is released', async () => {
  const server = startCli(['server', '--data', join(folder, 'server'), ...ports], { HOME: folder })
  await server.until(/^http:\S+/m)
  const [, mqttUrl = ''] = await server.until(/MQTT at (\S+)/)
  const client = openClient((await server.until(/^http:\S+/m))[0], { token: localToken(join(folder, 'server')) })
  const { command } = await client.request<{ command: string }>('POST', '/tokens', { body: {} })
  assert.match(command, `skerry agent join ${mqttUrl} skj.`)
  const agentArgs = ['--data', join(folder, 'agent'), '--name', 'press-9', '--interval', '5']
  const agent = startCli([...command.split(' ').slice(1), ...agentArgs], { HOME: folder })
  const [id] = await agent.until(/^[a-z0-9]+$/m)

  const here = async (wanted: string): Promise<string | undefined> => {
    const { out } = await cli('get', 'devices', '--data', join(folder, 'server'))
    return out.includes(`press-9  ${id}  ${wanted}`) ? out : undefined
  }
  await eventually(20_000, 'Ready', () => here('Ready'))
  const watch = startCli(['watch', '--data', join(folder, 'server')], { HOME: folder })
  await watch.until(/watching/)
  agent.child.kill('SIGKILL')
  await watch.until(/device\.not-ready/, 5000)
  assert.ok(await here('NotReady'))
  const again = startCli(['agent', ...agentArgs], { HOME: folder })
  assert.is((await again.until(/^[a-z0-9]+$/m))[0], id)
  await eventually(20_000, 'Ready again', () => here('Ready'))
  assert.match((await cli('describe', 'device', 'press-9', '--data', join(folder, 'server'))).out, 'every 5 s, lease 17 s')

  const released = await cli('delete', 'device', 'press-9', '--data', join(folder, 'server'))
  assert.is(released.code, 0, released.err)
  await again.until(/released from its fleet; its apps were left as they are/)
  assert.is(await again.end(), 0)
  await watch.stop()
  assert.is(await server.stop(), 0)
})

test('an app is planned, applied and removed on this machine with no manager', async () => {
  await ensureBusyboxImage('busybox:local')
  const project = `${app}-b`
  const input = 'services:\n  web:\n    image: busybox:local\n    command: [sleep, "600"]\n    stop_grace_period: 0s\n'
  const here = (...args: string[]): Promise<CliResult> => runCli(['agent', ...args, '-p', project], { env: { HOME: folder }, input })
  const plan = await here('plan', '-f', '-')
  assert.is(plan.code, 0, plan.err)
  assert.match(plan.out, /create[\s\S]*start/)
  assert.equal(containers(project), [])
  const applied = await here('apply', '-f', '-')
  assert.is(applied.code, 0, applied.err)
  const [id] = containers(project)
  assert.type(id, 'string')
  assert.equal(await here('plan', '-f', '-'), { code: 0, out: '', err: 'nothing to do\n' })
  assert.is((await here('apply', '-f', '-')).code, 0)
  assert.equal(containers(project), [id])
  assert.is((await here('remove', '--volumes')).code, 0)
  assert.equal(containers(project), [])
  const bad = await runCli(['agent', 'apply', '-f', '-', '-p', project], { env: { HOME: folder }, input: 'services: {}\nx' })
  assert.is(bad.code, 4)
})

test('an engine that does not answer is named, with what to do', async () => {
  const { code, err } = await cli('up', '--data', join(folder, 'none'), '--engine', join(folder, 'no.sock'), ...ports)
  assert.is(code, 1)
  assert.match(err, /^error: no Docker Engine is there: .*no\.sock does not answer \(engine\.unavailable\)\n {2}run: docker info/)
})

test.run()
