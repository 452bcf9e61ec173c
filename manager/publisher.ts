// Tells the broker what the database says should be told, until it has acknowledged all of it. The only writer of desired state.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { PermitTopic } from '../protocol/permit-topics.js'
import { formatTopic } from '../protocol/topics.js'
import type { Addressee } from './core/model.js'
import type { Link } from './link.js'
import type { Manifests } from './manifests.js'
import type { Db } from './store/db.js'
import * as outbox from './store/outbox.js'
import { finishRelease, readConfirmed } from './store/tombstones.js'

interface PublisherOptions {
  readonly db: Db
  readonly root: string
  readonly manifests: Manifests
  readonly clock: Clock
  readonly log: Logger
  /** Takes a permit away at the broker. */
  clearPermit(link: Link, target: PermitTopic): Promise<void>
  /** A released device's topics are cleared: it may come back as a new one. */
  released(device: string): void
}

/** Publishes in flight at a time. */
const window = 200
/** The same of specs and files, which may have 1 MiB each. */
const specWindow = 16
/** A broker has told all its retained manifests when none came for so long. If it was only slow, one is published again: harmless. */
const quietMs = 500
const retryMs = 2000
const retellMs = 10_000

const noPayload = Buffer.alloc(0)

export class Publisher {
  readonly #options: PublisherOptions
  #link: Link | undefined
  #running: Promise<void> | undefined
  #again = false
  #published = 0
  /** What the broker held at connect: each topic's revision, or -1 if this manager has not signed it with its present key. */
  #seen: Map<string, number> | undefined
  /** When each topic may be told again because of a complaint. */
  readonly #retellFrom = new Map<string, number>()
  #cancelQuiet = () => {}
  #cancelRetry = () => {}

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Messages published since the start. */
  get published(): number {
    return this.#published
  }

  /** Something is to be published. Returns at once. */
  wake(): void {
    this.#again = true
    if (this.#link === undefined || this.#running !== undefined) return
    const link = this.#link
    this.#running = this.#run(link).finally(() => {
      this.#running = undefined
      if (this.#again && this.#link !== undefined) this.wake()
    })
  }

  /** The broker is there: publishes what it has not acknowledged, and looks for what it has lost. */
  up(link: Link): void {
    this.#link = link
    this.#compare(link)
    this.wake()
  }

  down(): void {
    this.#link = undefined
    this.#seen = undefined
    this.#cancelQuiet()
    this.#cancelRetry()
  }

