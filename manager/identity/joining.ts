// Answers devices that want a certificate: those that join and those that renew.
import { timingSafeEqual } from 'node:crypto'
import type { Logger } from 'pino'
import { type Refusal, type Result, refuse, SkerryError } from '../../protocol/errors.js'
import { fingerprint } from '../../protocol/fingerprint.js'
import { type JoinAnswer, type JoinRequest, joinAnswerCodec } from '../../protocol/join.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import { formatTopic, type Topic } from '../../protocol/topics.js'
import type { Actor } from '../core/audit.js'
import { newEvent } from '../core/events.js'
import { judgeJoin, rejected, tooBusy, type Verdict } from '../core/joining.js'
import type { Device } from '../core/model.js'
import type { Fleet } from '../fleet.js'
import type { Link } from '../link.js'
import { type PendingRow, readPendingJoin } from '../store/pending.js'
import { findToken, type TokenRow, useToken } from '../store/tokens.js'
import { admit } from './admission.js'
import type { Certificates } from './certificates.js'
import { Counts } from './limits.js'
import { Queue } from './queue.js'
import { hashOf } from './tokens.js'
import { type Approval, approveDevice, hasRoom, keepWaiting, rejectDevice } from './waiting.js'
import { readRequest } from './x509.js'

export interface JoiningOptions {
  readonly fleet: Fleet
  readonly root: string
  readonly certificates: Certificates
  /** What a device without a token must know to be shown to people; undefined: nothing. */
  readonly fleetKey: string | undefined
  /** Ed25519 public keys that devices pin. */
  readonly signingKeys: () => readonly Uint8Array[]
  readonly log: Logger
}

export class Joining {
  readonly #options: JoiningOptions
  readonly #joins = new Queue({ atOnce: 4, room: 1000 })
  readonly #renewals = new Queue({ atOnce: 4, room: 10_000 })
  readonly #failures: Counts
  #link: Link | undefined

  constructor(options: JoiningOptions) {
    this.#options = options
    this.#failures = new Counts(options.fleet.clock, { each: 10, all: 100 })
  }

  up(link: Link): void {
    this.#link = link
  }

  down(): void {
    this.#link = undefined
  }

