// Permits at the broker: those that the manager gives are published until it has them, and those that changed meanwhile are noticed.
import type { Logger } from 'pino'
import { formatPermit, type Permit, readPermit } from '../protocol/permit.js'
import { formatPermitTopic, type PermitTopic, parsePermitTopic } from '../protocol/permit-topics.js'
import { manager } from './audit/audit.js'
import { type PermitRecord, permitEvent, recordAt } from './core/held.js'
import type { Fleet } from './fleet.js'
import type { Link } from './link.js'
import { checkPermitTarget, recordPermit } from './permits.js'
import * as store from './store/permits.js'

interface PermitLinkOptions {
  readonly root: string
  readonly log: Logger
  /** Known when all parts are. */
  readonly fleet: () => Fleet
}

interface Echo {
  readonly payload: string
  readonly permit: PermitRecord | null
  readonly token: number | undefined
}

/** The broker has told all permits that it keeps when none came for so long. */
const quietMs = 500
const retryMs = 2000

export class PermitLink {
  readonly #options: PermitLinkOptions
  #link: Link | undefined
  /** While comparing: topics whose permit was heard on this connection; `live`: from its giver. */
  readonly #heard = new Map<string, 'live' | 'kept'>()
  /** What the manager itself has published and not heard back yet, by topic. */
  readonly #echoes = new Map<string, Echo[]>()
  /** By topic: the token of what came back last. */
  readonly #cameBack = new Map<string, number | undefined>()
  #comparing = false
  #publishing = false
  #cancelQuiet = () => {}
  #cancelRetry = () => {}
  #unsubscribe = () => {}

  constructor(options: PermitLinkOptions) {
    this.#options = options
  }

