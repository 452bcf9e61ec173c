// Keeps the count of the device's bytes over restarts, and tells it to the manager in time.
import type { Clock } from '../protocol/clock.js'
import type { Link } from '../protocol/messages/link.js'
import { protocolVersion } from '../protocol/messages/message.js'
import { addTraffic, lessTraffic, noTraffic, type Traffic as Sums, totalBytes, usageCodec } from '../protocol/messages/usage.js'
import { type Count, countFor, isSavingDue, isTellingDue } from './core/count.js'
import type { Disk } from './disk.js'
import type { Traffic } from './traffic.js'

export interface AccountantOptions {
  readonly disk: Disk
  readonly traffic: Pick<Traffic, 'sums'>
  readonly clock: Clock
  readonly link: () => Link
  /** No telemetry now. */
  readonly quiet: () => boolean
  /** Of the manager, if one is known. */
  readonly instance: () => Uint8Array | undefined
  /** Of a count that begins now. */
  readonly number: () => number
  /** Resolves to false if there is no session. */
  readonly publish: (payload: Buffer) => Promise<boolean>
}

const longestTickMs = 60_000

export class Accountant {
  readonly #options: AccountantOptions
  /** As it was when this agent began to count on. */
  #count: Count
  /** What this agent had counted by then. */
  #from: Sums = noTraffic
  #toldAt: number
  #saved: { readonly at: number; readonly bytes: number }
  #cancel = () => {}

  constructor(options: AccountantOptions) {
    const { disk, clock, instance, number } = options
    this.#options = options
    this.#count = countFor(disk.loadCount(), instance(), number())
    this.#toldAt = clock.monotonic()
    this.#saved = { at: this.#toldAt, bytes: totalBytes(this.#count.traffic) }
  }

  start(): void {
    const tickMs = Math.min(longestTickMs, this.#options.link().usageS * 1000)
    this.#cancel = this.#options.clock.after(tickMs, () => {
      this.#follow()
      this.start()
    })
  }

  /** The last word, while there still is a connection; nobody waits for it. */
  finish(): void {
    this.#cancel()
    void this.#tell()
  }

  /** When the connection is gone, too. Nothing is kept for a manager that the device has been released by. */
  stop(): void {
    const isLeft = this.#count.instance !== undefined && this.#options.instance() === undefined
    if (!isLeft) this.#save()
  }

  /** From 0: the state folder is older than what was told from it. */
  beginAnew(): void {
    this.#goOn(undefined)
  }

  #follow(): void {
    const { clock, link, quiet, instance } = this.#options
    if (countFor(this.#count, instance(), 0).instance !== this.#count.instance) this.#goOn(this.#count)
    const now = clock.monotonic()
    const bytes = totalBytes(this.#sums())
    if (!quiet() && isTellingDue({ ms: now - this.#toldAt, bytes: bytes - this.#count.toldBytes }, link())) void this.#tell()
    if (isSavingDue({ ms: now - this.#saved.at, bytes: bytes - this.#saved.bytes })) this.#save()
  }

  /** The held count with what was counted since, or the next one if it is another manager's. */
  #goOn(held: Count | undefined): void {
    const { instance, number, traffic } = this.#options
    const current = held === undefined ? undefined : { ...held, traffic: this.#sums() }
    this.#count = countFor(current, instance(), Math.max(number(), this.#count.number + 1))
    this.#from = traffic.sums()
    this.#save()
  }

  async #tell(): Promise<void> {
    const sums = this.#sums()
    const { number } = this.#count
    const isTold = await this.#options.publish(usageCodec.encode({ version: protocolVersion, count: number, ...sums }))
    if (!isTold || this.#count.number !== number) return
    this.#toldAt = this.#options.clock.monotonic()
    this.#count = { ...this.#count, toldBytes: totalBytes(sums) }
  }

  #save(): void {
    const sums = this.#sums()
    this.#options.disk.saveCount({ ...this.#count, traffic: sums })
    this.#saved = { at: this.#options.clock.monotonic(), bytes: totalBytes(sums) }
  }

  #sums(): Sums {
    return addTraffic(this.#count.traffic, lessTraffic(this.#options.traffic.sums(), this.#from))
  }
}
