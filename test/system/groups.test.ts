// time limit: 300 s
// A group of two devices with an engine each: one online, one away.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ensureTestImage } from '../support/busybox.js'
import { containersOf } from '../support/docker.js'
import { withFleet } from '../support/fleet.js'
import { OwnEngine } from '../support/own-engine.js'

const image = ensureTestImage()
const compose = `services:
  main:
    image: ${image}
    command: sleep 100000
    stop_grace_period: 0s
    network_mode: none
`

interface AppView {
  readonly devices: readonly { readonly name: string; readonly deviceState: string; readonly state: string }[]
}

test('a group deploy reaches the member that is online; the other converges when it returns, and one that leaves loses it', async () => {
  const engine = await OwnEngine.make()
  try {
    await engine.start()
    ensureTestImage(image, engine.host)
    await withFleet(async fleet => {
      const here = fleet.device('here')
      const away = fleet.device('away', engine.host)
      for (const device of [here, away]) device.start(fleet.server)
      for (const name of ['here', 'away']) await fleet.shown(name, 'Ready', device => device.state === 'Ready')
      await away.stop()
      assert.is((await fleet.api.call('POST', '/groups', { name: 'line-1', devices: ['here', 'away'] })).status, 201)
      await fleet.deploy('groups/line-1', 'skt-sys-group', compose)

      const runs = (device: { apps: readonly { state: string }[] }) => device.apps[0]?.state === 'running'
      await fleet.shown('here', 'runs the app', runs)
      const meanwhile = (await fleet.api.get<AppView>('/groups/line-1/apps/skt-sys-group')).body.devices
      assert.is(meanwhile.find(device => device.name === 'here')?.state, 'running')
      assert.is(meanwhile.find(device => device.name === 'away')?.deviceState, 'NotReady')
      assert.is.not(meanwhile.find(device => device.name === 'away')?.state, 'running')

      away.start(fleet.server)
      await fleet.shown('away', 'runs the app', runs)
      assert.ok(containersOf('skt-sys-group', engine.host).main)

      await fleet.api.call('POST', '/groups/line-1/leave', { devices: ['away'] })
      await fleet.shown('away', 'has no app', device => device.apps.length === 0)
      assert.equal(containersOf('skt-sys-group', engine.host), {})
      assert.ok(containersOf('skt-sys-group').main)
    })
  } finally {
    await engine.remove()
  }
})

test('a device whose engine dies is NotReady with the reason, and Ready again by itself', async () => {
  const engine = await OwnEngine.make()
  try {
    await engine.start()
    ensureTestImage(image, engine.host)
    await withFleet(async fleet => {
      const device = fleet.device('fragile', engine.host)
      device.start(fleet.server)
      const { id } = await fleet.shown('fragile', 'Ready', shown => shown.state === 'Ready')
      await fleet.deploy(`devices/${id}`, 'skt-sys-engine', compose)
      await fleet.shown('fragile', 'runs the app', shown => shown.apps[0]?.state === 'running')
      await engine.kill()
      await fleet.shown(
        'fragile',
        'NotReady (EngineUnavailable)',
        shown => shown.state === 'NotReady' && shown.reason === 'EngineUnavailable',
      )
      await engine.start()
      await fleet.shown(
        'fragile',
        'Ready and running again',
        shown => shown.state === 'Ready' && shown.apps[0]?.state === 'running',
        90_000,
      )
    })
  } finally {
    await engine.remove()
  }
})

test.run()
