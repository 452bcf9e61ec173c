// Requests of the manager by themselves: credit, order, patience, all on a clock of the test's own.
import * as assert from 'node:assert/strict'
import fc from 'fast-check'
import { suite } from 'uvu'
import { parseSince } from '../../manager/api/since.js'
import { judgePart, nextGrant, windowBytes } from '../../manager/core/exchange.js'
import { Lines } from '../../manager/core/lines.js'
import type { Device } from '../../manager/core/model.js'
import { Exchange } from '../../manager/exchange.js'
import type { Inventory } from '../../manager/inventory.js'
import type { Journal } from '../../manager/journal.js'
import type { Link } from '../../manager/link.js'
import { Requests } from '../../manager/requests.js'
import { type Request, requestCodec } from '../../protocol/messages/request.js'
import { ManualClock } from '../support/clock.js'
import { contentsOf, manager } from '../support/signing.js'
import { eventually } from '../support/within.js'

const test = suite('exchange')
const codeOf = (error: unknown) => (error as { code?: string }).code

test('credit is never more than a window ahead of what was read, and never less than half of one', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: windowBytes }), { maxLength: 50 }), reads => {
      let granted = windowBytes
      let taken = 0
      for (const bytes of reads) {
        taken += Math.min(bytes, granted - taken)
        granted = nextGrant(granted, taken) ?? granted
        assert.ok(granted - taken <= windowBytes && granted - taken > windowBytes / 2)
      }
    }),
  )
})

test('parts are taken in order, once', () => {
  assert.deepEqual([judgePart(3, 3), judgePart(2, 3), judgePart(0, 3), judgePart(4, 3)], ['next', 'repeated', 'repeated', 'gap'])
})

test('lines are the same however their bytes are cut', () => {
  const text = 'one\r\n\nthrée\n\u{1f600} four\nlast'
  fc.assert(
    fc.property(fc.array(fc.nat(40), { maxLength: 8 }), cuts => {
      const bytes = Buffer.from(text)
      const at = [0, ...cuts.map(cut => cut % bytes.length).sort((one, other) => one - other), bytes.length]
      const lines = new Lines(false)
      const parts = at.slice(1).map((end, n) => bytes.subarray(at[n], end))
      const shown = [...parts.flatMap(data => lines.take({ service: 'web', stream: 'out', data })), ...lines.end()]
      assert.deepEqual(
        shown.map(({ line }) => line),
        ['one', '', 'thrée', '\u{1f600} four', 'last'],
      )
    }),
  )
})

test('a line without end is cut', () => {
  const lines = new Lines(false)
  const shown = lines.take({ service: 'web', stream: 'out', data: Buffer.alloc(150_000, 'x') })
  assert.deepEqual(
    [...shown, ...lines.end()].map(({ line }) => line.length),
    [65_536, 65_536, 18_928],
  )
})

test('a point in the past is told in several ways', () => {
  const now = Date.parse('2026-01-02T00:00:00Z')
  const seconds = now / 1000
  assert.deepEqual(
    ['90s', '10m', '2h', '1d', '1767225600', '2026-01-01', '2026-01-01T12:00:00Z'].map(text => parseSince(text, now)),
    [seconds - 90, seconds - 600, seconds - 7200, seconds - 86_400, 1_767_225_600, 1_767_225_600, 1_767_268_800],
  )
  for (const text of ['', '10', '5 m', '10w', 'yesterday', '2026-13-45']) {
    if (text !== '10') assert.throws(() => parseSince(text, now), { code: 'request.invalid' }, text)
  }
})

test('a device that sends more than it may is stopped', async () => {
  const sent: string[] = []
  const exchange = new Exchange({ device: 'a1', epoch: 1, kind: 'logs', send: ({ kind }) => void sent.push(kind) })
  exchange.receive({ version: 1, part: 0 })
  exchange.receive({ version: 1, part: 1, data: Buffer.alloc(windowBytes) })
  exchange.receive({ version: 1, part: 2, data: Buffer.alloc(1) })
  await assert.rejects(
    async () => {
      for await (const _ of exchange.read());
    },
    { code: 'message.invalid' },
  )
  assert.equal(sent.at(-1), 'cancel')
})

