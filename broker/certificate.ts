// What a client's certificate says, and whether one of our authorities issued it.
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { keyNameOf } from '../protocol/fingerprint.js'

/** A certificate whose key the other end of a connection has proved to hold. */
export interface Shown {
  /** Its common name. */
  readonly name: string
  /** SHA-256 of its public key (SPKI), in base64url. */
  readonly key: string
  /** Wall-clock ms. */
  readonly from: number
  readonly until: number
  /** Whether one of our authorities issued it, for a client. */
  readonly genuine: boolean
}

const clientAuth = '1.3.6.1.5.5.7.3.2'
/** OpenSSL goes on after a fault and tells the last one it found; one of dates may so hide another. */
const datesOnly = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

export function readAuthorities(pem: string | Buffer): X509Certificate[] {
  const blocks = pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map(block => new X509Certificate(block))
}

/**
 * Undefined if none was shown. The handshake's own verdict is not enough: OpenSSL does not look at a certificate again when a
 * session is resumed, and Node then calls even a client without any certificate authorized.
 */
export function readShown(socket: TLSSocket, authorities: readonly X509Certificate[]): Shown | undefined {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  const fault: unknown = socket.authorizationError
  const passed = socket.authorized || datesOnly.has(String(fault))
  return describe(certificate, passed ? authorities : [])
}

/** Whatever strangers put into a certificate must not throw here. */
function describe(certificate: X509Certificate, authorities: readonly X509Certificate[]): Shown {
  try {
    return {
      name: commonName(certificate.subject),
      key: keyNameOf(certificate.publicKey),
      from: Date.parse(certificate.validFrom),
      until: Date.parse(certificate.validTo),
      genuine: isForClients(certificate) && authorities.some(authority => isIssuedBy(certificate, authority)),
    }
  } catch {
    return { name: '', key: '', from: 0, until: 0, genuine: false }
  }
}

function isForClients(certificate: X509Certificate): boolean {
  // Node's types call it key usage; it is the extended one, and undefined if there is none.
  const usages: readonly string[] | undefined = certificate.keyUsage
  return !certificate.ca && usages?.includes(clientAuth) === true
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

/** Empty unless there is exactly one. */
function commonName(subject: string): string {
  const names = subject.split('\n').filter(line => line.startsWith('CN='))
  return names.length === 1 ? (names[0]?.slice(3) ?? '') : ''
}
