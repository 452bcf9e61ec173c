// What is signed for one topic is good for no other; chains of keys lead on from the key that is held, and never back.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Result } from '../../protocol/errors.js'
import { keyLinkCodec, keysCodec } from '../../protocol/messages/keys.js'
import { encodeKeys, followKeys, openSigned, type Signer, signLink } from '../../protocol/signed.js'
import { newSigner } from '../support/signing.js'

const topic = 'skerry/device/a/desired'
const payload = Buffer.from('what is to run')
const codeOf = (result: Result<unknown>) => (result.ok ? 'ok' : result.refusals[0].code)

test('a message opens with the key and on the topic that it was signed for, and otherwise says why not', () => {
  const [own, other] = [newSigner(), newSigner()]
  const message = own.sign(topic, payload)
  const open = (bytes: Uint8Array, name: string, ...keys: Signer[]) =>
    openSigned(
      bytes,
      name,
      keys.map(key => key.publicKey),
    )
  const opened = open(message, topic, other, own)
  assert.ok(opened.ok && Buffer.compare(opened.value, payload) === 0)
  assert.is(codeOf(open(message, topic, other)), 'manifest.foreign')
  assert.is(codeOf(open(message, topic)), 'manifest.foreign')
  for (const name of ['skerry/device/b/desired', 'skerry/group/a/desired', 'plant/device/a/desired', '', `${topic}/`]) {
    assert.is(codeOf(open(message, name, own)), 'manifest.forged', name)
  }
  assert.is(codeOf(open(payload, topic, own)), 'manifest.unsigned')
  assert.is(codeOf(open(Buffer.alloc(0), topic, own)), 'manifest.unsigned')
})

test('a message that names a key but was signed by another is forged', () => {
  const [own, other] = [newSigner(), newSigner()]
  const [mine, others] = [own.sign(topic, payload), other.sign(topic, payload)]
  // The header up to the end of the key's name.
  const renamed = Buffer.concat([mine.subarray(0, 15), others.subarray(15)])
  assert.is(codeOf(openSigned(renamed, topic, [own.publicKey])), 'manifest.forged')
})

const signers = Array.from({ length: 5 }, newSigner) as [Signer, Signer, Signer, Signer, Signer]
const [one, two, three, four] = signers
const link = (from: Signer, to: Signer, number: number) => signLink(from, { number, key: to.publicKey })
const chain = [link(one, two, 2), link(two, three, 3), link(three, four, 4)]
/** The numbers of the keys that are gone by after the message, or why there are none. */
const follow = (message: Uint8Array, ...held: Signer[]) => {
  const result = followKeys(
    message,
    held.map(key => key.publicKey),
  )
  if (!result.ok) return result.refusals[0].code
  return result.value.map(key => signers.findIndex(signer => Buffer.compare(signer.publicKey, key) === 0) + 1)
}

test('from any key of the chain it leads to the newest, in one step', () => {
  const message = encodeKeys(chain)
  assert.equal(follow(message, one), [4])
  assert.equal(follow(message, two), [4])
  assert.equal(follow(message, three), [4])
})

test('who holds the newest stays, and so does everybody before the first change', () => {
  const held = [four.publicKey]
  const stayed = followKeys(encodeKeys(chain), held)
  assert.ok(stayed.ok && stayed.value === held)
  const before = followKeys(encodeKeys([]), held)
  assert.ok(before.ok && before.value === held)
})

test('keys that are passed are retired, and keys of others stay', () => {
  const other = signers[4]
  assert.equal(follow(encodeKeys(chain), other, one, three), [5, 4])
})

test('a chain of another fleet, or one that has gone back in time, leads nowhere', () => {
  assert.is(follow(encodeKeys(chain), signers[4]), 'manifest.foreign')
  assert.is(follow(encodeKeys(chain.slice(0, 1)), four), 'manifest.foreign')
})

test('whoever has a retired key leads nobody on who has passed it', () => {
  const thief = signers[4]
  const forks = [
    [link(one, thief, 2)],
    [...chain, link(one, thief, 5)],
    [link(one, thief, 2), ...chain.slice(1)],
    [link(one, thief, 2), link(thief, four, 3)],
    [...chain, link(two, thief, 4)],
  ]
  for (const fork of forks) {
    const after = follow(encodeKeys(fork), four)
    assert.ok(after === 'manifest.foreign' || after === 'manifest.forged' || String(after) === '4', String(after))
  }
})

test('every link is looked at to the end before a key is given up', () => {
  const cut = Buffer.from(chain[2]!)
  cut[cut.length - 1]! ^= 1
  assert.is(follow(encodeKeys([chain[0]!, chain[1]!, cut]), one), 'manifest.forged')
  assert.is(follow(encodeKeys([chain[0]!, chain[2]!]), one), 'manifest.foreign')
  assert.is(follow(encodeKeys([chain[0]!, Buffer.from('x'), chain[2]!]), one), 'manifest.unsigned')
  assert.is(follow(encodeKeys([chain[0]!, link(two, three, 4)]), one), 'manifest.forged')
  assert.is(
    follow(encodeKeys([three.sign(topic, keyLinkCodec.encode({ version: 1, number: 4, key: four.publicKey }))]), three),
    'manifest.forged',
  )
  assert.is(follow(encodeKeys([three.sign('fleet/keys', payload)]), three), 'message.invalid')
})

test('a link is no manifest, and a manifest no link', () => {
  assert.is(codeOf(openSigned(chain[0]!, 'skerry/fleet/keys', [one.publicKey])), 'manifest.forged')
  assert.is(
    follow(encodeKeys([one.sign('skerry/fleet/keys', keyLinkCodec.encode({ version: 1, number: 2, key: two.publicKey }))]), one),
    'manifest.forged',
  )
})

test('garbage is refused, and a chain of 500 links fits and is walked', () => {
  assert.is(follow(Buffer.from('x'), one), 'manifest.unsigned')
  assert.is(follow(Buffer.alloc(0), one), 'manifest.unsigned')
  const [begin, end] = [newSigner(), newSigner()]
  const pair = [newSigner(), newSigner()] as const
  const long = Array.from({ length: 500 }, (_, n) => link(n === 0 ? begin : pair[n % 2]!, n === 499 ? end : pair[(n + 1) % 2]!, n + 2))
  const message = encodeKeys(long)
  const walked = followKeys(message, [begin.publicKey])
  assert.ok(walked.ok && Buffer.compare(walked.value[0]!, end.publicKey) === 0)
  assert.not.ok(keysCodec.decode(encodeKeys([...long, long[0]!])).ok)
})

test.run()