  /** Resolves when nothing is being published any more. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** Somebody has put something else in the place of what was told on this topic: it is told again, not too often. */
  retell(topic: string): void {
    const { db, clock, manifests, log } = this.#options
    const addressee = manifests.addresseeOf(topic)
    const target = addressee === undefined ? undefined : outbox.readTarget(db, addressee)
    const now = clock.monotonic()
    if (target === undefined || now < (this.#retellFrom.get(topic) ?? 0)) return
    this.#retellFrom.set(topic, now + retellMs)
    log.warn({ topic }, 'a device refuses what the broker holds: it is told again')
    db.quickly(() => outbox.markLost(db, target, target.revision))
    this.wake()
  }

  /** A manifest that the broker holds; asked for at connect. */
  seen(topic: string, payload: Uint8Array): void {
    if (this.#seen === undefined) return
    this.#seen.set(topic, this.#options.manifests.revisionOf(topic, payload))
    this.#waitForQuiet()
  }

  #filters(): string[] {
    const { root } = this.#options
    return [`${root}/device/+/desired`, `${root}/group/+/desired`, `${root}/fleet/+`]
  }

  #compare(link: Link): void {
    const expected = outbox.readPublished(this.#options.db)
    if (expected.length === 0) return
    this.#seen = new Map()
    this.#onQuiet = () => {
      const seen = this.#seen ?? new Map<string, number>()
      this.#seen = undefined
      link.unsubscribe(this.#filters()).catch(() => {})
      this.#republish(expected, seen)
    }
    link
      .subscribe(this.#filters().map(filter => ({ filter, qos: 0 })))
      .then(() => this.#seen !== undefined && this.#waitForQuiet())
      .catch(error => this.#options.log.warn({ err: error }, 'retained manifests not compared'))
  }

  #onQuiet = () => {}

  #waitForQuiet(): void {
    this.#cancelQuiet()
    this.#cancelQuiet = this.#options.clock.after(quietMs, () => this.#onQuiet())
  }

  #republish(expected: readonly outbox.TargetRow[], seen: ReadonlyMap<string, number>): void {
    const { db, log, manifests } = this.#options
    const heldOn = (topic: string): number => seen.get(topic) ?? manifests.revisionOf(topic, noPayload)
    const lost = expected.filter(target => heldOn(manifests.topicOf(target)) < target.revision)
    if (lost.length === 0) return
    log.warn({ targets: lost.length }, 'the broker has lost retained manifests')
    db.quickly(() => {
      for (const target of lost) outbox.markLost(db, target, target.revision)
      // A broker that lost a manifest, or has an older one, has most likely lost the specs of that time, too.
      outbox.markSpecsLost(db)
    })
    this.wake()
  }

  async #run(link: Link): Promise<void> {
    // Not before the transaction under way, if there is one, has ended.
    await Promise.resolve()
    try {
      while (this.#again) {
        this.#again = false
        while (this.#link === link && (await this.#step(link))) this.#again = false
      }
    } catch (error) {
      // Whatever was not acknowledged is published on the next connection, or soon if there still is one.
      this.#options.log.warn({ err: error }, 'publishing interrupted')
      this.#cancelRetry()
      if (this.#link === link) this.#cancelRetry = this.#options.clock.after(retryMs, () => this.wake())
    }
  }

  /** Does the next set of independent things; false when there is none. Specs come before the manifests that name them and go after those that did. */
  async #step(link: Link): Promise<boolean> {
    const { db } = this.#options
    const specs = outbox.readSpecsToPublish(db, specWindow)
    if (specs.length > 0) return this.#each(specs, digest => this.#publishSpec(link, digest))
    const pending = outbox.readPending(db, window)
    if (pending.length > 0) return this.#each(pending, target => this.#publishManifest(link, target))
    const confirmed = readConfirmed(db)
    if (confirmed.length > 0) return this.#each(confirmed, device => this.#clearDevice(link, device))
    const gone = outbox.readGone(db, window)
    if (gone.length > 0) return this.#each(gone, target => this.#clearTarget(link, target))
    const unneeded = outbox.readSpecsToClear(db, window)
    if (unneeded.length > 0) db.quickly(() => outbox.markSpecs(db, unneeded, 'clearing'))
    return this.#each(unneeded, digest => this.#clearSpec(link, digest))
  }

  async #each<T>(items: readonly T[], act: (item: T) => Promise<() => void>): Promise<boolean> {
    const results = await Promise.allSettled(items.map(act))
    const done = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    if (done.length > 0) this.#options.db.quickly(() => done.forEach(record => void record()))
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return items.length > 0
  }

  async #publishSpec(link: Link, digest: string): Promise<() => void> {
    await this.#publish(link, this.#specTopic(digest), outbox.readBody(this.#options.db, digest) ?? noPayload)
    return () => outbox.markSpecs(this.#options.db, [digest], 'there')
  }

  async #publishManifest(link: Link, target: outbox.TargetRow): Promise<() => void> {
    const { db, manifests } = this.#options
    await this.#publish(link, manifests.topicOf(target), manifests.messageFor(target))
    return () => outbox.markPublished(db, target, target.revision)
  }

  async #clearTarget(link: Link, target: Addressee): Promise<() => void> {
    await this.#publish(link, this.#options.manifests.topicOf(target), noPayload)
    return () => outbox.forgetTarget(this.#options.db, target)
  }

  async #clearSpec(link: Link, digest: string): Promise<() => void> {
    await this.#publish(link, this.#specTopic(digest), noPayload)
    return () => outbox.markSpecs(this.#options.db, [digest], 'absent')
  }

  async #clearDevice(link: Link, device: string): Promise<() => void> {
    for (const channel of ['desired', 'reported', 'status'] as const) {
      await this.#publish(link, formatTopic(this.#options.root, { kind: 'device', device, channel }), noPayload)
    }
    await this.#options.clearPermit(link, { kind: 'device', name: device })
    return () => {
      const { db, released } = this.#options
      const target = { kind: 'device', name: device } as const
      if (finishRelease(db, device)) released(device)
      else if (outbox.readTarget(db, target) !== undefined) outbox.bumpTarget(db, target)
    }
  }

  async #publish(link: Link, topic: string, payload: Uint8Array): Promise<void> {
    await link.publish(topic, payload)
    this.#published++
  }

  #specTopic(digest: string): string {
    return formatTopic(this.#options.root, { kind: 'spec', digest })
  }
}
