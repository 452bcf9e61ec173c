// What is remembered of each app, on disk before it is acted upon: what runs, what was good last, what failed, which images came for it.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { digestText } from '../protocol/spec.js'
import type { AppRecord, Records } from './core/record.js'
import type { Disk } from './disk.js'
import type { UsedImage } from './images.js'

const writeAgainMs = 10_000

export class Ledger {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #log: Logger
  #records: Records
  #cancel: (() => void) | undefined
  #closed = false

  constructor(disk: Disk, clock: Clock, log: Logger) {
    this.#disk = disk
    this.#clock = clock
    this.#log = log
    this.#records = disk.loadRecords()
  }

  get(app: string): AppRecord | undefined {
    return this.#records.apps.get(app)
  }

  get apps(): ReadonlyMap<string, AppRecord> {
    return this.#records.apps
  }

  /** Images that were pulled or built for apps. */
  get images(): readonly UsedImage[] {
    return this.#records.images
  }

  /** Digests of the specs that may have to run again. */
  digests(): string[] {
    return [...this.#records.apps.values()].flatMap(({ applied, good }) =>
      [applied, good].flatMap(each => (each ? [digestText(each.digest)] : [])),
    )
  }

  /** Changes what is remembered of an app. True if that is news. */
  change(app: string, change: (record: AppRecord) => AppRecord): boolean {
    const before = this.#records.apps.get(app)
    const after = change(before ?? {})
    if (before !== undefined && sameRecord(before, after)) return false
    return this.#write({ ...this.#records, apps: new Map(this.#records.apps).set(app, after) })
  }

  strike(app: string): void {
    if (!this.#records.apps.has(app)) return
    const apps = new Map(this.#records.apps)
    apps.delete(app)
    this.#write({ ...this.#records, apps })
  }

  addImages(images: readonly UsedImage[]): void {
    const fresh = images.filter(({ id, reference }) => !this.images.some(known => known.id === id && known.reference === reference))
    if (fresh.length > 0) this.#write({ ...this.#records, images: [...this.images, ...fresh] })
  }

  dropImages(ids: ReadonlySet<string>): void {
    if (this.images.some(({ id }) => ids.has(id))) this.#write({ ...this.#records, images: this.images.filter(({ id }) => !ids.has(id)) })
  }

  forget(): void {
    this.#records = { ...this.#records, apps: new Map() }
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
  }

  /** What a full disk does not take holds for this process, and is written as soon as it can be. */
  #write(records: Records): true {
    this.#records = records
    this.#flush()
    return true
  }

  #flush(): void {
    if (this.#closed) return
    const failedBefore = this.#cancel !== undefined
    this.#cancel?.()
    this.#cancel = undefined
    try {
      this.#disk.saveRecords(this.#records)
      if (failedBefore) this.#log.warn('the ledger could be written again')
    } catch (error) {
      if (!failedBefore) this.#log.error({ err: error }, 'the ledger cannot be written')
      this.#cancel = this.#clock.after(writeAgainMs, () => this.#flush())
    }
  }
}

function sameRecord(one: AppRecord, other: AppRecord): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
