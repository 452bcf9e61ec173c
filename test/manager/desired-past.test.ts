// What devices and brokers kept from an earlier time does not outlive what has changed since.
import * as assert from 'node:assert/strict'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import { openDb } from '../../manager/store/db.js'
import { insertBody, markSpecs, readSpecsToClear, readSpecsToPublish } from '../../manager/store/outbox.js'
import { digestText, packSpec } from '../../protocol/spec.js'
import { FakeDevice } from '../support/device.js'
import { eventually, within } from '../support/within.js'
import { deviceIs, request, type Site, startSite, tempFolder, webApp } from './site.js'

const test = suite<{ site: Site }>('desired state of the past')

test.before.each(async context => {
  context.site = await startSite()
})
test.after.each(async ({ site }) => site.stop())

const digestOf = (compose: string) => digestText(packSpec({ compose }).digest)

/** The retained message of one topic. */
async function retainedOn(url: string, topic: string): Promise<Buffer> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
  try {
    const came = new Promise<Buffer>(resolve => client.on('message', (_topic, payload) => resolve(payload)))
    await client.subscribeAsync(topic)
    return await within(5000, topic, came)
  } finally {
    await client.endAsync(true)
  }
}

test('a group made anew tells its devices that it has no apps: one that was away may hold those of the old group', async ({ site }) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  await request(site.manager, 'POST', '/groups', { name: 'line-1', devices: ['a1'] })
  await request(site.manager, 'PUT', '/groups/line-1/apps/web', webApp())
  await eventually(5000, 'told', () => site.broker.published.includes('skerry/group/line-1/desired'))
  await request(site.manager, 'DELETE', '/groups/line-1?force=true')
  await eventually(5000, 'cleared', () => site.broker.published.includes('-skerry/group/line-1/desired'))
  await request(site.manager, 'POST', '/groups', { name: 'line-1', devices: ['a1'] })
  const last = () => site.broker.published.filter(topic => topic.endsWith('skerry/group/line-1/desired')).at(-1)
  await eventually(5000, 'told of the new one', () => last() === 'skerry/group/line-1/desired')
  await device.leave()
})

test('a broker that came back from an older copy gets the specs again, not only the manifest', async ({ site }) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  await deviceIs(site.manager, 'a1', 'Ready')
  const manifest = 'skerry/device/a1/desired'
  const spec = `skerry/spec/${digestOf(webApp('two:1'))}`
  await request(site.manager, 'PUT', '/devices/a1/apps/web', webApp('one:1'))
  await device.manifest(({ apps }) => apps.length === 1)
  const old = await retainedOn(site.broker.url, manifest)
  await request(site.manager, 'PUT', '/devices/a1/apps/web', webApp('two:1'))
  await device.manifest(({ apps }) => apps[0]?.revision === 2)
  await site.manager.stop()
  await device.client.publishAsync(manifest, old, { retain: true, qos: 1 })
  await device.client.publishAsync(spec, '', { retain: true, qos: 1 })
  site.broker.published.length = 0
  await site.restart()
  await eventually(5000, 'both are told again', () => site.broker.published.includes(manifest))
  assert.deepEqual(site.broker.published, [spec, manifest])
  await device.leave()
})

const store = suite('specs on the broker')

store('a spec that was being cleared at a crash is cleared again, or published again if it is needed once more', async () => {
  const folder = await tempFolder()
  const db = openDb(join(folder.path, 'manager.db'))
  try {
    const { digest, payload } = packSpec({ compose: webApp() })
    const text = digestText(digest)
    insertBody(db, { digest: text, payload })
    markSpecs(db, [text], 'clearing')
    assert.deepEqual(readSpecsToClear(db, 9), [text])
    db.runSql(
      "insert into apps (id, kind, target, name, revision, run, created_at, updated_at) values (1, 'device', 'a1', 'web', 1, 'running', 0, 0)",
      [],
    )
    db.runSql("insert into revisions (app, revision, digest, services, origin, created_at) values (1, 1, ?, '[]', '{}', 0)", [text])
    assert.deepEqual(readSpecsToPublish(db, 9), [text])
  } finally {
    db.close()
    await folder.remove()
  }
})

test.run()
store.run()
