// Certificates for tests, made when they run: an authority, and whatever it would or would not issue.
import 'reflect-metadata'
import { KeyObject, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { keyNameOf } from '../../protocol/fingerprint.js'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000

/** What a TLS client or server takes, in PEM. */
export interface Credentials {
  readonly cert: string
  readonly key: string
  /** The name of the key. */
  readonly keyName: string
}

export interface Wish {
  /** From now, in ms. */
  readonly from?: number
  readonly until?: number
  readonly use?: 'client' | 'server' | 'none'
}

type CryptoKeyPair = webcrypto.CryptoKeyPair

function makeKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>
}

const selfMade = {
  p256: algorithm,
  p384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
  ed25519: { name: 'Ed25519' },
} as const

/** A certificate that nobody issued but its own key. */
export async function selfSigned(kind: keyof typeof selfMade, name = 'CN=localhost'): Promise<Credentials> {
  const keys = (await webcrypto.subtle.generateKey(selfMade[kind], true, ['sign', 'verify'])) as CryptoKeyPair
  const extensions = [new x509.BasicConstraintsExtension(true)]
  const validity = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + dayMs) }
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: selfMade[kind],
    extensions,
    ...validity,
  })
  return credentialsOf(certificate.toString('pem'), keys)
}

function credentialsOf(cert: string, { privateKey, publicKey }: CryptoKeyPair): Credentials {
  const key = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' })
  return { cert, key: key.toString(), keyName: keyNameOf(KeyObject.from(publicKey)) }
}

export class TestAuthority {
  readonly #keys: CryptoKeyPair
  readonly #certificate: x509.X509Certificate

  private constructor(keys: CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#keys = keys
    this.#certificate = certificate
  }

  static async make(): Promise<TestAuthority> {
    const keys = await makeKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=test authority',
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - 100 * dayMs),
      notAfter: new Date(Date.now() + 100 * dayMs),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    })
    return new TestAuthority(keys, certificate)
  }

  get pem(): string {
    return `${this.#certificate.toString('pem')}\n`
  }

  server(): Promise<Credentials> {
    return this.issue('localhost', { use: 'server' })
  }

  async issue(name: string, { from = -dayMs, until = dayMs, use = 'client' }: Wish = {}): Promise<Credentials> {
    const pair = await makeKeys()
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: this.#certificate.subject,
      publicKey: pair.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() + from),
      notAfter: new Date(Date.now() + until),
      extensions: extensionsFor(use),
    })
    return credentialsOf(`${certificate.toString('pem')}\n${this.pem}`, pair)
  }
}

function extensionsFor(use: 'client' | 'server' | 'none'): x509.Extension[] {
  if (use === 'none') return []
  if (use === 'client') return [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]
  const names = new x509.SubjectAlternativeNameExtension([
    { type: 'dns', value: 'localhost' },
    { type: 'ip', value: '127.0.0.1' },
  ])
  return [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]), names]
}