/** A manager with one device, its clock, and what it has published. */
function world() {
  const clock = new ManualClock()
  const device = {
    id: 'a1',
    state: 'Ready',
    reason: null,
    name: null,
    facts: null,
    signs: { epoch: 7, intervalS: 10 },
  } as unknown as Device
  const devices = new Map([['a1', device]])
  const published: { topic: string; request: Request; retain: boolean | undefined }[] = []
  const publish = async (topic: string, payload: Uint8Array, retain?: boolean) => {
    const request = requestCodec.decode(contentsOf(payload))
    if (request.ok) published.push({ topic, request: request.value, retain })
  }
  const requests = new Requests({
    root: 'skerry',
    clock,
    signing: manager,
    journal: { subscribe: () => () => {} } as unknown as Journal,
    inventory: { devices } as unknown as Inventory,
  })
  requests.up({ publish } as unknown as Link)
  const kinds = () => published.map(({ request }) => request.kind)
  return { clock, device, published, requests, kinds }
}
const never = new AbortController().signal

test('a request for a report is sent once, also to a device whose Engine is away, and is not renewed', async () => {
  const { clock, device, published, requests, kinds } = world()
  Object.assign(device, { state: 'NotReady', reason: 'EngineUnavailable' })
  const parts = requests.ask(device, { kind: 'report', holds: Buffer.from('01020304', 'hex') }, never)
  const first = parts.next()
  const { topic, request } = await eventually(2000, 'the request', () => published[0])
  assert.deepEqual(request, { version: 1, kind: 'report', epoch: 7, holds: Buffer.from('01020304', 'hex') })
  requests.receive('a1', topic.split('/').at(-1)!, { version: 1, part: 0 })
  await first
  const second = parts.next()
  clock.advance(60_000)
  requests.receive('a1', topic.split('/').at(-1)!, { version: 1, part: 1, last: true })
  await second
  await parts.next()
  assert.deepEqual(kinds(), ['report'])
  await assert.rejects(requests.ask(device, { kind: 'logs', app: 'web' }, never).next(), { code: 'device.unavailable' })
})

test('a request is not retained, names its session, and is renewed until it ends', async () => {
  const { clock, device, published, requests, kinds } = world()
  const parts = requests.ask(device, { kind: 'logs', app: 'web', follow: true }, never)
  const first = parts.next()
  const { topic, request, retain } = await eventually(2000, 'the request', () => published[0])
  assert.match(topic, /^skerry\/device\/a1\/request\/[\w-]{16}$/)
  assert.deepEqual([request.epoch, request.creditBytes, request.patienceS, retain], [7, windowBytes, 30, false])
  requests.receive('a1', topic.split('/').at(-1)!, { version: 1, part: 0 })
  await first
  clock.advance(25_000)
  assert.deepEqual(kinds(), ['logs', 'credit', 'credit'])
  await parts.return(undefined)
  assert.deepEqual(kinds(), ['logs', 'credit', 'credit', 'cancel'])
  clock.advance(60_000)
  assert.equal(kinds().length, 4)
})

test('a device that says nothing is given up, one that has connected anew too', async () => {
  const silent = world()
  const unanswered = silent.requests.ask(silent.device, { kind: 'restart', app: 'web' }, never).next().catch(codeOf)
  await eventually(2000, 'the request', () => silent.published[0])
  silent.clock.advance(15_000)
  assert.equal(await unanswered, 'wait.timeout')
  const slow = world()
  slow.device.signs = { ...slow.device.signs, intervalS: 1200 }
  const late = slow.requests.ask(slow.device, { kind: 'restart', app: 'web' }, never).next()
  const { topic, request } = await eventually(2000, 'the request', () => slow.published[0])
  assert.equal(request.patienceS, 120)
  slow.clock.advance(59_000)
  slow.requests.receive('a1', topic.split('/').at(-1)!, { version: 1, part: 0 })
  assert.equal((await late).done, false)
  const renewed = world()
  const old = renewed.requests.ask(renewed.device, { kind: 'logs', app: 'web' }, never).next().catch(codeOf)
  await eventually(2000, 'the request', () => renewed.published[0])
  renewed.device.signs = { ...renewed.device.signs, epoch: 8 }
  renewed.requests.noteSession('a2')
  renewed.requests.noteSession('a1')
  assert.equal(await old, 'device.unavailable')
})

test('without a broker nothing can be asked, and what was asked ends', async () => {
  const { device, published, requests } = world()
  const asked = requests.ask(device, { kind: 'logs', app: 'web' }, never).next().catch(codeOf)
  await eventually(2000, 'the request', () => published[0])
  requests.down()
  assert.equal(await asked, 'broker.unavailable')
  assert.equal(await requests.ask(device, { kind: 'logs', app: 'web' }, never).next().catch(codeOf), 'broker.unavailable')
})

test.run()
