// time limit: 180 s
// An image list from the API to a real device: signed on the way, held against what only the device can know, and lifted again.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { docker } from '../support/docker.js'
import { withFleet } from '../support/fleet.js'
import { startRegistry } from '../support/registry.js'

const app = 'audit-sys-images'

test('an image that only the device knows the name of is denied there, and what runs is told of when a list begins to deny it', async () => {
  const registry = await startRegistry()
  const image = await registry.push('audit/listed', '1', `listed ${process.pid}`, { command: ['sleep', '100000'] })
  const list = (verb: 'allow' | 'remove', pattern: string) => `/images/${verb} ${pattern}`.split(' ') as [string, string]
  try {
    await withFleet(async fleet => {
      const { api } = fleet
      const change = async ([path, pattern]: [string, string]) => {
        const { status, body } = await api.call('POST', path, { patterns: [pattern] })
        assert.is(status, 200, JSON.stringify(body))
      }
      const device = fleet.device('listed')
      device.start(fleet.server)
      const { id } = await fleet.shown('listed', 'Ready', shown => shown.state === 'Ready')
      const wrong = `${registry.host}/audit/other:*`
      await change(list('allow', wrong))
      const compose = `services: {web: {image: "${registry.host}/audit/$SKERRY_DEVICE_NAME:1", stop_signal: SIGKILL, network_mode: none}}\n`
      await fleet.deploy(`devices/${id}`, app, compose)
      const denied = await fleet.shown('listed', 'denies it', shown => shown.apps[0]?.fault?.code === 'image.denied')
      assert.match(denied.apps[0]?.fault?.message ?? '', /audit\/listed:1 is not on the image list of the fleet/)
      assert.equal(registry.requests, [])

      await change(list('allow', `${registry.host}/audit/*`))
      await fleet.shown('listed', 'runs it', shown => shown.apps[0]?.state === 'running')
      const container = docker('ps', '-q', '--filter', `label=io.skerry.app=${app}`)
      await change(list('remove', `${registry.host}/audit/*`))
      const told = await fleet.shown('listed', 'tells of it', shown => shown.faults.some(({ code }) => code === 'image.denied'))
      assert.is(told.apps[0]?.state, 'running')
      assert.is(docker('ps', '-q', '--filter', `label=io.skerry.app=${app}`), container)
      assert.is((await api.call('DELETE', '/images')).status, 204)
      await fleet.shown('listed', 'is content', shown => shown.faults.length === 0)

      const { body } = await api.get<{ intact: boolean; rows: number }>('/audit/verify')
      assert.ok(body.intact && body.rows > 5, JSON.stringify(body))
    })
  } finally {
    if (docker('images', '-q', image) !== '') docker('rmi', '-f', image)
    await registry.close()
  }
})

test.run()
