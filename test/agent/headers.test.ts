// The estimate of headers, on exchanges as they are seen on a cable; and what packets are for.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { closeHeaders, type Headers, openHeaders, passHeaders } from '../../agent/core/headers.js'
import { packetBytes, publishBytes, purposeOf } from '../../agent/core/purpose.js'
import { formatPermitTopic } from '../../protocol/permit-topics.js'
import { formatTopic } from '../../protocol/topics.js'

const test = suite('headers')

type Passed = readonly [at: number, sent: number, received: number]

/** Segments that a connection has sent and received by its end, besides those that open it (2, 1) and close it (1, 2). */
function segmentsOf(...passed: readonly Passed[]): [sent: number, received: number] {
  const begun: Headers = openHeaders('IPv4')
  const end = passed.reduce((headers, [at, sent, received]) => passHeaders(headers, { sent, received, pieces: 0 }, at), begun)
  const { sent, received } = closeHeaders(end)
  return [(sent - 8) / 52 - 3, (received - 8) / 52 - 3]
}

test('a heartbeat has one segment, and one acknowledgement that goes alone', () => {
  assert.equal(segmentsOf([0, 70, 0]), [1, 1])
  assert.equal(segmentsOf([0, 70, 0], [1_000, 70, 0], [61_000, 70, 0]), [3, 3])
})

test('what came after a while is acknowledged at once, what comes in a run by what is answered', () => {
  assert.equal(segmentsOf([0, 0, 30]), [1, 1])
  assert.equal(segmentsOf([0, 0, 30], [10, 0, 30], [20, 26, 0]), [2, 3])
  assert.equal(segmentsOf([0, 0, 30], [10, 0, 30], [100, 26, 0]), [3, 3])
})

test('of much, every second segment is acknowledged', () => {
  assert.equal(segmentsOf([0, 144_800, 0]), [100, 50])
  assert.equal(segmentsOf([0, 70, 0], [10, 0, 144_800]), [51, 101])
})

test('what came in several pieces had as many segments, at least', () => {
  const { bytes } = passHeaders(openHeaders('IPv6'), { sent: 0, received: 90, pieces: 3 }, 0)
  assert.is(bytes.received, 72 + 8 + 3 * 72)
})

test('headers only grow, whatever passes', () => {
  const passing = fc.record({ sent: fc.nat(5_000), received: fc.nat(5_000), pieces: fc.nat(3), after: fc.nat(2_000) })
  fc.assert(
    fc.property(fc.array(passing), steps => {
      let headers = openHeaders('IPv4')
      let at = 0
      for (const { after, ...passed } of steps) {
        at += after
        const next = passHeaders(headers, passed, at)
        assert.ok(next.bytes.sent >= headers.bytes.sent && next.bytes.received >= headers.bytes.received)
        headers = next
      }
    }),
  )
})

test('a packet has the bytes that MQTT gives it', () => {
  assert.is(publishBytes({ topic: 'skerry/h/a1', payloadBytes: 7, qos: 0 }), 2 + 13 + 7)
  assert.is(publishBytes({ topic: 'skerry/h/a1', payloadBytes: 7, qos: 1 }), 2 + 13 + 7 + 2)
  const lengths = [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]
  assert.equal(
    lengths.map(length => packetBytes(length) - length),
    [2, 2, 3, 3, 4, 4, 5],
  )
})

test('a topic tells what its bytes are for', () => {
  const of = (channel: Parameters<typeof formatTopic>[1]) => purposeOf('plant/a', formatTopic('plant/a', channel))
  const device = 'press-7'
  assert.is(of({ kind: 'device', device, channel: 'heartbeat' }), 'heartbeat')
  for (const channel of ['reported', 'changes', 'usage'] as const) assert.is(of({ kind: 'device', device, channel }), 'report')
  for (const channel of ['status', 'desired', 'renewal', 'certificate'] as const)
    assert.is(of({ kind: 'device', device, channel }), 'state')
  for (const kind of ['request', 'response'] as const) assert.is(of({ kind, device, rid: 'r1' }), 'log')
  assert.is(of({ kind: 'spec', digest: 'a'.repeat(43) }), 'state')
  assert.is(purposeOf('plant/a', formatPermitTopic('plant/a', { kind: 'group', name: 'line-1' })), 'state')
  assert.is(purposeOf('plant/a', 'something/else'), 'state')
})

test.run()
