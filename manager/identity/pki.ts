// The fleet's certificates: the CA, made once; the server's, renewed in time; devices', issued when they ask.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../../protocol/clock.js'
import { SkerryError } from '../../protocol/errors.js'
import { certificateName, keyNameOf } from '../../protocol/fingerprint.js'
import { makePrivateFolder, readPrivate, writePrivate } from './files.js'
import { lastingOf, type Machine, namesOf } from './names.js'
import { type Authority, certify, makeCa, makeKey, spkiOf } from './x509.js'

const dayMs = 86_400_000
/** Clocks of devices and servers differ, and some say yesterday until they are set. */
const backdatedMs = dayMs
const caLifeMs = 20 * 365 * dayMs
const serverLifeMs = 90 * dayMs
export const deviceLifeMs = 30 * dayMs
const checkMs = 60_000

/** What a TLS listener takes: a chain with the CA's certificate at its end, and the key, both PEM. */
export interface TlsCredentials {
  readonly cert: string
  readonly key: string
}

export interface DeviceCertificate {
  /** DER: the device's own first, the CA's last. */
  readonly chain: readonly Buffer[]
  /** Wall clock, ms. */
  readonly endsAt: number
}

export interface PkiOptions {
  /** Names and addresses of the server beyond those of the machine. */
  readonly names?: readonly string[]
  readonly log: Logger
  readonly clock?: Clock
  /** The machine's own names and addresses; given in tests. */
  readonly machine?: () => Machine
}

/** Opens the folder, or makes all that is missing in it. Throws `config.invalid` if the CA is there in part only. */
export async function openPki(folder: string, options: PkiOptions): Promise<Pki> {
  makePrivateFolder(folder)
  const pki = new Pki(folder, await openCa(folder, options.clock ?? systemClock), options)
  await pki.start()
  return pki
}

export class Pki {
  /** The CA's certificate. */
  readonly caPem: string
  /** Of the CA's certificate; what join tokens pin. */
  readonly caFingerprint: string
  readonly #folder: string
  readonly #ca: Authority
  readonly #options: PkiOptions
  readonly #clock: Clock
  readonly #listeners = new Set<(credentials: TlsCredentials) => void>()
  #server: TlsCredentials | undefined
  #cancelCheck = () => {}
  #closed = false

  constructor(folder: string, ca: Authority, options: PkiOptions) {
    this.#folder = folder
    this.#ca = ca
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.caPem = ca.certificate
    this.caFingerprint = certificateName(ca.certificate)
  }