  async stop(): Promise<void> {
    await Promise.all([this.#joins.stop(), this.#renewals.stop()])
  }

  /** A request to join. What finds no room is not answered: the device will ask again. */
  join(key: string, request: JoinRequest): void {
    this.#joins.add(key, () => this.#answer(answerTo(key), () => this.#judge(key, request)))
  }

  /** A request for the next certificate. */
  renew(device: string, request: JoinRequest): void {
    this.#renewals.add(device, () => this.#answer({ kind: 'device', device, channel: 'certificate' }, () => this.#renew(device, request)))
  }

  /** As {@link approveDevice}; the device hears it at once. */
  approve(key: string, approval: Approval): Device {
    const { row, device } = approveDevice(this.#options.fleet, key, approval)
    this.#joins.add(`decided/${key}`, () => this.#answer(answerTo(key), () => this.#certify(row.device, row.spki)))
    return device
  }

  /** As {@link rejectDevice}; the device hears it at once. */
  reject(key: string): PendingRow {
    const row = rejectDevice(this.#options.fleet, key)
    this.#joins.add(`decided/${key}`, () => this.#answer(answerTo(key), async () => faultOf(rejected)))
    return row
  }

  async #answer(topic: Topic, make: () => Promise<JoinAnswer>): Promise<void> {
    try {
      const answer = await make()
      await this.#link?.publish(formatTopic(this.#options.root, topic), joinAnswerCodec.encode(answer), false)
    } catch (error) {
      // The device will ask again.
      this.#options.log.warn({ err: error, kind: topic.kind }, 'certificate not given')
    }
  }

  async #judge(key: string, request: JoinRequest): Promise<JoinAnswer> {
    if (this.#failures.isFull(key)) return faultOf(tooBusy)
    const spki = await readKey(key, request)
    if (!spki.ok) return this.#refuse(key, request, spki.refusals[0])
    const verdict = this.#weigh(key, request)
    switch (verdict.kind) {
      case 'certify':
        return this.#certify(verdict.device, spki.value)
      case 'admit':
        return this.#admit(key, request, { token: verdict.token, spki: spki.value })
      case 'wait':
        this.#options.fleet.audit.actAs(stranger(request), () => keepWaiting(this.#options.fleet, key, request, spki.value))
        return { version: protocolVersion, device: request.device, pending: true }
      case 'refuse':
        return verdict.guess ? this.#refuse(key, request, verdict.refusal) : faultOf(verdict.refusal)
    }
  }

  #weigh(key: string, { device, token, fleetKey }: JoinRequest): Verdict<TokenRow> {
    const { fleet, fleetKey: expected } = this.#options
    const row = readPendingJoin(fleet.db, key)
    return judgeJoin(
      {
        device,
        holder: fleet.keys.of(device)?.key,
        registered: fleet.keys.deviceOf(key),
        token: token === undefined ? 'none' : (findToken(fleet.db, hashOf(token)) ?? 'unknown'),
        fleetKey: expected === undefined ? 'not-needed' : fleetKey === undefined ? 'none' : equals(fleetKey, expected) ? 'right' : 'wrong',
        waiting: row === undefined ? undefined : row.rejected ? 'rejected' : 'pending',
        room: row !== undefined || hasRoom(fleet),
        limited: this.#failures.areFull,
      },
      fleet.clock.now(),
    )
  }

  async #admit(key: string, { device, facts }: JoinRequest, { token, spki }: { token: TokenRow; spki: Buffer }): Promise<JoinAnswer> {
    const { fleet } = this.#options
    const { id, name, groups, labels } = token
    const spend = () => {
      if (!useToken(fleet.db, id)) throw new SkerryError('token.spent', 'this token has been used up just now')
    }
    try {
      const actor = { who: `join token ${name === '' ? id : name}`, via: 'mqtt', from: facts.addresses[0] ?? '' } as const
      const about = { token: id, tokenName: name }
      fleet.audit.actAs(actor, () => admit(fleet, { device, key, facts, groups, labels, via: 'token', spend, about }))
    } catch (error) {
      if (error instanceof SkerryError) return faultOf(error.refusal)
      throw error
    }
    return this.#certify(device, spki)
  }

  async #renew(device: string, request: JoinRequest): Promise<JoinAnswer> {
    const spki = await readRequest(request.csr)
    return spki.ok ? this.#certify(device, spki.value) : faultOf(spki.refusals[0])
  }

  async #certify(device: string, spki: Uint8Array): Promise<JoinAnswer> {
    const given = await this.#options.certificates.give(device, spki)
    if (!given.ok) return faultOf(given.refusals[0])
    const { fleet, signingKeys } = this.#options
    const time = Math.floor(fleet.clock.now() / 1000)
    return { version: protocolVersion, device, chain: given.value.chain, keys: signingKeys(), time }
  }

  #refuse(key: string, { device, facts }: JoinRequest, refusal: Refusal): JoinAnswer {
    if (this.#failures.areFull) return faultOf(tooBusy)
    const { audit, journal } = this.#options.fleet
    audit.refused({ action: 'join', target: `devices/${device}`, detail: key }, refusal.code, stranger({ facts }))
    if (this.#failures.add(key)) {
      const data = { device, key, name: facts.name, addresses: [...facts.addresses], code: refusal.code }
      journal.note(newEvent('join.refused', `${device} may not join: ${refusal.message}`, { data }))
    }
    return faultOf(refusal)
  }
}

/** The public key of a request that is signed with it, if it is the one that the request came under. */
async function readKey(key: string, request: JoinRequest): Promise<Result<Buffer>> {
  const spki = await readRequest(request.csr)
  if (!spki.ok || fingerprint(spki.value) === key) return spki
  return refuse('certificate.invalid', 'the certificate request is of another key than the one that it came under')
}

/** Who has shown nothing yet; the address is what they say of themselves. */
function stranger({ facts }: Pick<JoinRequest, 'facts'>): Actor {
  return { who: '', via: 'mqtt', from: facts.addresses[0] ?? '' }
}

function answerTo(key: string): Topic {
  return { kind: 'join', key, channel: 'answer' }
}

function faultOf({ code, message }: Refusal): JoinAnswer {
  return { version: protocolVersion, fault: { code, message } }
}

/** In constant time, whatever the lengths. */
function equals(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(Buffer.from(one))), Buffer.from(hashOf(Buffer.from(other))))
}
