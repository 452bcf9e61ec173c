// time limit: 240 s
// Newer images under the same tag, their roll-back, and a deletion with volumes and images: from the command line to real containers.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runCli } from '../support/cli.js'
import { containersOf, docker } from '../support/docker.js'
import { withFleet } from '../support/fleet.js'
import { startRegistry } from '../support/registry.js'
import { eventually } from '../support/within.js'

const app = 'skt-sys-wishes'
const idOf = (image: string) => docker('inspect', '-f', '{{.Id}}', image)
const imageOf = (container: string) => docker('inspect', '-f', '{{.Image}}', container)
const count = (...list: string[]) =>
  docker(...list)
    .split('\n')
    .filter(Boolean).length

test('newer images come, bad ones go back, and what is deleted leaves nothing on a device that was away', async () => {
  const registry = await startRegistry()
  const made = new Set<string>()
  const push = async (name: string, salt: string, command: readonly string[]) =>
    await registry.push(`ask/${name}`, '1', `${name} ${salt}`, { command })
  const sleep = ['sleep', '100000']
  try {
    const web = await push('web', 'one', sleep)
    const db = await push('db', 'one', sleep)
    const service = (image: string) => `{image: ${image}, stop_signal: SIGKILL, network_mode: none}`
    const compose = `services:\n  web: ${service(web)}\n  db: ${service(db).replace('}', ', volumes: ["kept:/kept"]}')}\nvolumes: {kept: {}}\n`
    await withFleet(async fleet => {
      const device = fleet.device('wished')
      device.start(fleet.server)
      const { id } = await fleet.shown('wished', 'Ready', shown => shown.state === 'Ready')
      const cli = (...args: string[]) =>
        runCli(args, { env: { SKERRY_SERVER: fleet.api.url, SKERRY_DATA: fleet.server.folder }, limitMs: 90_000 })
      await fleet.deploy(`devices/${id}`, app, compose)
      await fleet.shown('wished', 'runs the app', shown => shown.apps[0]?.state === 'running')
      const before = containersOf(app)
      for (const image of [web, db]) made.add(idOf(image))

      // Both tags move; only one of the services is to follow.
      await push('web', 'two', sleep)
      await push('db', 'two', sleep)
      const updated = await cli('update', app, 'web', '-d', id, '--wait')
      assert.is(updated.code, 0, updated.err)
      const after = containersOf(app)
      made.add(idOf(web))
      assert.is(after.db, before.db)
      assert.is.not(imageOf(after.web!), imageOf(before.db!))
      assert.is(imageOf(after.web!), idOf(web))
      const good = imageOf(after.web!)

      await push('web', 'three', ['false'])
      const failed = await cli('update', app, 'web', '-d', id, '--wait')
      made.add(idOf(web))
      assert.is(failed.code, 1, failed.out + failed.err)
      assert.match(failed.err, new RegExp(`error: app ${app} rolled-back on wished: .*\\(service\\.exited\\)`))
      await eventually(20_000, 'the last good image runs again', () => imageOf(containersOf(app).web!) === good)

      await device.stop()
      await fleet.shown('wished', 'away', shown => shown.state === 'NotReady')
      const deleted = await cli('delete', 'app', app, '-d', id, '--volumes', '--images')
      assert.is(deleted.code, 0, deleted.err)
      device.start(fleet.server)
      await fleet.shown('wished', 'has no app', shown => shown.state === 'Ready' && shown.apps.length === 0)
      assert.equal(containersOf(app), {})
      await eventually(40_000, 'no volume is left', () => count('volume', 'ls', '-q', '--filter', `label=io.skerry.app=${app}`) === 0)
      await eventually(40_000, 'no image is left', () => count('images', '-q', `${registry.host}/ask/*`) === 0)
    })
  } finally {
    const left = docker('images', '-q', '--no-trunc')
      .split('\n')
      .filter(image => made.has(image))
    if (left.length > 0) docker('rmi', '-f', ...new Set(left))
    await registry.close()
  }
})

test.run()
