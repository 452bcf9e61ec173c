// COSE_Sign1 against published vectors (RFC 9052, RFC 8032, cose-wg), and against everything that is not one.
import { createPublicKey, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeCbor, encodeCbor } from '../../protocol/cbor.js'
import { decodeSign1, encodeSign1, kidOf, newPrivateKey, readPrivateKey, type Sign1, toBeSigned, verifySign1 } from '../../protocol/cose.js'

const hex = (text: string) => Buffer.from(text, 'hex')
const content = Buffer.from('This is the content.')
const nothing = Buffer.alloc(0)

/** RFC 9052, C.7.1: the P-256 key with the name "11". */
const p256 = createPublicKey({
  format: 'jwk',
  key: { kty: 'EC', crv: 'P-256', x: 'usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8', y: 'IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4' },
})
const header256 = hex('a10126')

test('what is to be signed is as RFC 9052 has it: the signature of its appendix C.2.1 is over it', () => {
  const signature = hex(
    '8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36',
  )
  assert.ok(verify('sha256', toBeSigned(header256, nothing, content), { key: p256, dsaEncoding: 'ieee-p1363' }, signature))
})

test('a context is signed too: the bytes to be signed of a published example, and its signature', () => {
  const bytes = toBeSigned(header256, hex('11aa22bb33cc44dd55006699'), content)
  assert.is(bytes.toString('hex'), '846a5369676e61747572653143a101264c11aa22bb33cc44dd5500669954546869732069732074686520636f6e74656e742e')
  const signature = hex(
    'eae868ecc176883766c5dc5ba5b8dca25dab3c2e56a551ce5705b793914348e155388b10c4f1b59a6733eab416870a945111a4b2fbdbef33a77234b1deff2f9b',
  )
  assert.ok(verify('sha256', bytes, { key: p256, dsaEncoding: 'ieee-p1363' }, signature))
})

/** The key of RFC 8032, 7.1, test 1, which the EdDSA examples of the COSE working group use as well. */
const first = {
  seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
}

test('a published EdDSA message is verified, and no altered one', () => {
  const signature = hex(
    '7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb8711497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d',
  )
  const message: Sign1 = { header: hex('a201270300'), kid: Buffer.from('11'), payload: content, signature }
  assert.ok(verifySign1(message, nothing, hex(first.key)))
  assert.not.ok(verifySign1({ ...message, payload: Buffer.from('This is the content!') }, nothing, hex(first.key)))
  assert.not.ok(verifySign1({ ...message, header: hex('a10127') }, nothing, hex(first.key)))
  assert.not.ok(verifySign1(message, Buffer.from('x'), hex(first.key)))
})

