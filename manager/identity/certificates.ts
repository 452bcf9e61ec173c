// Gives registered devices their certificates: the first, and each next one, for the asking.
import { type Result, refuse } from '../../protocol/errors.js'
import { fingerprint } from '../../protocol/fingerprint.js'
import { newEvent } from '../core/events.js'
import { tooBusy } from '../core/joining.js'
import type { Fleet } from '../fleet.js'
import { Counts } from './limits.js'
import type { DeviceCertificate, Pki } from './pki.js'

export interface CertificatesOptions {
  readonly fleet: Fleet
  readonly pki: Pki
  /** Of a device's certificate, ms. */
  readonly lifeMs: number
}

export class Certificates {
  readonly #options: CertificatesOptions
  readonly #given: Counts

  constructor(options: CertificatesOptions) {
    this.#options = options
    this.#given = new Counts(options.fleet.clock, { each: 60, all: Number.POSITIVE_INFINITY })
  }

  /** For a public key (SPKI, DER). Refuses with `certificate.revoked` or `join.busy`. */
  async give(device: string, spki: Uint8Array): Promise<Result<DeviceCertificate>> {
    const { fleet, pki, lifeMs } = this.#options
    const key = fingerprint(spki)
    const before = fleet.keys.check(device, key)
    if (!before.ok) return before
    if (this.#given.isFull(device)) return { ok: false, refusals: [tooBusy] }
    this.#given.add(device)
    const certificate = await pki.issue(spki, device, lifeMs)
    // It may have been released meanwhile.
    const held = fleet.keys.of(device)
    if (held?.key !== key) return refuse('certificate.revoked', `device ${device} was released just now`)
    fleet.keys.certified(device, certificate.endsAt)
    const until = new Date(certificate.endsAt).toISOString()
    if (held.endsAt !== null) {
      const data = { key, until }
      fleet.journal.note(newEvent('device.renewed', `${device} has a new certificate, until ${until}`, { device, data }))
    }
    return { ok: true, value: certificate }
  }
}
