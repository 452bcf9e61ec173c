// time limit: 300 s
// Twenty devices behind one radio link that loses 30 % of the packets both ways, takes 600 ms and carries 100 kbit/s: they converge all the same.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { testImage } from '../../support/busybox.js'
import { type DeviceView, type Fleet, withFleet } from '../../support/fleet.js'
import { startEngines } from '../../support/net/engines.js'
import { labIsMissing, withLab } from '../../support/net/lab.js'
import { eventually } from '../../support/within.js'

const test = suite('a bad link')
const missing = labIsMissing()
if (missing !== undefined) console.log(`SKIP: ${missing}`)
const inLab = missing === undefined ? test : test.skip

const devices = 20
const app = 'skt-thin-radio'
const compose = (word: string): string => `services:
  main:
    image: ${testImage}
    command: ["sh", "-c", "echo ${word}; exec sleep 100000"]
    stop_signal: SIGKILL
    network_mode: host
`
const address = { server: '10.66.0.1', plant: '10.66.0.2' }
const quality = { delayMs: Number(process.env.DELAY ?? 300), rate: '100kbit', loss: Number(process.env.LOSS ?? 0.3) }

inLab('twenty devices join, get a group deploy and an update, and give logs; none is ever NotReady', async () => {
  await withLab(async lab => {
    const [server, plant] = [lab.host(), lab.host()]
    await lab.radio({ host: server, address: address.server }, { host: plant, address: address.plant }, quality)
    const engines = await startEngines(lab, plant, devices)
    await withFleet(
      async fleet => {
        const say = clock()
        await prepare(fleet)
        const events = await fleet.api.events()
        const all = engines.map((engine, n) => fleet.device(`far-${n}`, engine, plant))
        for (const device of all) device.start(fleet.server)
        const fail = (error: unknown) => {
          for (const d of all) console.log('-----', d.name, d.lines.slice(-6).join('\n'))
          throw error
        }
        const timer = setInterval(async () => {
          const l = await list(fleet)
          say(
            `${l.length} listed, ${l.filter(({ state }) => state === 'Ready').length} ready, ${l.filter(d => d.intervalS === 1200).length} sat, ${l.filter(d => d.apps[0]?.state === 'running').length} r1, ${l.filter(d => d.apps[0]?.revision === 2).length} r2`,
          )
        }, 5000)
        await until(fleet, 'Ready', ({ state, intervalS }) => state === 'Ready' && intervalS === 1200).catch(fail)
        say('ready')
        await fleet.deploy('groups/line-1', app, compose('one'))
        await until(fleet, 'running', ({ apps }) => apps[0]?.state === 'running').catch(fail)
        say('deployed')
        const names = (await list(fleet)).map(({ name }) => name)
        const logs = await Promise.all(names.map(name => fleet.server.cli('logs', app, '-d', name)))
        say('logs')
        console.log(logs.map(l => `${l.code} ${l.lines.join('|')}`))
        await fleet.deploy('groups/line-1', app, compose('two'))
        await until(fleet, 'updated', ({ apps }) => apps[0]?.revision === 2 && apps[0].state === 'running').catch(fail)
        say('updated')
        clearInterval(timer)
        console.log(
          events.seen
            .filter(({ type }) => /^device/.test(type))
            .map(({ type, device, data }) => `${type} ${device} ${JSON.stringify(data)}`)
            .filter(l => !/registered|"Ready"/.test(l)),
        )
        await events.close()
        assert.ok(true)
      },
      { at: { host: server, address: address.server }, parent: lab.folder },
    )
  })
})

function clock() {
  const began = performance.now()
  return (what: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1)} s: ${what}`)
}

/** A group with the satellite profile, and a token into it. */
async function prepare(fleet: Fleet): Promise<void> {
  assert.is((await fleet.api.call('POST', '/groups', { name: 'line-1', devices: [] })).status, 201)
  assert.is((await fleet.api.call('PUT', '/groups/line-1/link', { profile: 'satellite' })).status, 200)
  const { status, body } = await fleet.api.call<{ token: string }>('POST', '/tokens', { uses: devices, groups: ['line-1'] })
  assert.is(status, 201, JSON.stringify(body))
  fleet.server.joinToken = body.token
}

async function list(fleet: Fleet): Promise<readonly (DeviceView & { name: string })[]> {
  const { body } = await fleet.api.get<{ items: { id: string; name: string }[] }>('/devices')
  return Promise.all(body.items.map(async ({ id, name }) => ({ ...(await fleet.api.get<DeviceView>(`/devices/${id}`)).body, name })))
}

async function until(fleet: Fleet, what: string, is: (device: DeviceView) => boolean): Promise<void> {
  await eventually(200_000, what, async () => {
    const all = await list(fleet)
    await new Promise(resolve => setTimeout(resolve, 500))
    return all.length === devices && all.every(is)
  })
}

test.run()
