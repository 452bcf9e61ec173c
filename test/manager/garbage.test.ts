// Garbage on every topic that the manager hears: counted, told once per source, and nothing changes.
import * as assert from 'node:assert/strict'
import fc from 'fast-check'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import { Intake } from '../../manager/intake.js'
import { encodeCbor } from '../../protocol/cbor.js'
import { responseCodec } from '../../protocol/messages/request.js'
import { FakeDevice } from '../support/device.js'
import { eventually } from '../support/within.js'
import { deviceIs, request, type Site, silent, startSite } from './site.js'

const test = suite<{ site: Site }>('garbage')

test.before(async context => {
  context.site = await startSite()
})
test.after(async ({ site }) => site.stop())

test('is counted by reason, told once per source, and changes nothing', async ({ site }) => {
  const device = await FakeDevice.online({ url: site.broker.url, id: 'a1' })
  const before = await deviceIs(site.manager, 'a1', 'Ready')
  const client = await mqtt.connectAsync(site.broker.url)
  const payloads = [
    Buffer.from('no CBOR \xff'),
    encodeCbor('text'),
    encodeCbor([1, -1]),
    encodeCbor(new Map([[0, 1]])),
    Buffer.alloc(600_000),
  ]
  for (const topic of ['device/a1/status', 'h/a1', 'device/a1/reported', 'device/a1/response/r']) {
    for (const payload of payloads) await client.publishAsync(`skerry/${topic}`, payload, { qos: 1 })
  }
  for (const id of ['BAD', 'a b', '-x', 'x'.repeat(40), '']) await client.publishAsync(`skerry/device/${id}/status`, 'x', { qos: 1 })
  await client.publishAsync('skerry/device/a1/response/another', 'garbage', { qos: 1 })
  await client.publishAsync('skerry/device/a1/response/unasked', responseCodec.encode({ version: 1, part: 0 }), { qos: 1 })
  await client.publishAsync('skerry/device/a1/status', '', { qos: 1 })
  await client.publishAsync('skerry/device/b1/status', 'garbage', { qos: 1, retain: true })
  const dropped = await eventually(5000, 'all are counted', async () => {
    const { body } = await request(site.manager, 'GET', '/stats')
    const counts = body.messages.dropped
    return counts['message.invalid'] + counts['message.too-large'] + counts['topic.invalid'] === 27 && counts
  })
  assert.deepEqual(dropped, { 'message.invalid': 18, 'message.too-large': 4, 'topic.invalid': 5 })
  const { items } = (await request(site.manager, 'GET', '/events?type=message.dropped')).body
  assert.deepEqual(items.length, 10)
  assert.deepEqual(new Set(items.map((event: { device: string | null }) => event.device)), new Set(['a1', 'b1', null]))
  const after = (await request(site.manager, 'GET', '/devices')).body.items
  assert.deepEqual(after, [before])
  await client.endAsync()
  await device.leave()
})

test('of any bytes on any topic is survived', () => {
  const none = () => {}
  const receiver = {
    heartbeat: none,
    status: none,
    reported: none,
    usage: none,
    changes: none,
    response: none,
    join: none,
    renewal: none,
    desired: none,
    dropped: none,
  }
  const intake = new Intake('skerry', receiver, silent)
  const topics = fc
    .constantFrom('status', 'reported', 'changes', 'usage', 'desired', 'response/r', 'request/r', 'x', '')
    .map(channel => `skerry/device/a1/${channel}`)
  fc.assert(
    fc.property(
      fc.oneof(topics, fc.constant('skerry/h/a1'), fc.string()),
      fc.uint8Array({ maxLength: 200 }),
      fc.boolean(),
      (topic, payload, retained) => {
        intake.handle(topic, payload, retained)
      },
    ),
    { numRuns: 2000 },
  )
})

test.run()
