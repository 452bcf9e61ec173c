// Checks the certificates that a fleet has answered with, before the device takes them for its own.
import { type KeyObject, X509Certificate } from 'node:crypto'
import { accept, type Result, refuse } from '../../protocol/errors.js'
import { fingerprint, keyNameOf } from '../../protocol/fingerprint.js'

export interface Chain {
  readonly own: X509Certificate
  readonly ca: X509Certificate
}

export interface Expected {
  /** The device's private key. */
  readonly key: KeyObject
  readonly device: string
  /** SHA-256 of the CA's certificate (DER), in base64url; undefined: any. */
  readonly ca: string | undefined
}

/** `chain` is in DER, the device's own first and the CA's last. Refuses with `ca.mismatch` or `certificate.invalid`. */
export function checkChain(chain: readonly Uint8Array[], { key, device, ca }: Expected): Result<Chain> {
  const certificates = parse(chain)
  const [own, last] = [certificates?.at(0), certificates?.at(-1)]
  if (certificates === undefined || own === undefined || last === undefined || certificates.length < 2) return invalid('no chain')
  if (ca !== undefined && fingerprint(last.raw) !== ca) {
    return refuse('ca.mismatch', 'the certificate comes from another certificate authority than that of the fleet')
  }
  const issuers = [...certificates.slice(1), last]
  const signed = certificates.every((each, n) => isIssuedBy(each, issuers[n] ?? last))
  if (!signed || !last.ca) return invalid('not signed by its certificate authority')
  if (keyNameOf(own.publicKey) !== keyNameOf(key)) return invalid('for another key')
  return own.subject === `CN=${device}` ? accept({ own, ca: last }) : invalid('for another device')
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function parse(chain: readonly Uint8Array[]): X509Certificate[] | undefined {
  try {
    return chain.map(der => new X509Certificate(der))
  } catch {
    return undefined
  }
}

function invalid(why: string): Result<never> {
  return refuse('certificate.invalid', `the server has answered with a certificate that is ${why}`)
}
