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
  /** A key to certify in place of a new one. */
  readonly keys?: CryptoKeyPair
}

type CryptoKeyPair = webcrypto.CryptoKeyPair

export function makeKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>
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

  async issue(name: string, { from = -dayMs, until = dayMs, use = 'client', keys }: Wish = {}): Promise<Credentials> {
    const pair = keys ?? (await makeKeys())
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
    return {
      cert: `${certificate.toString('pem')}\n${this.pem}`,
      key: KeyObject.from(pair.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string,
      keyName: keyNameOf(KeyObject.from(pair.publicKey)),
    }
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
