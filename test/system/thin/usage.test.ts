// time limit: 120 s
// What an agent says that its connection cost, against what passed on the cable: the counters of the interface, headers and all.
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Disk } from '../../../agent/disk.js'
import { addFlow, type Flow, lessTraffic, purposes, type Traffic } from '../../../protocol/messages/usage.js'
import { ensureTestImage } from '../../support/busybox.js'
import { machineEngine } from '../../support/docker.js'
import { type Device, withFleet } from '../../support/fleet.js'
import { needingLab, withLab } from '../../support/net/lab.js'
import { eventually } from '../../support/within.js'

const test = suite('bytes on the cable')
const inLab = needingLab(test)

const app = 'skt-thin-usage'
const compose = `services:
  main:
    image: ${ensureTestImage()}
    command: ["sh", "-c", "yes a line of a log | head -n 100; exec sleep 100000"]
    stop_signal: SIGKILL
    network_mode: none
`
const address = { server: '203.0.113.1', device: '203.0.113.2' }
const heartbeats = 12

/** Of an agent that has stopped. */
function readTraffic({ folder }: Device): Traffic {
  const disk = new Disk(join(folder, 'agent'), pino({ level: 'silent' }))
  const count = disk.loadCount()
  disk.close()
  return count!.traffic
}

function allOf(traffic: Traffic): Flow {
  return purposes.reduce<Flow>((sum, purpose) => addFlow(sum, traffic[purpose]), { sent: 0, received: 0 })
}

/** From 0; how far one is from the other. */
function difference(told: number, passed: number): number {
  return Math.abs(told / passed - 1)
}

inLab('heartbeats, a deploy, a log and a restart of the agent cost what it says, within 15 %', async () => {
  await withLab(async lab => {
    const [server, plant] = [lab.host(), lab.host()]
    const cable = lab.cable({ host: plant, address: address.device }, { host: server, address: address.server })
    // Before that the server does not find its own address, which is to stand in its certificate.
    await eventually(10_000, 'the cable carries', () => /state UP/.test(server.ip('link', 'show', 'dev', cable.far)))
    await withFleet(
      async fleet => {
        const device = fleet.device('counted', machineEngine, plant)
        device.start(fleet.server)
        const { id } = await fleet.shown('counted', 'Ready', ({ state }) => state === 'Ready')
        await fleet.api.call('PATCH', `/devices/${id}`, { intervalS: 1 })
        await device.stop()
        // From here on: joining is a connection of its own.
        const [told, passed] = [readTraffic(device), cable.traffic()]

        device.start(fleet.server)
        await fleet.deploy(`devices/${id}`, app, compose)
        await fleet.shown('counted', 'runs the app', ({ apps }) => apps[0]?.state === 'running')
        assert.is((await fleet.server.cli('logs', app, '-d', id)).lines.length, 100)
        const quietFrom = cable.traffic().sent
        await eventually(60_000, 'heartbeats', () => cable.traffic().sent > quietFrom + heartbeats * 70)
        await device.stop()

        const cost = lessTraffic(readTraffic(device), told)
        const [all, now] = [allOf(cost), cable.traffic()]
        const real = { sent: now.sent - passed.sent, received: now.received - passed.received }
        const shown = JSON.stringify({ cost, all, real })
        assert.ok(difference(all.sent, real.sent) < 0.15, shown)
        assert.ok(difference(all.received, real.received) < 0.15, shown)
      },
      { at: { host: server, address: address.server }, parent: lab.folder },
    )
  })
})

test.run()
