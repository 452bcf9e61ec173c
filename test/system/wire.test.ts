// time limit: 180 s
// The wire as topics.md tells it, seen with mosquitto's own clients and nothing of ours.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { heartbeatCodec } from '../../protocol/messages/heartbeat.js'
import { manifestCodec } from '../../protocol/messages/manifest.js'
import { statusCodec } from '../../protocol/messages/status.js'
import { digestText, openSpec } from '../../protocol/spec.js'
import { ensureTestImage } from '../support/busybox.js'
import { type Device, type Fleet, withFleet } from '../support/fleet.js'
import { startMosquitto } from '../support/mosquitto.js'
import { run } from '../support/process.js'
import { contentsOf } from '../support/signing.js'

const compose = `services:
  main:
    image: ${ensureTestImage()}
    command: sleep 100000
    stop_grace_period: 0s
    network_mode: none
`

/** A subscriber that prints `topic retain hex` lines. */
const subscribe = (login: readonly string[], ...topics: string[]) =>
  run('mosquitto_sub', [...login, ...topics.flatMap(topic => ['-t', topic]), '-F', '%t %r %x'])
const bytesOf = (match: RegExpMatchArray) => Buffer.from(match.at(-1) ?? '', 'hex')

/** What lets mosquitto's clients in as this device: its certificate, and TLS as its fleet has it. */
function loginOf(device: Device, port: number, id: string, folder: string): string[] {
  const { ca, certificate } = JSON.parse(readFileSync(join(device.folder, 'agent', 'membership.json'), 'utf8'))
  const files = { ca: join(folder, 'ca.crt'), cert: join(folder, 'device.crt'), key: join(device.folder, 'agent', 'device.key') }
  writeFileSync(files.ca, ca)
  writeFileSync(files.cert, certificate)
  return ['-p', String(port), '-i', `dev-${id}`, '--cafile', files.ca, '--cert', files.cert, '--key', files.key]
}

test('mosquitto_sub alone shows birth, heartbeat and will to a user, and the desired state to the device', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-wire-'))
  const test = async (fleet: Fleet): Promise<void> => {
    const login = await fleet.server.admit('watcher', 'viewer')
    const watcher = subscribe(login, 'skerry/device/+/status', 'skerry/h/+')
    const agent = fleet.device('seen')
    agent.start(fleet.server)
    const { id } = await fleet.shown('seen', 'Ready', device => device.state === 'Ready')

    const birth = statusCodec.decode(bytesOf(await watcher.line(new RegExp(`^skerry/device/${id}/status 0 (\\w+)$`))))
    assert.ok(birth.ok && birth.value.online && birth.value.facts?.name === 'seen')
    const beat = heartbeatCodec.decode(bytesOf(await watcher.line(new RegExp(`^skerry/h/${id} 0 (\\w+)$`))))
    assert.ok(beat.ok && birth.ok && beat.value.epoch === birth.value.epoch)

    await fleet.deploy(`devices/${id}`, 'skt-sys-wire', compose)
    await fleet.shown('seen', 'runs the app', device => device.apps[0]?.state === 'running')
    await agent.kill()
    const will = statusCodec.decode(bytesOf(await watcher.line(new RegExp(`^skerry/device/${id}/status 0 (a4\\w+)$`))))
    assert.ok(will.ok && !will.value.online && will.value.reason === 'Disconnected')

    const own = loginOf(agent, fleet.server.mqttPort, id, folder)
    const desired = subscribe(own, `skerry/device/${id}/desired`)
    const manifest = manifestCodec.decode(contentsOf(bytesOf(await desired.line(new RegExp(`^skerry/device/${id}/desired 1 (\\w+)$`)))))
    assert.ok(manifest.ok && manifest.value.apps[0]?.name === 'skt-sys-wire')
    await desired.end()
    const specs = subscribe(own, `skerry/spec/${digestText(manifest.value.apps[0]!.digest)}`)
    const spec = openSpec(bytesOf(await specs.line(/^skerry\/spec\/[\w-]{43} 1 (\w+)$/)), manifest.value.apps[0]!.digest)
    assert.ok(spec.ok && spec.value.compose === compose)
    await Promise.all([watcher.end(), specs.end()])
  }
  await withFleet(test, { plain: true }).finally(() => rmSync(folder, { recursive: true }))
})

/** With a broker that lets everybody do everything. */
async function withOpenFleet(test: (fleet: Fleet, port: string) => Promise<void>): Promise<void> {
  const broker = await startMosquitto()
  await withFleet(fleet => test(fleet, String(broker.port)), { broker: broker.url }).finally(() => broker.stop())
}

test('every command of topics.md runs against a server', async () => {
  const commands = [...readFileSync('topics.md', 'utf8').matchAll(/^ {4}(mosquitto_(?:pub|sub) .*)$/gm)].map(match => match[1] ?? '')
  assert.ok(commands.length >= 9)
  await withOpenFleet(async (fleet, port) => {
    for (const command of commands) {
      const bounded = command.replace(/^mosquitto_(pub|sub)/, (all, kind) => `${all} -p ${port}${kind === 'sub' ? ' -W 1' : ''}`)
      const child = run('bash', ['-c', bounded])
      const code = await child.ended
      assert.ok(
        code === 0 || (code === 27 && command.startsWith('mosquitto_sub')),
        `${command} ended with ${code}: ${child.lines.join(' ')}`,
      )
    }
    const shown = await fleet.shown('test', 'listed', () => true)
    assert.is.not(shown.state, 'Unknown')
  })
})

test('garbage on every topic is counted and dropped, and nothing changes', async () => {
  await withOpenFleet(async (fleet, port) => {
    const agent = fleet.device('calm')
    agent.start(fleet.server)
    const { id } = await fleet.shown('calm', 'Ready', device => device.state === 'Ready')
    await fleet.deploy(`devices/${id}`, 'skt-sys-garbage', compose)
    const before = await fleet.shown('calm', 'runs the app', device => device.apps[0]?.state === 'running')
    const topics = [
      ...['status', 'reported', 'desired'].map(channel => `skerry/device/${id}/${channel}`),
      ...['request', 'response'].map(exchange => `skerry/device/${id}/${exchange}/r`),
      `skerry/h/${id}`,
      'skerry/group/g/desired',
    ]
    const odd = ['skerry/device/UPPER/status', 'skerry/device/x/unknown', `skerry/spec/${'A'.repeat(43)}`, 'skerry/cmd/x']
    for (const topic of [...topics, ...odd]) {
      for (const payload of ['garbage', '{"a":1}', '\u0081', 'x'.repeat(20_000)]) {
        assert.is(await run('mosquitto_pub', ['-p', port, '-q', '1', '-t', topic, '-m', payload]).ended, 0)
      }
    }
    const stats = (await fleet.api.get<{ messages: { dropped: Record<string, number> } }>('/stats')).body
    const dropped = Object.values(stats.messages.dropped).reduce((sum, count) => sum + count, 0)
    assert.ok(dropped >= 12, JSON.stringify(stats))
    const after = await fleet.show('calm')
    assert.is(after?.state, 'Ready')
    assert.equal(after?.apps, before.apps)
  })
})

test.run()
