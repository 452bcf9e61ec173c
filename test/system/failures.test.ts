// time limit: 300 s
// What must hold when agents and managers are killed, restarted or away: real processes, a real engine, a real broker.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ensureTestImage } from '../support/busybox.js'
import { containersOf, docker } from '../support/docker.js'
import { withFleet } from '../support/fleet.js'

const image = ensureTestImage()
const sleeper = (value: string) => `services:
  main:
    image: ${image}
    command: sleep 100000
    stop_grace_period: 0s
    environment: { VALUE: "${value}" }
    network_mode: none
`

const running = (app: string, revision: number) => (device: { apps: readonly { app: string; state: string; revision: number }[] }) =>
  device.apps.some(shown => shown.app === app && shown.state === 'running' && shown.revision === revision)

test('an agent killed with -9 is NotReady at once, its containers run on, and its return recreates nothing', async () => {
  await withFleet(async fleet => {
    const agent = fleet.device('press')
    agent.start(fleet.server)
    const before = await fleet.shown('press', 'Ready', device => device.state === 'Ready')
    await fleet.deploy(`devices/${before.id}`, 'skt-sys-kill', sleeper('1'))
    await fleet.shown('press', 'runs the app', running('skt-sys-kill', 1))
    const containers = containersOf('skt-sys-kill')
    const events = await fleet.api.events()

    await agent.kill()
    await events.next('not ready', event => event.type === 'device.not-ready' && event.device === before.id)
    const dead = await fleet.show('press')
    assert.is(dead?.state, 'NotReady')
    assert.is(dead?.reason, 'Disconnected')
    assert.equal(containersOf('skt-sys-kill'), containers)

    agent.start(fleet.server)
    await events.next('ready again', event => event.type === 'device.ready' && event.device === before.id)
    const after = await fleet.shown('press', 'Ready and running', device => device.state === 'Ready' && running('skt-sys-kill', 1)(device))
    assert.is(after.id, before.id)
    assert.equal(containersOf('skt-sys-kill'), containers)
    await events.close()
  })
})

test('a restarted manager shows a dead and a living device right', async () => {
  await withFleet(async fleet => {
    const dead = fleet.device('dead')
    const alive = fleet.device('alive')
    for (const device of [dead, alive]) device.start(fleet.server)
    await fleet.shown('dead', 'Ready', device => device.state === 'Ready')
    const { id } = await fleet.shown('alive', 'Ready', device => device.state === 'Ready')
    await fleet.api.call('PATCH', `/devices/${id}`, { intervalS: 1 })
    await fleet.server.stop()
    await dead.kill()
    await fleet.server.start()
    assert.is.not((await fleet.show('dead'))?.state, 'Ready')
    await fleet.shown('alive', 'Ready', device => device.state === 'Ready')
    await fleet.shown('dead', 'NotReady', device => device.state === 'NotReady', 60_000)
    assert.is((await fleet.show('alive'))?.state, 'Ready')
  })
})

test('a device that was off during three deploys makes only the last one', async () => {
  await withFleet(async fleet => {
    const agent = fleet.device('sleepy')
    agent.start(fleet.server)
    const { id } = await fleet.shown('sleepy', 'Ready', device => device.state === 'Ready')
    await agent.stop()
    await fleet.shown('sleepy', 'NotReady (Stopped)', device => device.reason === 'Stopped')
    for (const value of ['1', '2', '3']) await fleet.deploy(`devices/${id}`, 'skt-sys-three', sleeper(value))
    const since = String(Math.floor(Date.now() / 1000))
    agent.start(fleet.server)
    await fleet.shown('sleepy', 'runs revision 3', running('skt-sys-three', 3))
    const until = String(Math.ceil(Date.now() / 1000) + 1)
    const filters = ['--filter', 'event=create', '--filter', 'label=com.docker.compose.project=skt-sys-three']
    const created = docker('events', '--since', since, '--until', until, ...filters)
    assert.is(created.split('\n').filter(Boolean).length, 1)
    const env = docker('inspect', '--format', '{{json .Config.Env}}', containersOf('skt-sys-three').main!)
    assert.match(env, 'VALUE=3')
  })
})

test('a deploy that was answered happens though the manager is killed right after', async () => {
  await withFleet(async fleet => {
    const agent = fleet.device('patient')
    agent.start(fleet.server)
    const { id } = await fleet.shown('patient', 'Ready', device => device.state === 'Ready')
    await fleet.deploy(`devices/${id}`, 'skt-sys-answered', sleeper('1'))
    await fleet.server.kill()
    await fleet.server.start()
    await fleet.shown('patient', 'runs the app', running('skt-sys-answered', 1))
  })
})

test.run()
