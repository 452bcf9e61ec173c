// Judges the certificate that a server shows without a look at the clock: who has signed it, for which name, and that its end has not certainly passed.
import { X509Certificate } from 'node:crypto'
import { checkServerIdentity } from 'node:tls'

export interface Expectation {
  /** Certificates of the authorities that are trusted, PEM. */
  readonly ca: string | Buffer
  /** The name or address that the server was asked for by. */
  readonly host: string
  /** What ended before this, ms since 1970, has certainly ended. */
  readonly floorMs: number
}

/** What a handshake has brought. */
export interface Shown {
  /** The server's own certificate; none is shown where an earlier session goes on. */
  readonly leaf: X509Certificate | undefined
  /** A session that was begun with a server which was judged then. */
  readonly resumed: boolean
  /** What OpenSSL has found, with the device's clock. */
  readonly fault: string | undefined
}

/** Faults that a right clock is needed for. OpenSSL names the last of several, so whoever sees one checks all else once more. */
const clockFaults: readonly string[] = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']
const serverUse = '1.3.6.1.5.5.7.3.1'

/**
 * The name of what is wrong; undefined: nothing is. Beyond OpenSSL's own findings only a certificate signed by a trusted authority itself is taken:
 * with others in between there would be more to check (RFC 5280, 6.1).
 */
export function judgeServer({ leaf, resumed, fault }: Shown, expected: Expectation): string | undefined {
  if (fault !== undefined && !clockFaults.includes(fault)) return fault
  if (resumed) return undefined
  if (leaf === undefined) return 'CERT_MISSING'
  if (!(Date.parse(leaf.validTo) >= expected.floorMs)) return 'CERT_ENDED'
  return fault === undefined ? undefined : judgeAnew(leaf, fault, expected)
}

function judgeAnew(leaf: X509Certificate, fault: string, { ca, host, floorMs }: Expectation): string | undefined {
  const authority = parseAll(ca).find(each => each.ca && leaf.checkIssued(each) && leaf.verify(each.publicKey))
  if (authority === undefined || leaf.ca || !(leaf.keyUsage ?? []).includes(serverUse)) return fault
  if (!(Date.parse(authority.validTo) >= floorMs)) return 'CERT_ENDED'
  return checkServerIdentity(host, leaf.toLegacyObject()) === undefined ? undefined : 'ERR_TLS_CERT_ALTNAME_INVALID'
}

/** OpenSSL has read the same text already. */
function parseAll(pem: string | Buffer): X509Certificate[] {
  const texts = pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return texts.map(text => new X509Certificate(text))
}
