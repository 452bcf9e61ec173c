// Who this device is: its key, and what it was given when it joined a fleet; in the state folder, whole or not at all.
import { type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { accept, type Result, refuse, SkerryError } from '../../protocol/errors.js'
import { certificateName, keyNameOf } from '../../protocol/fingerprint.js'
import { type Life, renewAtMs, serverTime } from '../core/renewal.js'
import { readIfThere, removeIfThere, writeAtomic } from '../files.js'
import type { SigningKeys } from '../signing-keys.js'
import { type Chain, checkChain } from './chain.js'
import { createRequest } from './csr.js'
import { exportKey, openKey } from './key.js'

/** What a device has of the fleet that it has joined. */
export interface Membership {
  /** The broker's URL. */
  readonly server: string
  /** The fleet's certificate authority, PEM. */
  readonly ca: string
  /** The device's own certificate, PEM. */
  readonly certificate: string
  /** When the certificate came, by the device's clock, ms since 1970. */
  readonly receivedMs: number
  /** The same moment by the server's clock, as far as it has said. */
  readonly issuedMs?: number | undefined
  /** Public keys that sign what this device is to run: Ed25519, 32 bytes each, in base64url. */
  readonly keys: readonly string[]
}

/** A certificate that came, and what it is checked with. */
export interface Grant {
  readonly chain: readonly Uint8Array[]
  readonly device: string
  /** The device's clock. */
  readonly now: number
  /** The server's clock when it answered, s since 1970. */
  readonly time?: number | undefined
}

/** What a TLS connection to the broker is made with. */
export interface Credentials {
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** Of this start alone, as a user name: tells two machines with one identity from one that connects again. */
  readonly username: string
}

/** Is also the {@link SigningKeys} of the fleet. */
export class Identity implements SigningKeys {
  readonly #path: string
  readonly #key: KeyObject
  /** Of each device its own, so that they do not renew all at once. */
  readonly #spread: number
  readonly #run = `run-${randomBytes(4).toString('hex')}`
  #membership: Membership | undefined

  /** Makes a key if the folder has none. Throws `config.invalid` for a key that cannot be read. */
  constructor(folder: string, log: Logger) {
    this.#path = join(folder, 'membership.json')
    this.#key = openKey(folder)
    this.#spread = (Buffer.from(keyNameOf(this.#key), 'base64url')[0] ?? 0) / 256
    this.#membership = this.#load(log)
  }

  get membership(): Membership | undefined {
    return this.#membership
  }

  /** What the fleet knows this device's key by. */
  get keyName(): string {
    return keyNameOf(this.#key)
  }

  /** The id that this device has joined with. */
  get device(): string | undefined {
    return this.#membership && new X509Certificate(this.#membership.certificate).subject.replace(/^CN=/, '')
  }

  /** Undefined until the device has joined a fleet. */
  get credentials(): Credentials | undefined {
    if (this.#membership === undefined) return undefined
    const { ca, certificate } = this.#membership
    return { ca, cert: certificate, key: exportKey(this.#key), username: this.#run }
  }

  createRequest(device: string): Buffer {
    return createRequest(this.#key, device)
  }

  /** Becomes a member of the fleet whose authority has the fingerprint `ca`; undefined: of whichever answers. */
  join(grant: Grant, fleet: { server: string; ca: string | undefined; keys: readonly Uint8Array[] }): Result<true> {
    const checked = this.#check(grant, fleet.ca)
    if (!checked.ok) return checked
    const { own, ca } = checked.value
    const keys = fleet.keys.map(key => Buffer.from(key).toString('base64url'))
    this.#save({ server: fleet.server, ca: ca.toString(), certificate: own.toString(), ...arrivalOf(grant), keys })
    return accept(true)
  }

  /** Takes a new certificate of the same fleet; says until when it is good. */
  renew(grant: Grant): Result<string> {
    const before = this.#membership
    if (before === undefined) return refuse('identity.missing', 'this device has joined no fleet')
    const checked = this.#check(grant, certificateName(before.ca))
    if (!checked.ok) return checked
    this.#save({ ...before, certificate: checked.value.own.toString(), ...arrivalOf(grant) })
    return accept(checked.value.own.validTo)
  }

  /** The fleet's signing keys; none before the device has joined. */
  keys(): readonly Uint8Array[] {
    return (this.#membership?.keys ?? []).map(key => Buffer.from(key, 'base64url'))
  }

  replace(keys: readonly Uint8Array[]): void {
    if (this.#membership === undefined) throw new SkerryError('identity.missing', 'this device has joined no fleet')
    this.#save({ ...this.#membership, keys: keys.map(key => Buffer.from(key).toString('base64url')) })
  }

  /** Time until the certificate should be replaced, ms; 0 once it should. `now`: the device's clock. */
  dueInMs(now: number): number {
    const life = this.#life()
    return life === undefined ? Number.POSITIVE_INFINITY : Math.max(0, renewAtMs(life, this.#spread) - serverTime(life, now))
  }

  /** True once the certificate has ended, as far as can be known. */
  hasLapsed(now: number): boolean {
    const life = this.#life()
    return life !== undefined && serverTime(life, now) >= life.untilMs
  }

  /** When the device's own certificate began, ms since 1970. */
  get notBeforeMs(): number | undefined {
    return this.#life()?.fromMs
  }

  /** Forgets the fleet. The key stays: it is the device's, not the fleet's. */
  forget(): void {
    removeIfThere(this.#path)
    this.#membership = undefined
  }

  #check({ chain, device }: Grant, ca: string | undefined): Result<Chain> {
    return checkChain(chain, { key: this.#key, device, ca })
  }

  #save(membership: Membership): void {
    writeAtomic(this.#path, `${JSON.stringify(membership, undefined, 2)}\n`)
    this.#membership = membership
  }

  #life(): Life | undefined {
    if (this.#membership === undefined) return undefined
    const { validFrom, validTo } = new X509Certificate(this.#membership.certificate)
    const { receivedMs, issuedMs } = this.#membership
    return { fromMs: Date.parse(validFrom), untilMs: Date.parse(validTo), receivedMs, issuedMs }
  }

  #load(log: Logger): Membership | undefined {
    const bytes = readIfThere(this.#path)
    if (bytes === undefined) return undefined
    const membership = parseMembership(bytes.toString())
    if (membership === undefined) {
      renameSync(this.#path, `${this.#path}.corrupt-${Date.now()}`)
      log.error({ file: this.#path }, 'a file of the state folder is corrupt and has been set aside')
    }
    return membership
  }
}

function arrivalOf({ now, time }: Grant): Pick<Membership, 'receivedMs' | 'issuedMs'> {
  return { receivedMs: now, issuedMs: time === undefined ? undefined : time * 1000 }
}

function parseMembership(text: string): Membership | undefined {
  try {
    const { server, ca, certificate, receivedMs, issuedMs, keys } = JSON.parse(text)
    const isTimed = typeof receivedMs === 'number' && (issuedMs === undefined || typeof issuedMs === 'number')
    if (typeof server !== 'string' || !isTimed || !Array.isArray(keys) || !keys.every(isSigningKey)) return undefined
    const [authority, own] = [new X509Certificate(ca), new X509Certificate(certificate)]
    return { server, ca: authority.toString(), certificate: own.toString(), receivedMs, issuedMs, keys }
  } catch {
    return undefined
  }
}

function isSigningKey(key: unknown): boolean {
  return typeof key === 'string' && Buffer.from(key, 'base64url').length === 32
}