  /** Whoever is new to the fleet may have a permit already. */
  start(): void {
    this.#unsubscribe = this.#options.fleet().journal.subscribe(events => {
      for (const { type, device, group } of events) {
        if (type === 'group.created' && group !== null) this.#ask({ kind: 'group', name: group })
        if ((type === 'device.registered' || type === 'device.joined') && device !== null) this.#ask({ kind: 'device', name: device })
      }
    })
  }

  stop(): void {
    this.#unsubscribe()
  }

  up(link: Link): void {
    this.#link = link
    this.#heard.clear()
    this.#echoes.clear()
    this.#cameBack.clear()
    this.#comparing = true
    this.#waitForQuiet()
    this.wake()
  }

  down(): void {
    this.#link = undefined
    this.#publishing = false
    this.#cancelQuiet()
    this.#cancelRetry()
  }

  /** Whether the broker is there to be told. */
  get isUp(): boolean {
    return this.#link !== undefined
  }

  /** Something is to be published. Returns at once. */
  wake(): void {
    const link = this.#link
    if (link === undefined || this.#publishing) return
    this.#publishing = true
    void this.#publishAll(link)
  }

  /** Takes a device's permit away at the broker. */
  async clear(link: Link, target: PermitTopic): Promise<void> {
    await this.#send(link, { target, permit: null })
  }

  /** A permit that the broker has kept. It says nothing of who gave it; a live one is newer. */
  seen(topic: string, payload: Uint8Array): void {
    const target = parsePermitTopic(this.#options.root, topic)
    if (target === undefined || (this.#comparing && this.#heard.get(topic) === 'live')) return
    if (this.#comparing) {
      this.#heard.set(topic, 'kept')
      this.#waitForQuiet()
    }
    const { permit } = readPermit(payload)
    if (permit.ok) this.#record(target, permit.value)
  }

  /** A live one has come; what it says has its turn later. */
  noteLive(topic: string): void {
    if (this.#comparing && parsePermitTopic(this.#options.root, topic) !== undefined) this.#heard.set(topic, 'live')
  }

  /** Whether the broker has what is heard now before what the manager has still to say, and to hear itself: that is the last word. */
  isOvertaken(target: PermitTopic): boolean {
    const pending = store.readPendingOf(this.#options.fleet().db, target)
    return pending !== undefined && this.#cameBack.get(formatPermitTopic(this.#options.root, target)) !== pending.token
  }

  /** True if it is the manager's own that comes back. Called in the order of arrival. */
  takeEcho(topic: string, payload: Uint8Array): boolean {
    const target = parsePermitTopic(this.#options.root, topic)
    if (target === undefined) return false
    const [echo, ...others] = this.#echoes.get(topic) ?? []
    if (echo === undefined || echo.payload !== Buffer.from(payload).toString()) return false
    if (others.length === 0) this.#echoes.delete(topic)
    else this.#echoes.set(topic, others)
    this.#cameBack.set(topic, echo.token)
    // What the manager has said since then is what counts, and comes back later.
    if (others.length === 0 && !this.#isPending(target)) this.#restore(target, echo.permit)
    return true
  }

  /** Somebody's permit that came in between was older than ours: the broker's order counts. */
  #restore(target: PermitTopic, permit: PermitRecord | null): void {
    if (!this.#isKnown(target)) return
    const { user = null, address = null, via = 'http' } = permit ?? {}
    recordPermit(this.#options.fleet(), target, permit && permitOf(permit), { user, address, via })
  }

  #record(target: PermitTopic, said: Permit | null): void {
    if (this.#isPending(target) || !this.#isKnown(target)) return
    recordPermit(this.#options.fleet(), target, said, { user: null, address: null, via: 'mqtt' })
  }

  /** The broker is still to be told of another one. */
  #isPending(target: PermitTopic): boolean {
    return store.readPendingOf(this.#options.fleet().db, target) !== undefined
  }

  #isKnown(target: PermitTopic): boolean {
    try {
      checkPermitTarget(this.#options.fleet(), target)
      return true
    } catch {
      return false
    }
  }

  #waitForQuiet(): void {
    this.#cancelQuiet()
    this.#cancelQuiet = this.#options.fleet().clock.after(quietMs, () => {
      if (this.#link?.hears === true) this.#compare()
      else if (this.#link !== undefined) this.#waitForQuiet()
    })
  }

  /** What the broker has no longer was taken away meanwhile; what the manager gave is told again. */
  #compare(): void {
    this.#comparing = false
    const fleet = this.#options.fleet()
    const isThere = (target: PermitTopic) => this.#heard.has(formatPermitTopic(this.#options.root, target)) || this.#isPending(target)
    const lost = store.readPermits(fleet.db).filter(({ target }) => !isThere(target))
    this.#heard.clear()
    const loseAll = () => {
      for (const permit of lost) this.#lose(permit)
    }
    if (lost.length > 0) fleet.journal.together(loseAll)
    this.wake()
  }

  #lose({ target, via }: PermitRecord): void {
    const fleet = this.#options.fleet()
    if (via === 'http') store.markPermitLost(fleet.db, target)
    else recordPermit(fleet, target, null, { user: null, address: null, via })
  }

  #ask(target: PermitTopic): void {
    const link = this.#link
    const filter = formatPermitTopic(this.#options.root, target)
    link
      ?.subscribe([{ filter, qos: 1 }])
      .then(() => link.unsubscribe([filter]))
      .catch(() => {})
  }

  async #publishAll(link: Link): Promise<void> {
    const { log, fleet } = this.#options
    // Not before the transaction under way, if there is one, has ended.
    await Promise.resolve()
    try {
      for (let next = this.#next(); next !== undefined && this.#link === link; next = this.#next()) {
        const told = next
        await this.#send(link, told)
        this.#noteTold(told)
      }
    } catch (error) {
      log.warn({ err: error }, 'permits not published')
      this.#cancelRetry = fleet().clock.after(retryMs, () => this.wake())
    } finally {
      if (this.#link === link) this.#publishing = false
    }
  }

  /** What the broker is to be told now. Devices would take a lease that comes late for a new one: they are told what holds of it by now. */
  #next(): store.PendingPermit | undefined {
    const { db, clock } = this.#options.fleet()
    const next = store.readNextPending(db)
    if (next === undefined || next.permit === null) return next
    return { ...next, permit: recordAt(next.permit, clock.now()) }
  }

  /** What the broker was told is what is known from now on, unless it has changed meanwhile; a lease that was over has become a 0. */
  #noteTold(told: store.PendingPermit): void {
    const { db, journal, audit } = this.#options.fleet()
    const { target, permit, token } = told
    const before = store.readPendingOf(db, target)
    if (before?.token !== token) return
    const markTold = () => store.markPermitTold(db, told)
    const end = (ended: PermitRecord) =>
      journal.change(note => {
        markTold()
        note(permitEvent(target, ended))
      })
    if (permit === null || before.permit?.value === permit.value) db.quickly(markTold)
    else audit.actAs(manager, () => end(permit))
  }

  async #send(link: Link, { target, permit, token }: Omit<store.PendingPermit, 'token'> & { token?: number }): Promise<void> {
    const topic = formatPermitTopic(this.#options.root, target)
    const payload = permit === null ? '' : formatPermit(permitOf(permit))
    this.#echoes.set(topic, [...(this.#echoes.get(topic) ?? []), { payload, permit, token }])
    await link.publish(topic, Buffer.from(payload))
  }
}

function permitOf({ value, leaseS, by }: PermitRecord): Permit {
  return { value, ...(leaseS === null ? {} : { leaseS }), ...(by === null ? {} : { by }) }
}
