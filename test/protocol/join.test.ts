// Joining: messages come back as they were sent, any other bytes are refused, and a token is one word that tells nothing when refused.
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeCbor } from '../../protocol/cbor.js'
import { type JoinAnswer, type JoinRequest, joinAnswerCodec, joinRequestCodec } from '../../protocol/join.js'
import { formatJoinToken, parseJoinToken } from '../../protocol/join-token.js'
import { someFacts as facts } from '../support/device.js'

const request: JoinRequest = { version: 1, csr: randomBytes(250), device: 'k3v9', facts, token: randomBytes(16), fleetKey: 'of the plant' }

test('a request and its answers come back as they were sent', () => {
  const { token, fleetKey, ...plain } = request
  for (const message of [request, plain, { ...plain, token: request.token }] as JoinRequest[]) {
    const decoded = joinRequestCodec.decode(joinRequestCodec.encode(message))
    assert.equal(decoded.ok && normal(decoded.value), normal(message))
  }
  const answers: JoinAnswer[] = [
    { version: 1, fault: { code: 'token.spent', message: 'used up' } },
    { version: 1, device: 'k3v9', pending: true },
    { version: 1, device: 'k3v9', chain: [randomBytes(450), randomBytes(400)], keys: [randomBytes(32)] },
  ]
  for (const message of answers) {
    const decoded = joinAnswerCodec.decode(joinAnswerCodec.encode(message))
    assert.equal(decoded.ok && normal(decoded.value), normal(message))
  }
})

test('a request of another shape is refused with the place of the fault', () => {
  const wrong: [Map<number, unknown>, string][] = [
    [new Map<number, unknown>([[0, 1]]), 'csr'],
    [entries({ 2: '../x' }), 'device'],
    [entries({ 1: Buffer.alloc(0) }), 'csr'],
    [entries({ 1: Buffer.alloc(2049) }), 'csr'],
    [entries({ 3: 'none' }), 'facts'],
    [entries({ 4: Buffer.alloc(15) }), 'token'],
    [entries({ 5: 'x'.repeat(201) }), 'fleetKey'],
  ]
  for (const [raw, path] of wrong) {
    const decoded = joinRequestCodec.decode(encodeCbor(raw))
    assert.equal(decoded.ok ? 'accepted' : decoded.refusals[0].path, path)
  }
})

test('a token tells its secret and its CA', () => {
  const secret = randomBytes(16)
  const ca = createHash('sha256').update('a certificate').digest('base64url')
  const text = formatJoinToken({ secret, ca })
  assert.match(text, /^skj\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$/)
  const parsed = parseJoinToken(text)
  assert.ok(parsed.ok)
  assert.is(parsed.value.ca, ca)
  assert.is(Buffer.compare(Buffer.from(parsed.value.secret), secret), 0)
})

test('what is no token is refused without repeating it', () => {
  const token = formatJoinToken({ secret: randomBytes(16), ca: 'A'.repeat(43) })
  for (const text of ['', 'skj', `${token}x`, token.slice(0, -1), ` ${token}`, token.replace('skj', 'skt'), token.replaceAll('.', '-')]) {
    const parsed = parseJoinToken(text)
    assert.ok(!parsed.ok)
    assert.is(parsed.refusals[0].code, 'token.invalid')
    assert.not(parsed.refusals[0].message.includes(token.slice(4, 12)))
  }
})

function entries(changes: Record<number, unknown>): Map<number, unknown> {
  const sent = joinRequestCodec.encode(request)
  const decoded = joinRequestCodec.decode(sent)
  assert.ok(decoded.ok)
  const base = new Map<number, unknown>([
    [0, 1],
    [1, request.csr],
    [2, request.device],
    [3, new Map(Object.values(facts).map((value, n) => [n + 1, value]))],
  ])
  for (const [key, value] of Object.entries(changes)) base.set(Number(key), value)
  return base
}

function normal(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, item) => (item?.type === 'Buffer' ? Buffer.from(item.data).toString('hex') : bytesOf(item))),
  )
}

function bytesOf(item: unknown): unknown {
  return item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item
}

test.run()
