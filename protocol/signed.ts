// What the manager signs: each message for its own topic, so that it cannot be shown on another; and how one key follows another.
import { decodeSign1, encodeSign1, kidOf, readPrivateKey, verifySign1 } from './cose.js'
import { accept, type Result, refuse } from './errors.js'
import { type KeyLink, keyLinkCodec, keysCodec } from './messages/keys.js'
import { protocolVersion } from './messages/message.js'

export interface Signer {
  readonly publicKey: Uint8Array
  /** `topic`: the full name of the one that the message is for. */
  sign(topic: string, payload: Uint8Array): Buffer
}

/** `der`: an Ed25519 key, PKCS#8. */
export function createSigner(der: Uint8Array): Signer {
  const key = readPrivateKey(der)
  return { publicKey: key.publicKey, sign: (topic, payload) => encodeSign1(payload, Buffer.from(topic), key) }
}

/** What links are signed for in place of a topic: they hold whatever the root. No topic has this name, as a root has at least one segment. */
const linkContext = 'fleet/keys'

/**
 * The payload of a message that one of `keys` has signed for `topic`. Refuses with `manifest.unsigned`, `manifest.foreign` (by
 * another key) or `manifest.forged` (altered, or signed for another topic). Never throws.
 */
export function openSigned(message: Uint8Array, topic: string, keys: readonly Uint8Array[]): Result<Uint8Array> {
  const signed = decodeSign1(message)
  if (signed === undefined) return refuse('manifest.unsigned', 'it is not signed')
  const named = keys.filter(key => sameBytes(kidOf(key), signed.kid))
  if (named.length === 0) return refuse('manifest.foreign', 'it is signed with a key that this device does not go by')
  const context = Buffer.from(topic)
  if (named.some(key => verifySign1(signed, context, key))) return accept(signed.payload)
  return refuse('manifest.forged', 'it was altered, or signed for another topic')
}

/** One key says which is the next. */
export function signLink(signer: Signer, link: Omit<KeyLink, 'version'>): Buffer {
  return signer.sign(linkContext, keyLinkCodec.encode({ version: protocolVersion, ...link }))
}

export function encodeKeys(links: readonly Uint8Array[]): Buffer {
  return keysCodec.encode({ version: protocolVersion, links })
}

/**
 * The keys to go by after a chain of links was seen: where it leads on from one of `keys`, its last key takes the place of that
 * one and of all between. The same ones if it says nothing new. Refuses a chain with a bad link from there on, or that none of
 * `keys` is in; a chain without links says nothing. Never throws.
 */
export function followKeys(message: Uint8Array, keys: readonly Uint8Array[]): Result<readonly Uint8Array[]> {
  const decoded = keysCodec.decode(message)
  if (!decoded.ok) return refuse('manifest.unsigned', 'it is no chain of keys')
  const { links } = decoded.value
  const start = links.findIndex(link => keys.some(key => isSignedWith(link, key)))
  if (start < 0) return standStill(links, keys)
  const passed: Uint8Array[] = keys.filter(key => isSignedWith(links[start], key)).slice(0, 1)
  let number: number | undefined
  for (const link of links.slice(start)) {
    const read = openLink(link, passed.at(-1))
    if (!read.ok) return read
    if (number !== undefined && read.value.number !== number + 1) return refuse('manifest.forged', 'a link of the chain of keys is missing')
    number = read.value.number
    passed.push(read.value.key)
  }
  const newest = passed.at(-1)
  const others = keys.filter(key => !passed.some(each => sameBytes(each, key)))
  return accept(newest === undefined ? keys : [...others, newest])
}

function standStill(links: readonly Uint8Array[], keys: readonly Uint8Array[]): Result<readonly Uint8Array[]> {
  const last = links.at(-1)
  if (last === undefined) return accept(keys)
  const newest = readLink(decodeSign1(last)?.payload)
  const isHeld = newest.ok && keys.some(key => sameBytes(key, newest.value.key))
  return isHeld ? accept(keys) : refuse('manifest.foreign', 'the chain of keys does not lead on from the key of this device')
}

function openLink(link: Uint8Array, key: Uint8Array | undefined): Result<KeyLink> {
  const opened = openSigned(link, linkContext, key === undefined ? [] : [key])
  return opened.ok ? readLink(opened.value) : opened
}

function readLink(payload: Uint8Array | undefined): Result<KeyLink> {
  return payload === undefined ? refuse('manifest.unsigned', 'a link of the chain of keys is not signed') : keyLinkCodec.decode(payload)
}

/** Says so only; whether it is true is seen when the link is opened. */
function isSignedWith(link: Uint8Array | undefined, key: Uint8Array): boolean {
  const signed = link === undefined ? undefined : decodeSign1(link)
  return signed !== undefined && sameBytes(signed.kid, kidOf(key))
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