const rfc8032 = [
  {
    ...first,
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
]

/** A private key of RFC 8032 in PKCS#8. */
const privateKeyOf = (seed: string) => readPrivateKey(Buffer.concat([hex('302e020100300506032b657004220420'), hex(seed)]))

test('keys and signatures are those of RFC 8032', () => {
  for (const { seed, key, message, signature } of rfc8032) {
    const { privateKey, publicKey } = privateKeyOf(seed)
    assert.is(Buffer.from(publicKey).toString('hex'), key)
    assert.is(sign(null, hex(message), privateKey).toString('hex'), signature)
  }
})

test('a message has the form that topics.md shows, and its signature is deterministic', () => {
  const key = privateKeyOf(first.seed)
  const message = encodeSign1(content, Buffer.from('skerry/device/a/desired'), key)
  const kid = Buffer.from(kidOf(key.publicKey)).toString('hex')
  assert.is(message.subarray(0, 36).toString('hex'), `844da201270448${kid}a054${content.toString('hex')}`.slice(0, 72))
  assert.is(message.length, content.length + 83)
  assert.equal(encodeSign1(content, Buffer.from('skerry/device/a/desired'), key), message)
})

test('payloads of every length that changes the form come back', () => {
  const key = readPrivateKey(newPrivateKey())
  for (const length of [0, 1, 23, 24, 255, 256, 65_535, 65_536, 131_000]) {
    const payload = Buffer.alloc(length, 7)
    const message = decodeSign1(encodeSign1(payload, Buffer.from('t'.repeat(length % 300)), key))!
    assert.is(Buffer.compare(message.payload, payload), 0)
    assert.ok(verifySign1(message, Buffer.from('t'.repeat(length % 300)), key.publicKey))
  }
})

const key = readPrivateKey(newPrivateKey())
const context = Buffer.from('skerry/device/a/desired')
const good = encodeSign1(content, context, key)
const parts = decodeCbor(good) as unknown[]
const opens = (message: Uint8Array) => {
  const decoded = decodeSign1(message)
  return decoded !== undefined && verifySign1(decoded, context, key.publicKey)
}
const headerOf = (...entries: [unknown, unknown][]) => encodeCbor(new Map(entries))

test('whatever is not of the one form is none', () => {
  assert.ok(opens(good))
  const [header, empty, payload, signature] = parts
  const kid = kidOf(key.publicKey)
  const others: [string, unknown][] = [
    ['three parts', [header, empty, payload]],
    ['five parts', [...parts, null]],
    ['a map', new Map([[0, header]])],
    ['no header', [Buffer.alloc(0), empty, payload, signature]],
    ['a header that is a map', [new Map([[1, -8]]), empty, payload, signature]],
    ['a header of another algorithm', [headerOf([1, -7], [4, kid]), empty, payload, signature]],
    ['a header without an algorithm', [headerOf([4, kid]), empty, payload, signature]],
    ['an algorithm by its name', [headerOf([1, 'EdDSA'], [4, kid]), empty, payload, signature]],
    ['a header with more', [headerOf([1, -8], [4, kid], [2, [99]]), empty, payload, signature]],
    ['a key named by other bytes', [headerOf([1, -8], [4, kid.subarray(1)]), empty, payload, signature]],
    ['something unprotected', [header, new Map([[4, kid]]), payload, signature]],
    ['unprotected, no map', [header, [], payload, signature]],
    ['no payload', [header, empty, null, signature]],
    ['a payload that is text', [header, empty, 'text', signature]],
    ['a short signature', [header, empty, payload, (signature as Uint8Array).subarray(1)]],
    ['no signature', [header, empty, payload, null]],
  ]
  for (const [what, value] of others) assert.is(decodeSign1(encodeCbor(value)), undefined, what)
  assert.is(decodeSign1(Buffer.concat([hex('d2'), good])), undefined, 'a tag')
  assert.is(decodeSign1(Buffer.concat([good, hex('00')])), undefined, 'more after it')
  assert.is(decodeSign1(nothing), undefined, 'nothing')
})

test('a bit that is another makes it another message: it is none, or its signature is not good', () => {
  for (let bit = 0; bit < good.length * 8; bit++) {
    const altered = Buffer.from(good)
    altered[bit >> 3]! ^= 1 << (bit & 7)
    const decoded = decodeSign1(altered)
    const isRefused = !opens(altered)
    // The name of the key is signed as well, so even that cannot be another.
    assert.ok(isRefused, `bit ${bit}${decoded === undefined ? '' : ', which decodes'}`)
  }
})

test('the same signature in its other form is not taken: there is one message for one thing that was signed', () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const signature = Buffer.from(parts[3] as Uint8Array)
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order
  const other = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()
  const message = encodeCbor([parts[0], parts[1], parts[2], Buffer.concat([signature.subarray(0, 32), other])])
  assert.ok(decodeSign1(message) !== undefined)
  assert.not.ok(opens(message))
})

test('no bytes and no key make it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 40 }), (bytes, anyKey) => {
      const decoded = decodeSign1(bytes)
      const some = decoded ?? { header: bytes, kid: bytes, payload: bytes, signature: bytes }
      assert.not.ok(verifySign1(some, bytes, anyKey))
    }),
    { numRuns: 500 },
  )
})

test.run()