  async start(): Promise<void> {
    this.#server = readServer(this.#folder, this.#ca)
    if (this.#server === undefined || this.#isDue(this.#server)) await this.renewServer()
    this.#checkLater()
  }

  /** The server's present certificate. */
  get server(): TlsCredentials {
    if (this.#server === undefined) throw new SkerryError('internal', 'the server has no certificate yet')
    return this.#server
  }

  /** Called with each new certificate of the server. Returns how to stop it. */
  onServerCertificate(listener: (credentials: TlsCredentials) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A new key and certificate for the server, in use at once. */
  async renewServer(): Promise<void> {
    const key = makeKey()
    const hosts = this.#names()
    const life = this.#life(serverLifeMs)
    const own = await certify(this.#ca, { use: 'server', name: 'Skerry server', hosts, spki: spkiOf(key), life })
    const cert = `${toPem(own)}${this.caPem}`
    // A key without its certificate is seen at the next start, and both are made anew.
    writePrivate(join(this.#folder, 'server.key'), key)
    writePrivate(join(this.#folder, 'server.crt'), cert)
    this.#server = { cert, key }
    this.#options.log.info({ names: hosts, until: new Date(life.until).toISOString() }, 'server certificate made')
    for (const listener of this.#listeners) listener(this.#server)
  }

  /** A certificate for the device's public key (SPKI, DER). */
  async issue(spki: Uint8Array, device: string, lifeMs = deviceLifeMs): Promise<DeviceCertificate> {
    const life = this.#life(lifeMs)
    const own = await certify(this.#ca, { use: 'device', name: device, spki, life })
    return { chain: [own, new X509Certificate(this.caPem).raw], endsAt: life.until }
  }

  close(): void {
    this.#closed = true
    this.#cancelCheck()
    this.#listeners.clear()
  }

  #checkLater(): void {
    if (this.#closed) return
    this.#cancelCheck = this.#clock.after(checkMs, () => {
      this.#check()
        .catch(error => this.#options.log.error({ err: error }, 'server certificate not renewed'))
        .finally(() => this.#checkLater())
    })
  }

  async #check(): Promise<void> {
    if (this.#isDue(this.server)) await this.renewServer()
  }

  /** Two thirds of its life have passed, or the machine has a name or address that it lacks. */
  #isDue({ cert }: TlsCredentials): boolean {
    const certificate = new X509Certificate(cert)
    const from = Date.parse(certificate.validFrom)
    const until = Date.parse(certificate.validTo)
    if (this.#clock.now() >= from + ((until - from) * 2) / 3) return true
    const { hostname, interfaces } = this.#machine()
    const lasting = namesOf({ hostname, interfaces: lastingOf(interfaces) }, this.#options.names ?? [])
    return !lasting.every(name => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined)
  }

  #names(): string[] {
    return namesOf(this.#machine(), this.#options.names ?? [])
  }

  #machine(): Machine {
    return this.#options.machine?.() ?? { hostname: hostname(), interfaces: networkInterfaces() }
  }

  #life(ms: number): { from: number; until: number } {
    const now = this.#clock.now()
    return { from: now - backdatedMs, until: now + ms }
  }
}

/** What was lost of the certificate is taken from the server's chain: another one, even of the same key, is none that devices have pinned. */
async function openCa(folder: string, clock: Clock): Promise<Authority> {
  const [keyFile, certificateFile] = [join(folder, 'ca.key'), join(folder, 'ca.crt')]
  const known = readPrivate(keyFile)
  const kept = readPrivate(certificateFile)
  const certificate = kept ?? lastOf(readPrivate(join(folder, 'server.crt')))
  if (certificate !== undefined && known === undefined) {
    throw new SkerryError('config.invalid', `${keyFile} is missing: put the key of the CA back; without it no device can join or stay`)
  }
  if (certificate !== undefined && known !== undefined) {
    const ca = checkCa({ key: known, certificate }, keyFile)
    if (kept === undefined) writePrivate(certificateFile, certificate)
    return ca
  }
  const key = known ?? makeKey()
  if (known === undefined) writePrivate(keyFile, key)
  const now = clock.now()
  const made = await makeCa(key, `Skerry CA ${nameOfKey(key).slice(0, 8)}`, { from: now - backdatedMs, until: now + caLifeMs })
  writePrivate(certificateFile, made)
  return { key, certificate: made }
}

/** The last certificate of a chain, PEM. */
function lastOf(chain: string | undefined): string | undefined {
  const last = chain?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.at(-1)
  return last === undefined ? undefined : `${last}\n`
}

function checkCa(ca: Authority, keyFile: string): Authority {
  if (isPair(ca.key, ca.certificate)) return ca
  throw new SkerryError('config.invalid', `${keyFile} is not the key of the certificate beside it`)
}

/** The server's certificate if it is there in full and the CA's. */
function readServer(folder: string, ca: Authority): TlsCredentials | undefined {
  const key = readPrivate(join(folder, 'server.key'))
  const cert = readPrivate(join(folder, 'server.crt'))
  if (key === undefined || cert === undefined || !isPair(key, cert)) return undefined
  return new X509Certificate(cert).verify(new X509Certificate(ca.certificate).publicKey) ? { cert, key } : undefined
}

function isPair(key: string, certificate: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function nameOfKey(key: string): string {
  return keyNameOf(createPrivateKey(key))
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
