// time limit: 300 s
// The cable of a device is pulled, for a second and for a minute, with the real programs at both ends.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { StreamedEvent } from '../../support/api.js'
import { clear, containersOf, docker, machineEngine } from '../../support/docker.js'
import { type Fleet, withFleet } from '../../support/fleet.js'
import type { Cable } from '../../support/net/cable.js'
import { needingLab, withLab } from '../../support/net/lab.js'
import { OwnEngine } from '../../support/own-engine.js'
import { sayingApp } from '../../support/small-app.js'

const test = suite('a pulled cable')
const inLab = needingLab(test)

const app = 'skt-thin-cable'
const server = '10.77.0.1'
/** For processes that have little of a slow machine. */
const slackMs = 10_000

interface Site {
  readonly fleet: Fleet
  /** By device: its own one, to the router. */
  readonly cables: Readonly<Record<'brief' | 'long', Cable>>
}

/** Two devices on the machine's Engine and one of their own, each with a cable to a router. */
function withSite(act: (site: Site) => Promise<void>): Promise<void> {
  return withLab(async lab => {
    const [office, router, brief, long] = [lab.host(), lab.host(), lab.host(), lab.host()]
    router.forward()
    lab.cable({ host: office, address: server }, { host: router, address: '10.77.0.2' })
    office.ip('route', 'add', 'default', 'via', '10.77.0.2')
    const cables = {
      brief: lab.cable({ host: brief, address: '10.77.1.1' }, { host: router, address: '10.77.1.2' }),
      long: lab.cable({ host: long, address: '10.77.2.1' }, { host: router, address: '10.77.2.2' }),
    }
    brief.ip('route', 'add', 'default', 'via', '10.77.1.2')
    long.ip('route', 'add', 'default', 'via', '10.77.2.2')
    const engine = await OwnEngine.make()
    const test = async (fleet: Fleet): Promise<void> => {
      await engine.start()
      fleet.device('brief', engine.host, brief).start(fleet.server)
      fleet.device('long', machineEngine, long).start(fleet.server)
      for (const name of Object.keys(cables)) await fleet.shown(name, 'Ready', ({ state }) => state === 'Ready')
      await act({ fleet, cables })
    }
    const options = { at: { host: office, address: server }, parent: lab.folder }
    await withFleet(test, options).finally(() => engine.remove())
  })
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const isAbout = (id: string, type: string) => (event: StreamedEvent) => event.device === id && event.type === type

inLab('a cable that is out for a second costs nothing, and one that is out for a minute only the time', async () => {
  await withSite(async ({ fleet, cables }) => {
    const [brief, long] = [await fleet.show('brief'), await fleet.show('long')]
    await fleet.deploy('devices/long', app, sayingApp('one'))
    await fleet.shown('long', 'runs the app', ({ apps }) => apps[0]?.state === 'running')
    const events = await fleet.api.events()
    const began = Date.now() / 1000

    for (const cable of Object.values(cables)) cable.pull()
    const pulledAt = performance.now()
    await pause(1_000)
    cables.brief.plug()
    const { expectedBy } = (await fleet.show('long'))!
    assert.is((await fleet.show('long'))?.state, 'Ready', 'nobody can know yet')

    // What is asked of a device that is not there is refused, or given up; what is desired waits, the newest of it.
    const restart = fleet.api.call<{ code: string }>('POST', `/devices/long/apps/${app}/restart`)
    for (const word of ['two', 'three']) await fleet.deploy('devices/long', app, sayingApp(word))
    const gone = await events.next('NotReady', isAbout(long!.id, 'device.not-ready'), 60_000)
    assert.ok(Date.parse(gone.at) <= Date.parse(expectedBy!) + slackMs, `NotReady at ${gone.at}, expected by ${expectedBy}`)
    assert.ok((await restart).status >= 400)
    assert.is((await fleet.api.call('POST', `/devices/long/apps/${app}/restart`)).status, 503)

    await pause(60_000 - (performance.now() - pulledAt))
    const before = containersOf(app).main
    assert.is(docker('inspect', '-f', '{{.State.Running}}', before!), 'true', 'what runs goes on running')
    cables.long.plug()
    await events.next('Ready', isAbout(long!.id, 'device.ready'), 90_000)
    const back = await fleet.shown('long', 'runs the newest revision', ({ apps }) => apps[0]?.revision === 3 && apps[0].state === 'running')
    assert.ok(back.epoch > long!.epoch)
    assert.equal(doneSince(began), ['create', 'start'], 'one container for the newest revision, and no restart')

    assert.equal([(await fleet.show('brief'))?.epoch, (await fleet.show('brief'))?.state], [brief!.epoch, 'Ready'])
    assert.equal(
      events.seen.filter(({ device, type }) => device === brief!.id && type !== 'device.changed').map(({ type }) => type),
      [],
    )
    await events.close()
  }).finally(() => clear(app))
})

/** What has come to be of the app on the machine's Engine. */
function doneSince(began: number): string[] {
  const until = Math.ceil(Date.now() / 1000) + 1
  const filters = ['create', 'start', 'restart'].flatMap(event => ['--filter', `event=${event}`])
  const label = ['--filter', `label=io.skerry.app=${app}`]
  const seen = docker('events', '--since', began.toFixed(3), '--until', String(until), ...filters, ...label, '--format', '{{.Action}}')
  return seen.split('\n').filter(Boolean).sort()
}

test.run()
