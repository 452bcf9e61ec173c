// COSE_Sign1 (RFC 9052) with Ed25519 (RFC 9053, 2.2), in the one form that Skerry sends: untagged, its header protected, nothing else in it.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { decodeCbor, encodeCbor } from './cbor.js'

/** A message as it came: nothing in it is known to be true before {@link verifySign1} says so. */
export interface Sign1 {
  /** The header as it was signed. */
  readonly header: Uint8Array
  /** Which key is said to have signed it. */
  readonly kid: Uint8Array
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

/** Labels of header parameters (RFC 9052, 3.1), and the number of EdDSA (RFC 9053, 2.2). */
const algorithm = 1
const keyIdentifier = 4
const edDsa = -8

export const publicKeyBytes = 32
const signatureBytes = 64
const kidBytes = 8

/** What stands before the 32 bytes of a key in its DER form (RFC 8410). */
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** The bytes by which messages name a public key. */
export function kidOf(publicKey: Uint8Array): Uint8Array {
  return createHash('sha256').update(publicKey).digest().subarray(0, kidBytes)
}

/** PKCS#8 in DER. */
export function newPrivateKey(): Buffer {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' })
}

/** `der`: PKCS#8. */
export function readPrivateKey(der: Uint8Array): { readonly privateKey: KeyObject; readonly publicKey: Uint8Array } {
  const privateKey = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { privateKey, publicKey: spki.subarray(publicPrefix.length) }
}

/** `context`: what the reader must know by itself, and is signed with the payload (the external AAD of RFC 9052, 4.3). */
export function encodeSign1(
  payload: Uint8Array,
  context: Uint8Array,
  { privateKey, publicKey }: ReturnType<typeof readPrivateKey>,
): Buffer {
  const header = encodeCbor(
    new Map<number, unknown>([
      [algorithm, edDsa],
      [keyIdentifier, kidOf(publicKey)],
    ]),
  )
  const signature = sign(null, toBeSigned(header, context, payload), privateKey)
  return encodeCbor([header, new Map(), payload, signature])
}

/** The parts of a message, or undefined if the bytes are not one, or one of another form. Never throws. */
export function decodeSign1(message: Uint8Array): Sign1 | undefined {
  const parts = decodeCbor(message)
  if (!Array.isArray(parts) || parts.length !== 4) return undefined
  const [header, unprotected, payload, signature]: unknown[] = parts
  if (!(unprotected instanceof Map) || unprotected.size > 0) return undefined
  if (!isBytes(header) || !isBytes(payload) || !isBytes(signature) || signature.length !== signatureBytes) return undefined
  const kid = readHeader(header)
  return kid === undefined ? undefined : { header, kid, payload, signature }
}

/** Whether this key has signed this message in this context. Never throws. */
export function verifySign1({ header, payload, signature }: Sign1, context: Uint8Array, publicKey: Uint8Array): boolean {
  if (publicKey.length !== publicKeyBytes) return false
  try {
    const key = createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: 'der', type: 'spki' })
    return verify(null, toBeSigned(header, context, payload), key, signature)
  } catch {
    return false
  }
}

/** The Sig_structure of RFC 9052, 4.4. */
export function toBeSigned(header: Uint8Array, context: Uint8Array, payload: Uint8Array): Buffer {
  return encodeCbor(['Signature1', header, context, payload])
}

/** The key's name, if the header says EdDSA and nothing but that and the name. */
function readHeader(header: Uint8Array): Uint8Array | undefined {
  const fields = decodeCbor(header)
  if (!(fields instanceof Map) || fields.size !== 2 || fields.get(algorithm) !== edDsa) return undefined
  const kid: unknown = fields.get(keyIdentifier)
  return isBytes(kid) && kid.length === kidBytes ? kid : undefined
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}
