// time limit: 180 s
// A PLC that has nothing but mosquitto's clients: deploys, stops, starts, goes back, and reads the states, on a real device.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startBroker } from '../../broker/broker.js'
import { FakeAccess } from '../broker/support/access.js'
import { connectAsManager, silent } from '../broker/support/brokers.js'
import { clear, docker } from '../support/docker.js'
import { withFleet } from '../support/fleet.js'
import { startMosquitto } from '../support/mosquitto.js'
import { type Child, run, skerry } from '../support/process.js'
import { type Recorder, startRecorder } from '../support/recorder.js'
import { sleepingApp } from '../support/small-app.js'
import { within } from '../support/within.js'

const app = 'plc-vision-inspection'
const group = 'packing-line-12'
const plain = { plain: true }

const sub = (login: readonly string[], ...topics: string[]) =>
  run('mosquitto_sub', [...login, '-v', ...topics.flatMap(topic => ['-t', topic])])

/** The next line that matches, of those that come from now on. */
function next(child: Child, pattern: RegExp): Promise<RegExpMatchArray> {
  child.lines.length = 0
  return child.line(pattern, 40_000)
}

async function pub(login: readonly string[], topic: string, payload: string, ...more: string[]): Promise<void> {
  assert.is(await run('mosquitto_pub', [...login, '-t', topic, '-m', payload, ...more]).ended, 0)
}

/** What the app's container runs; undefined if none runs. */
function runningCommand(): string | undefined {
  return docker('ps', '--no-trunc', '--filter', `label=io.skerry.app=${app}`, '--format', '{{.Command}}') || undefined
}

function startedAt(): string {
  const [id = ''] = docker('ps', '-q', '--filter', `label=io.skerry.app=${app}`).split('\n')
  return docker('inspect', '--format', '{{.State.StartedAt}}', id)
}

test('mosquitto_pub and mosquitto_sub alone deploy, stop, start, restart, go back, go to a version and permit, and read answers and states', async () => {
  await withFleet(async fleet => {
    const direct = await fleet.server.admit('plc', 'operator')
    const recorder = await startRecorder(fleet.server.plainPort)
    const login = ['-p', String(recorder.port), ...direct.slice(2)]
    fleet.device('cell').start(fleet.server)
    const { id } = await fleet.shown('cell', 'Ready', device => device.state === 'Ready')
    await fleet.api.call('POST', '/groups', { name: group, devices: [id] })
    const watcher = sub(direct, 'skerry/a/#', 'skerry/ack/#', 'skerry/state/#')
    await watcher.line(/^skerry\/state\/manager 1$/)
    const state = `skerry/state/group/${group}/app/${app}`

    const steps = [
      ['spec', sleepingApp(1000), 1, 'running', 'sleep 1000'],
      ['spec', JSON.stringify({ compose: sleepingApp(2000), version: '2.0' }), 2, 'running', 'sleep 2000'],
      ['run', '0', 2, 'stopped', undefined],
      ['run', '1', 2, 'running', 'sleep 2000'],
      ['rev', '1', 3, 'running', 'sleep 1000'],
      ['ver', '2.0', 4, 'running', 'sleep 2000'],
      ['rev', 'previous', 5, 'running', 'sleep 1000'],
    ] as const
    for (const [verb, payload, revision, runs, command] of steps) {
      const answered = next(watcher, new RegExp(`^skerry/a/g/${group}/${app}/${verb} 0$`))
      const done = new RegExp(`^${state}/json {"state":3,.*"run":"${runs}","revision":${revision},`)
      const ready = watcher.line(done, 40_000)
      await pub(login, `skerry/c/g/${group}/${app}/${verb}`, payload)
      await Promise.all([answered, ready])
      assert.ok(
        command === undefined ? runningCommand() === undefined : runningCommand()?.includes(command),
        `${verb}: ${runningCommand()}`,
      )
    }
    await watcher.line(new RegExp(`^${state} 3$`))

    const started = startedAt()
    const restarted = next(watcher, new RegExp(`^skerry/a/g/${group}/${app}/rst 0$`))
    await pub(login, `skerry/c/g/${group}/${app}/rst`, '1')
    await restarted
    assert.is.not(startedAt(), started)

    const withheld = next(watcher, new RegExp(`^skerry/ack/permit/group/${group} 0$`))
    await pub(login, `skerry/permit/group/${group}`, '0', '-r')
    await withheld
    await fleet.shown('cell', 'held', ({ held }) => held !== null)
    const waits = next(watcher, new RegExp(`^${state} 2$`))
    await pub(login, `skerry/c/g/${group}/${app}/run`, '0')
    await waits
    assert.match(runningCommand() ?? '', 'sleep 1000')
    const stops = next(watcher, new RegExp(`^${state}/json {"state":3,.*"run":"stopped"`))
    await pub(login, `skerry/permit/group/${group}`, '1 60', '-r')
    await stops
    assert.is(runningCommand(), undefined)

    const refused = next(watcher, new RegExp(`^skerry/a/g/${group}/${app}/run/text (.*)$`))
    await pub(login, `skerry/c/g/${group}/${app}/run`, 'perhaps')
    assert.match((await refused)[1] ?? '', /^request\.invalid: "perhaps" is none of 1, 0/)
    await watcher.end()
    await recorder.close()
    checkSizes(recorder.published)
  }, plain).finally(() => clear(app))
})

/** What was sent for each verb, as it went over the wire. */
function checkSizes(published: Recorder['published']): void {
  const verbs = new Set<string>()
  for (const { topic, payload } of published) {
    const verb = topic.includes('/permit/') ? 'permit' : (topic.split('/').at(-1) ?? '')
    verbs.add(verb)
    const [topicBytes, payloadBytes] = [Buffer.byteLength(topic), Buffer.byteLength(payload)]
    assert.ok(topicBytes <= 60, `${topic} has ${topicBytes} bytes`)
    if (verb !== 'spec') assert.ok(topicBytes + payloadBytes <= 120, `${topic} with ${payloadBytes} bytes`)
  }
  assert.equal([...verbs].sort(), ['permit', 'rev', 'rst', 'run', 'spec', 'ver'])
}

test('after a server that was killed its broker says at once that the states are not to be trusted, with no manager yet', async () => {
  await withFleet(async ({ server }) => {
    const watcher = sub(await server.admit('plc', 'operator'), 'skerry/state/manager')
    await watcher.line(/^skerry\/state\/manager 1$/)
    await watcher.end()
    await server.kill()
    const options = { file: join(server.folder, 'broker.db'), listeners: [], access: new FakeAccess(), log: silent }
    const broker = await startBroker(options)
    const first = connectAsManager(broker, 'first')
    const heard = new Promise<string>(resolve => first.on('message', (_topic, payload) => resolve(payload.toString())))
    await first.subscribeAsync('skerry/state/manager')
    assert.is(await within(10_000, 'the retained state', heard), '0')
    await first.endAsync()
    await broker.stop()
  }, plain)
})

test('a server that is killed beside another broker leaves the word that its states are not to be trusted', async () => {
  const mosquitto = await startMosquitto()
  const folder = mkdtempSync(join(tmpdir(), 'skerry-plc-'))
  const server = skerry(['server', '--data', folder, '--broker', mosquitto.url, '--http-port', '0'])
  const watcher = sub(['-p', String(mosquitto.port)], 'skerry/state/#')
  await watcher.line(/^skerry\/state\/manager 1$/)
  const last = next(watcher, /^skerry\/state\/manager 0$/)
  await server.end('SIGKILL')
  await last
  await watcher.end()
  await mosquitto.stop()
  rmSync(folder, { recursive: true })
})

test.run()
