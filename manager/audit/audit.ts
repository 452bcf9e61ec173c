// The audit trail as the manager writes it: what was done in the transaction that does it, what was refused soon after, in bounded number.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'
import type { Clock } from '../../protocol/clock.js'
import { type Actor, type AuditEntry, type AuditHead, type AuditOutcome, type Deed, deedOf, noHead, trimEntry } from '../core/audit.js'
import type { NewEvent } from '../core/events.js'
import { insertAuditRow, readHead, readLast } from '../store/audit.js'
import type { Db } from '../store/db.js'
import { hashRow, type Verification } from './chain.js'
import { Refusals } from './refusals.js'
import { isSealed, makeSealKey, readSealKey, sealOf } from './seal.js'
import { verifyTrail } from './verify.js'

interface AuditOptions {
  readonly db: Db
  /** The database's file; the key lies beside it. */
  readonly file: string
  readonly clock: Clock
  readonly log: Logger
}

/** Who acts where nobody else does. */
export const manager: Actor = { who: 'manager', via: 'manager', from: '' }
const retryMs = 1000

export class Audit {
  readonly #options: AuditOptions
  readonly #key: Uint8Array
  readonly #acting = new AsyncLocalStorage<Actor>()
  /** Strangers cannot crowd out what users were refused. */
  readonly #refusals: { readonly users: Refusals; readonly strangers: Refusals }
  /** Refusals to be written. */
  #waiting: AuditEntry[] = []
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(options: AuditOptions) {
    this.#options = options
    const { db, file, clock } = options
    this.#key = readSealKey(file) ?? makeSealKey(file)
    const write = (entries: readonly AuditEntry[]) => this.#writeSoon(entries)
    this.#refusals = { users: new Refusals({ clock, write }), strangers: new Refusals({ clock, write }) }
    db.durably(() => this.#head())
  }

  /** Whatever is done within is done by this actor. */
  actAs<T>(actor: Actor, act: () => T): T {
    return this.#acting.run(actor, act)
  }

  /** Who acts just now; without anybody, the manager itself. */
  get actor(): Actor {
    return this.#acting.getStore() ?? manager
  }

  /** What was done. Call it in the transaction of the change, if there is one: if it cannot be written, nothing is to be done. */
  done(deed: Deed, actor = this.actor): void {
    this.#options.db.nested(() => this.#add(this.#entry(actor, deed, 'done')))
  }

  /** What a change was, by its events. Call it in the change's transaction. */
  changed(events: readonly NewEvent[]): void {
    for (const event of events) this.#add(this.#entry(this.actor, deedOf(event), 'done'))
  }

  /** What was let happen and changes nothing that is desired, such as a log-in. Written soon; repeats as a number. */
  noted(deed: Deed, actor = this.actor): void {
    this.#note(this.#entry(actor, deed, 'done'))
  }

  /** What was not done, and why. Written soon; repeats as a number. The actor's name is that of somebody known, or empty. */
  refused(deed: Deed, code: string, actor = this.actor): void {
    this.#note(this.#entry(actor, deed, 'refused', code))
  }

  /** What was let through and broke. */
  failed(deed: Deed, code: string, actor = this.actor): void {
    this.#note(this.#entry(actor, deed, 'failed', code))
  }

  /** Reads the whole trail. */
  async verify(noted?: AuditHead): Promise<Verification> {
    this.#write()
    return await verifyTrail(this.#options.db, this.#options.file, noted)
  }

  /** Writes what waits or was only counted. */
  stop(): void {
    this.#refusals.users.stop()
    this.#refusals.strangers.stop()
    this.#stopped = true
    this.#write()
    this.#cancel?.()
  }

  #entry(actor: Actor, { action, target, detail = '' }: Deed, outcome: AuditOutcome, code: string | null = null): AuditEntry {
    return trimEntry({ ...actor, at: this.#options.clock.now(), action, target, detail, outcome, code, count: 1 })
  }

  #note(entry: AuditEntry): void {
    this.#refusals[entry.who === '' ? 'strangers' : 'users'].note(entry)
  }

  #writeSoon(entries: readonly AuditEntry[]): void {
    this.#waiting.push(...entries)
    if (this.#cancel !== undefined || this.#stopped) return
    const turn = setImmediate(() => this.#write())
    this.#cancel = () => clearImmediate(turn)
  }

  /** If the disk refuses, it is tried again later. */
  #write(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#waiting.length === 0) return
    const { db, clock, log } = this.#options
    try {
      db.quickly(() => {
        for (const entry of this.#waiting) this.#add(entry)
      })
      this.#waiting = []
    } catch (error) {
      log.error({ err: error, rows: this.#waiting.length }, 'refusals not stored')
      this.#cancel = clock.after(retryMs, () => this.#write())
    }
  }

  #add(entry: AuditEntry): void {
    this.#insert(this.#head(), entry)
  }

  /** What the next row follows. A head that is not as this server left it is followed all the same, but not without a word. */
  #head(): AuditHead {
    const { db, clock, log } = this.#options
    const head = readHead(db)
    if (head !== undefined && isSealed(this.#key, head) && head.last <= head.number) return head
    const number = Math.max(head?.number ?? 0, head?.last ?? readLast(db))
    if (number === 0) return noHead
    const detail = 'the trail was not as this server left it, or its key was lost'
    log.error({ number }, detail)
    const deed = { action: 'audit.resumed', target: '', detail }
    const entry = { ...manager, ...deed, at: clock.now(), outcome: 'failed', code: 'audit.broken', count: 1 } as const
    // By the head's hash: a row that was put behind it does not become good by what follows.
    return this.#insert({ number, hash: head?.hash ?? noHead.hash }, entry)
  }

  #insert(before: AuditHead, entry: AuditEntry): AuditHead {
    const row = { ...entry, number: before.number + 1 }
    const head = { number: row.number, hash: hashRow(before.hash, row) }
    insertAuditRow(this.#options.db, { ...row, hash: head.hash }, sealOf(this.#key, head))
    return head
  }
}
