// Specs: addressed by their content, small on the wire, and never opened as something else.
import { brotliCompressSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeCbor } from '../../protocol/cbor.js'
import type { SkerryError } from '../../protocol/errors.js'
import { maxSpecBytes } from '../../protocol/messages/spec.js'
import { digestText, openSpec, packSpec } from '../../protocol/spec.js'
import { parseTopic } from '../../protocol/topics.js'

const compose = `services:\n${Array.from({ length: 20 }, (_, n) => `  web${n}:\n    image: nginx:1.27\n    restart: unless-stopped\n`).join('')}`

test('the same text has the same digest, another text another', () => {
  assert.equal(packSpec({ compose }).digest, packSpec({ compose }).digest)
  assert.not.equal(packSpec({ compose }).digest, packSpec({ compose: `${compose}\n` }).digest)
})

test('a spec opens to the text that was packed, and repetitive text shrinks', () => {
  const { digest, payload } = packSpec({ compose })
  const opened = openSpec(payload, digest)
  assert.ok(opened.ok && opened.value.compose === compose)
  assert.ok(payload.length < compose.length / 4)
})

test('a text too short to shrink travels as it is', () => {
  const { digest, payload } = packSpec({ compose: 'a' })
  assert.ok(openSpec(payload, digest).ok)
})

test('a spec that is not what its digest names is refused', () => {
  const opened = openSpec(packSpec({ compose: 'services: {}' }).payload, packSpec({ compose }).digest)
  assert.equal(opened.ok || opened.refusals[0].code, 'spec.digest')
})

test('a payload that would inflate beyond the limit is refused', () => {
  const bomb = brotliCompressSync(Buffer.alloc(64 * 1024 * 1024))
  const payload = encodeCbor(
    new Map<number, unknown>([
      [0, 1],
      [1, 1],
      [2, bomb],
    ]),
  )
  const opened = openSpec(payload, new Uint8Array(32))
  assert.equal(opened.ok || opened.refusals[0].code, 'message.invalid')
})

test('a compose file above the limit is not packed, one at the limit comes back whole', () => {
  assert.throws(
    () => packSpec({ compose: 'é'.repeat(600_000) }),
    (error: SkerryError) => error.code === 'spec.too-large',
  )
  const { digest, payload } = packSpec({ compose: '#'.repeat(maxSpecBytes) })
  const opened = openSpec(payload, digest)
  assert.is(opened.ok && opened.value.compose.length, maxSpecBytes)
})

test('garbage in place of the compressed body is refused', () => {
  const payload = encodeCbor(
    new Map<number, unknown>([
      [0, 1],
      [1, 1],
      [2, new Uint8Array(40).fill(0xaa)],
    ]),
  )
  const opened = openSpec(payload, new Uint8Array(32))
  assert.equal(opened.ok || opened.refusals[0].code, 'message.invalid')
})

test('a digest as text is a valid topic segment', () => {
  assert.ok(parseTopic('skerry', `skerry/spec/${digestText(packSpec({ compose }).digest)}`))
})

test.run()
