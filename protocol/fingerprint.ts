// Names of keys and certificates: the SHA-256 of their DER, as one word.
import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'

/** SHA-256 in base64url without padding: 43 characters. Of an SPKI it names the key, of a certificate that certificate. */
export function fingerprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url')
}

/** The name of a key pair, by its public half. */
export function keyNameOf(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key
  return fingerprint(half.export({ format: 'der', type: 'spki' }))
}

/** The name of a certificate, given as PEM or DER. Throws if it is none. */
export function certificateName(certificate: string | Uint8Array): string {
  return fingerprint(new X509Certificate(certificate).raw)
}
