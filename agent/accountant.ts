// Keeps the count of the device's bytes over restarts, and tells it to the manager in time.
import type { Clock } from '../protocol/clock.js'
import type { Link } from '../protocol/messages/link.js'
import { protocolVersion } from '../protocol/messages/message.js'
import { addTraffic, lessTraffic, noTraffic, type Traffic as Sums, totalBytes, usageCodec } from '../protocol/messages/usage.js'
import { type Count, countFor, isSavingDue, isTellingDue, isToldOften, type Since } from './core/count.js'
import type { Disk } from './disk.js'
import type { Traffic } from './traffic.js'

export interface AccountantOptions {
  readonly disk: Pick<Disk, 'loadCount' | 'saveCount'>
  readonly traffic: Pick<Traffic, 'sums'>
  readonly clock: Clock
  readonly link: () => Link
  /** No telemetry now. */
  readonly quiet: () => boolean
  readonly connected: () => boolean
  /** Of the manager, if one is known. */
  readonly instance: () => Uint8Array | undefined
  /** Of a count that begins now. */
  readonly number: () => number
  /** Resolves to false if there is no session. */
  readonly publish: (payload: Buffer) => Promise<boolean>
}

const longestTickMs = 60_000

/** A moment of the agent's clock, and all that was in the count by then. */
interface Mark {
  readonly at: number
  readonly bytes: number
}

export class Accountant {
  readonly #options: AccountantOptions
  readonly #startedAt: number
  /** As it was when this agent began to count on. */
  #count: Count
  /** What this agent had counted by then. */
  #from: Sums = noTraffic
  /** When the manager was last told. */
  #told: Mark
  /** When all was told, or on disk. */
  #safe: Mark
  /** Whether the disk says that it is behind. */
  #behind = false
  #cancel = () => {}

  constructor(options: AccountantOptions) {
    const { disk, clock, instance, number } = options
    this.#options = options
    this.#count = countFor(disk.loadCount(), instance(), number())
    this.#startedAt = clock.monotonic()
    this.#told = { at: this.#startedAt - (this.#count.untoldMs ?? 0), bytes: this.#count.toldBytes }
    this.#safe = { at: this.#startedAt, bytes: totalBytes(this.#count.traffic) }
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
    if (this.#options.connected()) void this.#tell()
  }

  /** When the connection is gone, too. */
  stop(): void {
    this.#save(this.#told)
  }

  /** From 0: the state folder is older than what was told from it. */
  beginAnew(): void {
    this.#goOn(undefined)
  }

  #follow(): void {
    const { link, quiet, connected, instance } = this.#options
    if (countFor(this.#count, instance(), 0).instance !== this.#count.instance) this.#goOn(this.#count)
    if (connected() && !quiet() && isTellingDue(this.#since(this.#told), link())) void this.#tell()
    else if (isSavingDue(this.#since(this.#safe), this.#safe.at - this.#startedAt)) this.#save(this.#told)
  }

  /** The held count with what was counted since, or the next one if it is another manager's. */
  #goOn(held: Count | undefined): void {
    const { instance, number, traffic } = this.#options
    const current = held === undefined ? undefined : { ...held, traffic: this.#sums() }
    this.#count = countFor(current, instance(), Math.max(number(), this.#count.number + 1))
    this.#from = traffic.sums()
    this.#told = { ...this.#told, bytes: this.#count.toldBytes }
    this.#save(this.#told)
  }

  /** What is told is on disk before, or the disk says that it is behind: an agent that is killed in between must not tell it once more. */
  async #tell(): Promise<void> {
    const { publish } = this.#options
    const sums = this.#sums()
    const { number } = this.#count
    const told = this.#mark()
    const often = isToldOften(this.#since(this.#told))
    if (!often || !this.#behind) this.#save(told, often)
    const isTold = await publish(usageCodec.encode({ version: protocolVersion, count: number, ...sums }))
    if (!isTold || this.#count.number !== number) return
    this.#told = told
    if (this.#behind) this.#safe = told
  }

  /** Nothing is kept for a manager that the device has been released by. */
  #save(told: Mark, behind = false): void {
    const { disk, instance } = this.#options
    if (this.#count.instance !== undefined && instance() === undefined) return
    const now = this.#mark()
    disk.saveCount({ ...this.#count, traffic: this.#sums(), toldBytes: told.bytes, untoldMs: now.at - told.at, behind })
    this.#safe = now
    this.#behind = behind
  }

  #mark(): Mark {
    return { at: this.#options.clock.monotonic(), bytes: totalBytes(this.#sums()) }
  }

  #since(mark: Mark): Since {
    const { at, bytes } = this.#mark()
    return { ms: at - mark.at, bytes: bytes - mark.bytes }
  }

  #sums(): Sums {
    return addTraffic(this.#count.traffic, lessTraffic(this.#options.traffic.sums(), this.#from))
  }
}
