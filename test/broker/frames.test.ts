// The frame scanner: the same verdict however the bytes are cut, and the bucket that limits connections.
import fc from 'fast-check'
import { generate } from 'mqtt-packet'
import { suite } from 'uvu'
import { equal, is } from 'uvu/assert'
import { connectPacket } from '../../bench/support/raw.js'
import { FrameScanner } from '../../broker/frames.js'
import { ConnectRate, take } from '../../broker/rate.js'

const test = suite('frames and rates')
const limits = { frameBytes: 1000, controlBytes: 100 }

function scan(chunks: readonly Uint8Array[]): string {
  const scanner = new FrameScanner(limits)
  for (const chunk of chunks) {
    let taken: ReturnType<FrameScanner['take']> = 0
    for (let at = 0; at < chunk.length; at += taken) {
      taken = scanner.take(chunk.subarray(at))
      if (typeof taken === 'string') return taken
    }
  }
  return 'fine'
}

const connect = generate(connectPacket({ clientId: 'a' }))
const publish = (bytes: number): Buffer =>
  generate({ cmd: 'publish', topic: 't', payload: Buffer.alloc(bytes), qos: 0, retain: false, dup: false })

test('frames are measured whole, by kind', () => {
  is(scan([connect, publish(900)]), 'fine')
  is(scan([connect, publish(1000)]), 'frame-too-large')
  is(scan([generate(connectPacket({ clientId: 'a'.repeat(120) }))]), 'frame-too-large')
  is(scan([publish(1)]), 'not-mqtt')
  is(scan([connect, connect]), 'not-mqtt')
  is(scan([connect, Buffer.from([0xc0, 0x80, 0x80, 0x80, 0x80])]), 'not-mqtt')
  is(scan([Buffer.from('GET / HTTP/1.1\r\n')]), 'not-mqtt')
})

test('what follows a CONNECT is left, to the byte', () => {
  const scanner = new FrameScanner(limits)
  const bytes = Buffer.concat([connect, publish(1), publish(2)])
  is(scanner.take(bytes.subarray(0, connect.length - 1)), connect.length - 1)
  is(scanner.hasConnect, false)
  is(scanner.take(bytes.subarray(connect.length - 1)), 1)
  is(scanner.hasConnect, true)
  is(scanner.take(bytes.subarray(connect.length)), bytes.length - connect.length)
  is(scanner.hasConnect, false)
})

test('the verdict does not depend on how the stream is cut', () => {
  const stream = fc.array(fc.oneof(fc.constant(connect), fc.integer({ min: 0, max: 1100 }).map(publish), fc.uint8Array({ maxLength: 6 })), {
    maxLength: 5,
  })
  fc.assert(
    fc.property(stream, fc.integer({ min: 1, max: 300 }), (parts, size) => {
      const bytes = Buffer.concat([connect, ...parts])
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
      is(scan(chunks), scan([bytes]))
    }),
  )
})

test('a bucket gives its burst, then what its rate brings back', () => {
  const rate = { perSecond: 10, burst: 2 }
  const one = take(undefined, rate, 0)
  const two = take(one, rate, 0)
  equal([one?.tokens, two?.tokens, take(two, rate, 50)], [1, 0, undefined])
  is(take(two, rate, 100)?.tokens, 0)
  is(take(two, rate, 60_000)?.tokens, 1)
})

test('one address cannot use up what others are given', () => {
  const rate = new ConnectRate({ perSecond: 1, burst: 5 }, { perSecond: 1, burst: 2 })
  equal(
    [1, 2, 3].map(() => rate.allows('a', 0)),
    [true, true, false],
  )
  equal(
    [1, 2, 3].map(() => rate.allows('b', 0)),
    [true, true, false],
  )
  equal([rate.allows('c', 0), rate.allows('d', 0)], [true, false])
})

test.run()
