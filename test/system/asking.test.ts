// time limit: 240 s
// Logs and restarts from the command line to real containers, over MQTT and back.
import { get, type IncomingMessage } from 'node:http'
import mqtt from 'mqtt'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { requestCodec, responseCodec } from '../../protocol/messages/request.js'
import { parseTopic } from '../../protocol/topics.js'
import { ensureTestImage } from '../support/busybox.js'
import { runCli, startCli } from '../support/cli.js'
import { containersOf, docker } from '../support/docker.js'
import { type Fleet, withFleet } from '../support/fleet.js'
import { startMosquitto } from '../support/mosquitto.js'
import { contentsOf } from '../support/signing.js'
import { eventually } from '../support/within.js'

const app = 'skt-sys-asking'
const lines = 1500
const lineBytes = 8000
const service = (name: string, script: string) => `  ${name}:
    image: ${ensureTestImage()}
    command: ["sh", "-c", ${JSON.stringify(script)}]
    stop_signal: SIGKILL
    network_mode: none
`
const compose = `services:
${service('web', 'n=0; while true; do n=$$((n+1)); echo line $$n; sleep 0.2; done')}${service('db', 'echo ready; echo careful >&2; exec sleep 100000')}${service(
  'much',
  `x=$$(head -c ${lineBytes - 1} /dev/zero | tr "\\\\0" x); n=0; while [ $$n -lt ${lines} ]; do echo $$x; n=$$((n+1)); done; exec sleep 100000`,
)}`

interface Traffic {
  /** The most bytes that a device was ahead of the credit that it had been given, and ahead of none at all. */
  overdraft: number
  sent: number
  granted: number
  largest: number
  stop(): Promise<void>
}

/** Counts what passes the broker for every request. */
async function watchTraffic(url: string): Promise<Traffic> {
  const client = await mqtt.connectAsync(url)
  const granted = new Map<string, number>()
  const sent = new Map<string, number>()
  const traffic: Traffic = { overdraft: 0, sent: 0, granted: 0, largest: 0, stop: () => client.endAsync() }
  client.on('message', (name, payload) => {
    const topic = parseTopic('skerry', name)
    if (topic?.kind === 'request') {
      const request = requestCodec.decode(contentsOf(payload))
      const bytes = (request.ok && request.value.creditBytes) || 0
      granted.set(topic.rid, Math.max(granted.get(topic.rid) ?? 0, bytes))
    } else if (topic?.kind === 'response') {
      const response = responseCodec.decode(payload)
      const bytes = (response.ok && response.value.data?.length) || 0
      sent.set(topic.rid, (sent.get(topic.rid) ?? 0) + bytes)
      traffic.largest = Math.max(traffic.largest, bytes)
      traffic.overdraft = Math.max(traffic.overdraft, (sent.get(topic.rid) ?? 0) - (granted.get(topic.rid) ?? 0))
    }
    traffic.sent = Math.max(0, ...sent.values())
    traffic.granted = Math.max(0, ...granted.values())
  })
  await client.subscribeAsync(['skerry/device/+/request/+', 'skerry/device/+/response/+'], { qos: 1 })
  return traffic
}

/** A device that runs the app, in a fleet of its own. */
async function withApp(
  act: (fleet: Fleet, id: string, cli: (...args: string[]) => ReturnType<typeof runCli>) => Promise<void>,
): Promise<void> {
  // A broker that shows everything to whoever wants to count.
  const broker = await startMosquitto()
  const test = async (fleet: Fleet): Promise<void> => {
    fleet.device('asked').start(fleet.server)
    const { id } = await fleet.shown('asked', 'Ready', device => device.state === 'Ready')
    await fleet.deploy(`devices/${id}`, app, compose)
    await fleet.shown('asked', 'runs the app', device => device.apps[0]?.state === 'running')
    await act(fleet, id, (...args) => runCli(args, { env: envOf(fleet) }))
  }
  await withFleet(test, { broker: broker.url }).finally(() => broker.stop())
}

const envOf = (fleet: Fleet) => ({ SKERRY_SERVER: fleet.api.url, SKERRY_DATA: fleet.server.folder })

test('logs and restarts of real containers, with the bytes on their way counted', async () => {
  await withApp(async (fleet, id, cli) => {
    const env = envOf(fleet)

    const db = await cli('logs', app, 'db', '-d', id)
    assert.equal(db.out.split('\n').sort(), ['', 'db | careful', 'db | ready'])
    assert.is(db.code, 0)
    const tail = await cli('logs', app, 'much', '-d', id, '--tail', '2')
    assert.is(tail.out.length, 2 * (lineBytes + 'much | '.length))
    assert.equal((await cli('logs', app, 'none', '-d', id)).code, 3)

    // A container that is restarted, and one that is made anew, are followed on; nothing comes twice.
    const follow = startCli(['logs', app, 'web', '-d', id, '--follow', '--tail', '0'], env)
    await follow.until(/web \| line [3-9]\d*\n/)
    const before = containersOf(app)
    const restarted = await cli('restart', app, '-d', id, 'web')
    assert.is(restarted.code, 0, restarted.err)
    await follow.until(/web \| line 1\nweb \| line 2\n/)
    assert.equal(containersOf(app), before)
    docker('rm', '-f', before.web!)
    await follow.until(/web \| line 1\n[\s\S]*web \| line 1\nweb \| line 2\n/, 60_000)
    assert.is(follow.out().match(/line 1\n/g)?.length, 2)
    assert.is(await follow.stop(), 0)
    const after = containersOf(app)
    assert.is.not(after.web, before.web)
    assert.equal([after.db, after.much], [before.db, before.much])

    await slowReader(fleet, id)
  })
})

/** Reads nothing until the device stands still, then all. */
async function slowReader(fleet: Fleet, id: string): Promise<void> {
  const traffic = await watchTraffic(fleet.server.mqttUrl)
  const reader = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${fleet.api.url}/api/v1/devices/${id}/apps/${app}/logs?service=much`, { headers: { ...fleet.api.credentials } }, resolve).on(
      'error',
      reject,
    )
  })
  const total = lines * lineBytes
  let last = -1
  await eventually(60_000, 'a device that stands still', async () => {
    const still = traffic.sent > 0 && traffic.sent === last
    last = traffic.sent
    if (!still) await new Promise(resolve => setTimeout(resolve, 1000))
    return still
  })
  assert.ok(traffic.sent < total, `${traffic.sent} of ${total} bytes were sent to a reader that reads nothing`)
  const beats = (await fleet.show('asked'))!
  assert.is(beats.state, 'Ready')
  let read = 0
  for await (const chunk of reader) read += (chunk as Buffer).length
  assert.is(read, total + lines * 'much | '.length)
  // Whoever counts on another connection may hear the last of it later.
  await eventually(20_000, 'all that was sent is counted', () => traffic.sent >= total)
  assert.is(traffic.sent, total)
  assert.ok(traffic.overdraft <= 0, `${traffic.overdraft} bytes were sent beyond the credit`)
  assert.ok(traffic.largest <= 16 * 1024, `a part had ${traffic.largest} bytes`)
  await traffic.stop()
}

test.run()
