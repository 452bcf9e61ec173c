// Certificates made and certificate requests read. The library is large and slow to load, so it is loaded when first needed.
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import { accept, type Result, refuse } from '../../protocol/errors.js'

type Library = typeof import('@peculiar/x509')

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

async function load(): Promise<Library> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

/** Times in ms since 1970. */
export interface Life {
  readonly from: number
  readonly until: number
}

export interface Authority {
  /** PKCS#8, PEM. */
  readonly key: string
  /** The CA's certificate, PEM. */
  readonly certificate: string
}

/** A new private key for ECDSA P-256: PKCS#8, PEM. */
export function makeKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

/** A CA's own certificate, PEM. Of the same key and name comes a CA that trusts what the one before has signed. */
export async function makeCa(key: string, name: string, life: Life): Promise<string> {
  const x509 = await load()
  const publicKey = new x509.PublicKey(spkiOf(key))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: makeSerial(),
    subject: [{ CN: [name] }],
    issuer: [{ CN: [name] }],
    ...validity(life),
    publicKey,
    signingKey: await importKey(key),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  return `${certificate.toString('pem').trimEnd()}\n`
}

export interface Leaf {
  readonly use: 'server' | 'device'
  readonly name: string
  /** Names and addresses that the certificate is good for besides. */
  readonly hosts?: readonly string[]
  /** The public key, DER. */
  readonly spki: Uint8Array
  readonly life: Life
}

/** A certificate by the authority, DER. */
export async function certify(authority: Authority, { use, name, hosts = [], spki, life }: Leaf): Promise<Buffer> {
  const x509 = await load()
  const ca = new x509.X509Certificate(authority.certificate)
  const publicKey = new x509.PublicKey(spki)
  const names = hosts.map(host => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: makeSerial(),
    subject: [{ CN: [name] }],
    issuer: ca.subjectName,
    ...validity(life),
    publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([use === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth]),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
      // A device's is in the ticket of each of its TLS sessions, and has nothing that can be left out.
      ...(use === 'device'
        ? []
        : [new x509.BasicConstraintsExtension(false, undefined, true), await x509.SubjectKeyIdentifierExtension.create(publicKey)]),
    ],
  })
  return Buffer.from(certificate.rawData)
}

/** The public key (SPKI, DER) of a certificate request that is signed with it. Refuses with `certificate.invalid`; never throws. */
export async function readRequest(der: Uint8Array): Promise<Result<Buffer>> {
  const x509 = await load()
  try {
    const request = new x509.Pkcs10CertificateRequest(der)
    const spki = Buffer.from(request.publicKey.rawData)
    if (!isPlainKey(spki)) return refuse('certificate.invalid', 'the key of a device must be one for ECDSA P-256')
    if (await request.verify()) return accept(spki)
    return refuse('certificate.invalid', 'the certificate request is not signed with its own key')
  } catch {
    return refuse('certificate.invalid', 'that is no certificate request')
  }
}

/** For ECDSA P-256, in the one form that names it: the same key written otherwise would have another name. */
function isPlainKey(spki: Buffer): boolean {
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  const { asymmetricKeyType, asymmetricKeyDetails } = key
  const isP256 = asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1'
  return isP256 && key.export({ format: 'der', type: 'spki' }).equals(spki)
}

/** The public half of a private key (PEM) as SPKI, DER. */
export function spkiOf(key: string): Buffer {
  return createPublicKey(createPrivateKey(key)).export({ format: 'der', type: 'spki' })
}

function importKey(key: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' })
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
}

/** 16 random bytes, positive and without a leading zero (RFC 5280, 4.1.2.2). */
function makeSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

function validity({ from, until }: Life): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(from), notAfter: new Date(until) }
}
