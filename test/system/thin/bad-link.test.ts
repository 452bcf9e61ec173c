// time limit: 1500 s
// Twenty devices behind one radio link that loses 30 % of the packets both ways, takes 600 ms and carries 100 kbit/s: they converge all the same.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { testImage } from '../../support/busybox.js'
import { type DeviceView, type Fleet, withFleet } from '../../support/fleet.js'
import { runningOn, startEngines } from '../../support/net/engines.js'
import { needingLab, withLab } from '../../support/net/lab.js'
import { sayingApp } from '../../support/small-app.js'
import { eventually } from '../../support/within.js'

const test = suite('a bad link')
const inLab = needingLab(test)

const devices = 20
/** Devices that are asked for logs. */
const asked = 8
const app = 'skt-thin-radio'
const compose = (word: string): string => sayingApp(word, { image: testImage, network: 'host' })
const address = { server: '10.66.0.1', plant: '10.66.0.2' }
/** There and back it takes 600 ms. */
const quality = { delayMs: 300, rate: '100kbit', loss: 0.3 }
/** For the slowest of twenty; TCP waits ever longer for what was lost several times in a row. */
const stepMs = 400_000

inLab('twenty devices converge with a group deploy, give logs and take an update, and none is ever NotReady', async () => {
  await withLab(async lab => {
    const [server, plant] = [lab.host(), lab.host()]
    const radio = await lab.radio({ host: server, address: address.server }, { host: plant, address: address.plant }, quality)
    const engines = await startEngines(lab, plant, devices)
    const test = async (fleet: Fleet): Promise<void> => {
      await prepare(fleet)
      for (const [n, engine] of engines.entries()) fleet.device(`far-${n}`, engine, plant).start(fleet.server)
      await until(fleet, 'Ready with the satellite profile', ({ state, intervalS }) => state === 'Ready' && intervalS === 1200)
      const events = await fleet.api.events()
      await radio.spoil()

      await fleet.deploy('groups/line-1', app, compose('one'))
      await until(fleet, 'running', runs(1))
      assert.ok(engines.every(engine => runningOn(engine, `${app}-main-1`)))
      assert.equal([...new Set(await logsOf(fleet))], ['main | one\n'])
      await fleet.deploy('groups/line-1', app, compose('two'))
      await until(fleet, 'updated', runs(2))
      assert.ok(engines.every(engine => runningOn(engine, `${app}-main-1`)))

      const wrong = events.seen.filter(({ type }) => ['device.not-ready', 'device.unknown', 'device.ready'].includes(type))
      assert.equal(wrong, [], 'nothing has changed in any device’s readiness')
      await events.close()
    }
    await withFleet(test, { at: { host: server, address: address.server }, parent: lab.folder })
  })
})

const runs =
  (revision: number) =>
  ({ apps: [first] }: DeviceView): boolean =>
    first?.revision === revision && first.state === 'running'

/** A group with the satellite profile, and a token into it. */
async function prepare(fleet: Fleet): Promise<void> {
  assert.is((await fleet.api.call('POST', '/groups', { name: 'line-1', devices: [] })).status, 201)
  assert.is((await fleet.api.call('PUT', '/groups/line-1/link', { profile: 'satellite', reportMs: 5000 })).status, 200)
  const { status, body } = await fleet.api.call<{ token: string }>('POST', '/tokens', { uses: devices, groups: ['line-1'] })
  assert.is(status, 201, JSON.stringify(body))
  fleet.server.joinToken = body.token
}

async function list(fleet: Fleet): Promise<readonly DeviceView[]> {
  return (await fleet.api.get<{ items: readonly DeviceView[] }>('/devices')).body.items
}

/** Of some devices at once. Who gets none in the time that there is for an answer asks again. */
async function logsOf(fleet: Fleet): Promise<string[]> {
  const { url, credentials: headers } = fleet.api
  const ask = async (device: DeviceView, tries = 3): Promise<string> => {
    const text = await (await fetch(`${url}/api/v1/devices/${device.id}/apps/${app}/logs`, { headers })).text()
    return text.includes('wait.timeout') && tries > 1 ? ask(device, tries - 1) : text
  }
  return Promise.all((await list(fleet)).slice(0, asked).map(device => ask(device)))
}

async function until(fleet: Fleet, what: string, is: (device: DeviceView) => boolean): Promise<void> {
  let all: readonly DeviceView[] = []
  const began = performance.now()
  await eventually(stepMs, `all are ${what}`, async () => {
    // The server has enough to do.
    await new Promise(resolve => setTimeout(resolve, 500))
    all = await list(fleet)
    return all.length === devices && all.every(is)
  }).catch((cause: unknown) => {
    throw new Error(`not all are ${what}: ${JSON.stringify(all.filter(device => !is(device)))}`, { cause })
  })
  console.log(`${what} after ${((performance.now() - began) / 1000).toFixed(0)} s`)
}

test.run()
