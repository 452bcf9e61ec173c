// The chain of signing keys: manager → agents, retained.
import { bytes, field, integer, list, type Of, record } from '../shape.js'
import { codec, version } from './message.js'

/** The most bytes of a link, signed; see signed.ts. */
const maxLinkBytes = 256

/** How agents come from the key that they hold to the newest: each link, signed with one key, names the next. Oldest first. */
const keys = record({ version: field(0, version), links: field(1, list(bytes(1, maxLinkBytes), 500)) })

const keyLink = record({
  version: field(0, version),
  /** How many keys this manager has had with this one. */
  number: field(1, integer(2, 0xffff_ffff)),
  /** The Ed25519 public key. */
  key: field(2, bytes(32, 32)),
})
export type KeyLink = Of<typeof keyLink>

export const keysCodec = codec(keys, 64 * 1024)
export const keyLinkCodec = codec(keyLink, maxLinkBytes)
