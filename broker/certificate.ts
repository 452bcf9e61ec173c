// What a client's certificate says, and whether one of our authorities issued it.
import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { fingerprint, keyNameOf } from '../protocol/fingerprint.js'

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

const p256Head = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex')
const clientAuth = '1.3.6.1.5.5.7.3.2'
/** OpenSSL goes on after a fault and tells the last one it found; one of dates may so hide another. */
const datesOnly = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

export function readAuthorities(pem: string | Buffer): X509Certificate[] {
  const blocks = pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map(block => new X509Certificate(block))
}

/**
 * Undefined if none was shown. The handshake's own verdict counts for a session that was made by it: OpenSSL does not look at a
 * certificate again when a session is resumed, and Node then calls even a client without any certificate authorized.
 */
export function readShown(socket: TLSSocket, authorities: readonly X509Certificate[]): Shown | undefined {
  const certificate: Partial<DetailedPeerCertificate> | null = socket.getPeerCertificate(false)
  const { raw } = certificate ?? {}
  if (certificate === null || raw === undefined) return undefined
  const verdict = socket.authorized ? 'fine' : String(socket.authorizationError)
  const isFresh = verdict === 'fine' && !socket.isSessionReused()
  const isPossible = isForClients(certificate) && (verdict === 'fine' || datesOnly.has(verdict))
  // Whatever strangers put into a certificate must not throw here.
  try {
    return {
      name: commonName(certificate),
      key: nameOfKey(certificate, raw),
      from: Date.parse(certificate.valid_from ?? ''),
      until: Date.parse(certificate.valid_to ?? ''),
      genuine: isPossible && (isFresh || authorities.some(authority => isIssuedBy(new X509Certificate(raw), authority))),
    }
  } catch {
    return { name: '', key: '', from: 0, until: 0, genuine: false }
  }
}

function isForClients({ ca, ext_key_usage: usages }: Partial<DetailedPeerCertificate>): boolean {
  return ca !== true && usages?.includes(clientAuth) === true
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

/** An SPKI of P-256 is a head and the point; to parse the certificate once more for it costs as much as the rest of the handshake in this process. */
function nameOfKey({ asn1Curve, pubkey }: Partial<DetailedPeerCertificate>, raw: Buffer): string {
  const isPoint = asn1Curve === 'prime256v1' && pubkey?.length === 65
  return isPoint ? fingerprint(Buffer.concat([p256Head, pubkey])) : keyNameOf(new X509Certificate(raw).publicKey)
}

/** Empty unless there is exactly one. */
function commonName({ subject }: Partial<DetailedPeerCertificate>): string {
  const name: unknown = subject?.CN
  return typeof name === 'string' ? name : ''
}
