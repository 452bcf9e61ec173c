// time limit: 180 s
// A device behind address translation and a firewall that lets nothing in is managed fully: all that it needs is a way out.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { containersOf, docker, machineEngine } from '../../support/docker.js'
import { type Fleet, withFleet } from '../../support/fleet.js'
import type { Host } from '../../support/net/host.js'
import { needingLab, withLab } from '../../support/net/lab.js'
import { sayingApp } from '../../support/small-app.js'
import { eventually } from '../../support/within.js'

const test = suite('behind NAT')
const inLab = needingLab(test)

const app = 'skt-thin-nat'
const address = { server: '203.0.113.1', router: '203.0.113.2', later: '203.0.113.3', inside: '192.168.7.1', device: '192.168.7.2' }

interface Site {
  readonly fleet: Fleet
  readonly server: Host
  readonly router: Host
  readonly plant: Host
  /** The router's device towards the server. */
  readonly outside: string
}

function withSite(act: (site: Site) => Promise<void>): Promise<void> {
  return withLab(async lab => {
    const [server, router, plant] = [lab.host(), lab.host(), lab.host()]
    const inner = lab.cable({ host: plant, address: address.device }, { host: router, address: address.inside })
    const outer = lab.cable({ host: server, address: address.server }, { host: router, address: address.router })
    plant.ip('route', 'add', 'default', 'via', address.inside)
    router.guardAndTranslate(inner.far, outer.far)
    // A server that knows the way in does not get in either.
    server.ip('route', 'add', '192.168.7.0/24', 'via', address.router)
    await withFleet(fleet => act({ fleet, server, router, plant, outside: outer.far }), {
      at: { host: server, address: address.server },
      parent: lab.folder,
    })
  })
}

/** Whether a connection to a port is answered at all. */
async function reaches(from: Host, to: string, port: number): Promise<boolean> {
  return (await from.run(['socat', '-u', '/dev/null', `TCP:${to}:${port},connect-timeout=1`]).ended) === 0
}

inLab('a device that nobody can reach joins, gets apps, gives logs, restarts, updates and is released', async () => {
  await withSite(async ({ fleet, server, router, plant }) => {
    plant.run(['socat', 'TCP-LISTEN:9000,fork,reuseaddr', 'OPEN:/dev/null'])
    await eventually(20_000, 'something listens on the device', () => reaches(router, address.device, 9000))
    assert.is(await reaches(server, address.device, 9000), false, 'the firewall drops what comes from outside')
    assert.is(await reaches(server, address.router, 9000), false)

    const device = fleet.device('hidden', machineEngine, plant)
    device.start(fleet.server)
    const { id } = await fleet.shown('hidden', 'Ready', ({ state }) => state === 'Ready')
    assert.is((await fleet.api.call('POST', '/groups', { name: 'line-1', devices: ['hidden'] })).status, 201)
    await fleet.deploy('groups/line-1', app, sayingApp('one'))
    await fleet.shown('hidden', 'runs the app', ({ apps }) => apps[0]?.state === 'running')

    const logs = () => fleet.server.cli('logs', app, '-d', id)
    assert.equal(await logs(), { code: 0, lines: ['main | one'] })
    const startedAt = () => docker('inspect', '-f', '{{.State.StartedAt}}', containersOf(app).main!)
    const before = startedAt()
    assert.is((await fleet.server.cli('restart', app, '-d', id)).code, 0)
    assert.is.not(startedAt(), before)

    const first = containersOf(app).main
    await fleet.deploy('groups/line-1', app, sayingApp('two'))
    await fleet.shown('hidden', 'runs the second revision', ({ apps }) => apps[0]?.revision === 2 && apps[0].state === 'running')
    assert.is.not(containersOf(app).main, first)
    assert.equal(await logs(), { code: 0, lines: ['main | two'] })

    assert.is((await fleet.api.call('DELETE', '/devices/hidden?apps=remove')).status, 202)
    await eventually(40_000, 'the device is gone', async () => (await fleet.api.get('/devices/hidden')).status === 404)
    await eventually(40_000, 'its containers are gone', () => containersOf(app).main === undefined)
  })
})

inLab('a router that gets another public address and forgets every connection costs one reconnect', async () => {
  await withSite(async ({ fleet, router, plant, outside }) => {
    fleet.device('moved', machineEngine, plant).start(fleet.server)
    const before = await fleet.shown('moved', 'Ready', ({ state }) => state === 'Ready')
    // With the address go the translations to it.
    router.ip('address', 'flush', 'dev', outside)
    router.ip('address', 'add', `${address.later}/24`, 'dev', outside)
    await eventually(60_000, 'a new session', async () => (await epochOf(fleet)) > before.epoch)
    await fleet.shown('moved', 'Ready again', ({ state }) => state === 'Ready')
    await fleet.deploy('devices/moved', app, sayingApp('three'))
    await fleet.shown('moved', 'runs the app', ({ apps }) => apps[0]?.state === 'running')
  })
})

async function epochOf(fleet: Fleet): Promise<number> {
  return (await fleet.show('moved'))?.epoch ?? 0
}

test.run()
