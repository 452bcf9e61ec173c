// What the API acknowledged survives kill -9, and what was not yet told is told after the next start.
import * as assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import { startManager } from '../../manager/manager.js'
import { digestText, packFile } from '../../protocol/spec.js'
import { testHttp } from '../support/credentials.js'
import { FakeDevice } from '../support/device.js'
import { eventually, within } from '../support/within.js'
import { connected, deviceIs, request, silent, startBroker, tempFolder, webApp } from './site.js'

const test = suite('kill -9 of a manager')

test('a deploy acknowledged before it was told to the broker is told after the restart', async () => {
  const folder = await tempFolder()
  const file = join(folder.path, 'manager.db')
  const broker = await startBroker()
  const child = spawn(process.execPath, [fileURLToPath(new URL('./crash-child.js', import.meta.url)), file, broker.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [line] = await within(20_000, 'the manager starts', once(child.stdout, 'data'))
  const manager = { url: String(line).trim() }
  await connected(manager)
  const device = await FakeDevice.online({ url: broker.url, id: 'a1' })
  await deviceIs(manager, 'a1', 'Ready')
  await request(manager, 'PATCH', '/devices/a1', { labels: { site: 'x' } })
  await broker.stop()
  await eventually(5000, 'the manager notices', async () => (await request(manager, 'GET', '/ready')).status === 503)
  device.client.end(true)
  const { status } = await request(manager, 'PUT', '/devices/a1/apps/web', { compose: webApp(), files: { 'conf/a': 'one' } })
  child.kill('SIGKILL')
  await within(5000, 'the manager is gone', ended)
  assert.equal(status, 201)

  const back = await startBroker(broker.port)
  const restarted = await startManager({
    file,
    root: 'skerry',
    broker: { url: back.url },
    http: testHttp,
    log: silent,
  })
  const again = await FakeDevice.online({ url: back.url, id: 'a1', epoch: 65_538 })
  assert.equal((await again.manifest(({ apps }) => apps.length > 0)).apps[0]?.name, 'web')
  const told = `skerry/spec/${digestText(packFile(Buffer.from('one')).digest)}`
  assert.ok(back.published.indexOf(told) >= 0 && back.published.indexOf(told) < back.published.indexOf('skerry/device/a1/desired'))
  assert.deepEqual((await request(restarted, 'GET', '/devices/a1')).body.labels, { site: 'x' })
  assert.ok((await request(restarted, 'GET', '/events?type=app.deployed')).body.items.length === 1)
  await again.leave()
  await restarted.stop()
  await back.stop()
  await folder.remove()
})

test.run()
