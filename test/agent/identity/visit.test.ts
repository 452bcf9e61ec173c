// A visit is over with its answer, whatever else is still on its way.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { visit } from '../../../agent/identity/visit.js'
import { joinAnswerCodec } from '../../../protocol/join.js'
import { protocolVersion } from '../../../protocol/messages/message.js'
import { ManualClock } from '../../support/clock.js'
import { within } from '../../support/within.js'

const answer = joinAnswerCodec.encode({ version: protocolVersion, fault: { code: 'join.key', message: 'no' } })

/** The answer comes together with the acknowledgement of what asked for it. */
function reply(packet: Packet): Packet[] {
  switch (packet.cmd) {
    case 'connect':
      return [{ cmd: 'connack', returnCode: 0, sessionPresent: false }]
    case 'subscribe':
      return [{ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [1] }]
    case 'publish':
      return [
        { cmd: 'puback', messageId: packet.messageId ?? 0 },
        { cmd: 'publish', topic: 'answer', payload: answer, qos: 0, retain: false, dup: false },
      ]
    default:
      return []
  }
}

test('an answer that comes with the acknowledgement ends it, and nothing is asked again', async () => {
  const server = createServer(socket => {
    const input = parser()
    socket.on('error', () => {})
    socket.on('data', bytes => input.parse(bytes))
    input.on('packet', packet => socket.write(Buffer.concat(reply(packet).map(each => generate(each)))))
  }).listen(0, '127.0.0.1')
  const closed = new Promise<void>(resolve => server.once('connection', socket => socket.once('close', () => resolve())))
  await once(server, 'listening')
  const clock = new ManualClock()
  try {
    const told = visit({
      broker: { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` },
      clientId: 'join-test',
      askOn: 'request',
      answerOn: 'answer',
      request: Buffer.from('x'),
      onPending: () => {},
      signal: new AbortController().signal,
      clock,
    })
    assert.is((await within(10_000, 'the answer', told)).fault?.code, 'join.key')
    await within(10_000, 'the connection is closed', closed)
    await new Promise(resolve => setImmediate(resolve))
    clock.advance(60_000)
  } finally {
    server.close()
  }
})

test.run()
