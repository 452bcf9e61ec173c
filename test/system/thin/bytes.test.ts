// time limit: 240 s
// What a device costs on the wire, by the counters of its network interface: IP packets with all headers, both ways, TLS on.
import { setTimeout as pause } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ensureTestImage } from '../../support/busybox.js'
import { clear, machineEngine } from '../../support/docker.js'
import type { Fleet } from '../../support/fleet.js'
import { needingLab } from '../../support/net/lab.js'
import { bytesOf, type Metered, untilQuiet, withMetered } from '../../support/net/metered.js'
import { eventually } from '../../support/within.js'

const test = suite('bytes at the interface')
const inLab = needingLab(test)

const app = 'skt-thin-bytes'
const month = 30 * 24 * 3600
/** One of them with metrics, as one of thirty has them with the cellular profile. */
const beats = 30
/** Of 60 s heartbeats in 8 MB a month; and one heartbeat whose count came too late. */
const perHeartbeat = (((8_000_000 * 60) / month) * (beats + 1)) / beats
/** Of a resumed session, in a group with an app; and the server's end of the connection before: a FIN, and the RST that answers it. */
const perReconnect = 2_500 + 52 + 40
const perDeploy = 3_000
/** A busy machine may send in three packets what else goes in one. */
const tries = 3

inLab('heartbeats, a deploy of 2 KB to a group and a resumed reconnect keep to their bytes', async () => {
  const name = 'metered'
  await withMetered({ [name]: machineEngine }, async (fleet, [device]) => {
    assert.is((await fleet.api.call('POST', '/groups', { name: 'line-1', devices: [name] })).status, 201)
    // In the proportions of a heartbeat a minute and a keep-alive of ten, sixty times as fast.
    await setLink(fleet, name, { profile: 'cellular', intervalS: 1, keepaliveS: 10, metricsS: 30 })
    const heard = async () => (await fleet.api.get<{ messages: { received: number } }>('/stats')).body.messages.received
    await untilNext(heard)
    const [from, fromBytes] = [await heard(), bytesOf(device!)]
    const count = await eventually(120_000, `${beats} heartbeats`, async () => {
      const since = (await heard()) - from
      return since >= beats && since
    })
    await pause(500)
    const perBeat = (bytesOf(device!) - fromBytes) / count
    console.log(`${perBeat.toFixed(1)} bytes a heartbeat, everything included (${count})`)
    assert.ok(perBeat <= perHeartbeat, `${perBeat} bytes a heartbeat`)

    await setLink(fleet, name, { profile: 'cellular' })
    await untilQuiet(device!)
    const deploys: number[] = []
    while (deploys.length < tries && !deploys.some(bytes => bytes <= perDeploy)) {
      const before = bytesOf(device!)
      await fleet.deploy('groups/line-1', app, composeOf(2_000, deploys.length))
      const revision = deploys.length + 1
      await fleet.shown(name, 'runs the app', ({ apps }) => apps[0]?.state === 'running' && apps[0].revision === revision)
      await untilQuiet(device!, 6_000)
      deploys.push(bytesOf(device!) - before)
    }
    console.log(`${deploys} bytes for a deploy of 2000`)
    assert.ok(Math.min(...deploys) <= perDeploy, `${deploys} bytes for a deploy`)

    await setLink(fleet, name, { profile: 'cellular', intervalS: 10 })
    await untilQuiet(device!)
    const reconnects: number[] = []
    while (reconnects.length < tries && !reconnects.some(bytes => bytes <= perReconnect)) reconnects.push(await reconnect(fleet, device!))
    console.log(`${reconnects} bytes for a resumed reconnect`)
    assert.ok(Math.min(...reconnects) <= perReconnect, `${reconnects} bytes for a reconnect`)
  }).finally(() => clear(app))
})

/** What a reconnect costs until all is quiet, the broker's farewell to the old connection included. */
async function reconnect(fleet: Fleet, metered: Metered): Promise<number> {
  const { name } = metered.device
  const { epoch } = (await fleet.show(name))!
  const before = await reset(metered)
  await fleet.shown(name, 'is back', shown => shown.epoch > epoch && shown.state === 'Ready')
  await untilQuiet(metered)
  return bytesOf(metered) - before
}

/** Half way between two heartbeats nothing is on its way. */
async function untilNext(heard: () => Promise<number>): Promise<void> {
  const before = await heard()
  await eventually(20_000, 'the next heartbeat', async () => (await heard()) > before)
  await pause(500)
}

async function setLink(fleet: Fleet, name: string, link: object): Promise<void> {
  const { status, body } = await fleet.api.call<{ link: { intervalS: number } }>('PUT', `/devices/${name}/link`, link)
  assert.is(status, 200)
  await fleet.shown(name, 'goes by its link', ({ intervalS, state }) => intervalS === body.link.intervalS && state === 'Ready')
}

/** A file as people write them: names and numbers that differ, words that come again. */
function composeOf(bytes: number, salt: number): string {
  const head = `services:
  main:
    image: ${ensureTestImage()}
    command: ["sleep", "100000"]
    stop_signal: SIGKILL
    network_mode: none
    environment:
`
  let text = head
  for (let n = 0; text.length < bytes; n++)
    text += `      LINE_${n}_SETPOINT_${(n * 7919 + salt) % 997}: "${((n * 104_729) % 8191) / 8} bar"\n`
  return text.slice(0, text.lastIndexOf('\n', bytes) + 1)
}

/** The next packet of the device's connection is answered with a reset, as by a router that has forgotten it. Gives the bytes up to then. */
async function reset(metered: Metered): Promise<number> {
  const { router, cable, device } = metered
  const ended = () => device.lines.filter(line => line.includes('disconnected from the broker')).length
  const before = ended()
  const rule = `FORWARD -i ${cable.far} -p tcp -j REJECT --reject-with tcp-reset`.split(' ')
  router.exec('iptables', '-I', ...rule)
  await eventually(90_000, 'the connection has ended', () => ended() > before)
  router.exec('iptables', '-D', ...rule)
  return bytesOf(metered)
}

test.run()
