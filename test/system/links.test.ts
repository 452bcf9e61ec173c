// time limit: 240 s
// Links set over the API hold on agents that run, per device and per group, and no longer when they are cleared: real processes, a real engine.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { formatQuiet } from '../../protocol/quiet.js'
import { ensureTestImage } from '../support/busybox.js'
import { docker } from '../support/docker.js'
import { type DeviceView, type Fleet, withFleet } from '../support/fleet.js'
import { type Registry, startRegistry } from '../support/registry.js'
import { eventually } from '../support/within.js'

const prefix = `skt-link-${process.pid}`

const sleeper = (image: string, script = 'exec sleep 100000') => `services:
  main:
    image: ${image}
    command: ["sh", "-c", ${JSON.stringify(script)}]
    stop_signal: SIGKILL
    network_mode: none
`

const appOf = (device: DeviceView, app: string) => device.apps.find(shown => shown.app === app)
const runs = (app: string) => (device: DeviceView) => appOf(device, app)?.state === 'running'

async function set(fleet: Fleet, path: string, link: object): Promise<void> {
  const { status, body } = await fleet.api.call('PUT', `${path}/link`, link)
  assert.is(status, 200, JSON.stringify(body))
}

async function clear(fleet: Fleet, path: string): Promise<void> {
  assert.is((await fleet.api.call('DELETE', `${path}/link`)).status, 204)
}

/** What came of a log, and in what time, ms. A device may connect anew for another keep-alive: then it is asked once more. */
function readLog({ api }: Fleet, path: string): Promise<{ readonly text: string; readonly tookMs: number }> {
  return eventually(60_000, 'the log', async () => {
    const began = performance.now()
    const response = await fetch(`${api.url}/api/v1${path}/logs`, { headers: { ...api.credentials, accept: 'text/plain' } })
    const text = await response.text()
    const isCut = response.status === 503 || /\((device\.unavailable|request\.expired|response\.lost)\)\n$/.test(text)
    assert.ok(isCut || response.status === 200, text)
    return isCut ? undefined : { text, tookMs: performance.now() - began }
  })
}

const lineOf = (letter: string) => letter.repeat(99)
const logLines = (text: string) => text.split('\n').filter(line => line.endsWith(lineOf('x'))).length

/** An hour that is now, and is for a while. */
function hoursAround(now: Date): string {
  const minute = now.getUTCHours() * 60 + now.getUTCMinutes()
  return formatQuiet({ fromMin: (minute + 1440 - 60) % 1440, toMin: (minute + 120) % 1440 })
}

test('heartbeats and logs follow the link of the device, then of its group, then of neither', () =>
  withFleet(async fleet => {
    fleet.device('press').start(fleet.server)
    const { id } = await fleet.shown('press', 'Ready', device => device.state === 'Ready')
    await fleet.api.call('POST', '/groups', { name: 'line-1', devices: [id] })
    const app = `${prefix}-logs`
    const script = `n=0; while [ $$n -lt 200 ]; do echo ${lineOf('x')}; n=$$((n+1)); done; exec sleep 100000`
    await fleet.deploy(`devices/${id}`, app, sleeper(ensureTestImage(), script))
    await fleet.shown('press', 'runs', runs(app))
    const beats = (intervalS: number) => fleet.shown('press', `beats every ${intervalS} s`, device => device.intervalS === intervalS)
    const log = () => readLog(fleet, `/devices/${id}/apps/${app}`)

    await beats(10)
    assert.is(logLines((await log()).text), 200)

    await set(fleet, '/groups/line-1', { profile: 'satellite', logBytes: 4000 })
    await beats(1200)
    const short = await log()
    assert.match(short.text, /\(log\.limited\)\n$/)
    assert.is(logLines(short.text), 40)

    await set(fleet, `/devices/${id}`, { profile: 'radio', intervalS: 30, logBytesPerS: 4000 })
    await beats(30)
    const slow = await log()
    assert.is(logLines(slow.text), 200)
    // 20,000 bytes at 4,000 a second, of which the first second's may come at once.
    assert.ok(slow.tookMs > 3_900, `${slow.tookMs} ms`)

    await clear(fleet, `/devices/${id}`)
    await beats(1200)
    await clear(fleet, '/groups/line-1')
    await beats(10)
    const { text, tookMs } = await log()
    assert.is(logLines(text), 200, `in ${tookMs} ms`)
  }))

test('images are pulled one at a time where the link says so, and none in its quiet hours', () =>
  withFleet(async fleet => {
    const registry = await startRegistry()
    const images = await Promise.all(['one', 'two', 'three'].map(name => registry.push(`${prefix}/${name}`, '1', `${name} ${process.pid}`)))
    try {
      fleet.device('press').start(fleet.server)
      const { id } = await fleet.shown('press', 'Ready', device => device.state === 'Ready')
      await fleet.api.call('POST', '/groups', { name: 'line-1', devices: [id] })
      await set(fleet, '/groups/line-1', { profile: 'lan', pulls: 1, quiet: [hoursAround(new Date())] })
      await fleet.shown('press', 'has heard of it', device => device.revision.held === device.revision.desired)
      const apps = images.map((_image, n) => `${prefix}-${n}`)
      for (const [n, app] of apps.entries()) await fleet.deploy(`devices/${id}`, app, sleeper(images[n] ?? ''))
      for (const app of apps)
        await fleet.shown('press', 'waits', device => {
          const shown = appOf(device, app)
          return shown?.state === 'updating' && shown.fault?.code === 'pull.deferred' && shown.services[0]?.state === 'pending'
        })
      assert.equal(registry.requests, [])

      await set(fleet, '/groups/line-1', { profile: 'lan', pulls: 1 })
      for (const app of apps) await fleet.shown('press', 'runs', device => runs(app)(device) && appOf(device, app)?.fault === null)
      const order = imagesAsked(registry)
      assert.equal([...new Set(order)].length, 3)
      assert.equal(order, inRuns(order), 'no image is asked for before the one before it is there')
    } finally {
      await fleet.end()
      for (const image of images) docker('rmi', '-f', image)
      await registry.close()
    }
  }))

/** The images of the requests so far, in their order. */
function imagesAsked({ requests }: Registry): string[] {
  return requests.flatMap(({ path }) => new RegExp(`/${prefix}/([^/]+)/`).exec(path)?.[1] ?? [])
}

/** The same, each image's together. */
function inRuns(names: readonly string[]): string[] {
  return [...new Set(names)].flatMap(name => names.filter(each => each === name))
}

test.run()
