// What devices tell of what runs: taken in if it is news, and asked for where something of it is missing.
import type { Logger } from 'pino'
import { applyChanges } from '../protocol/changes.js'
import type { Clock } from '../protocol/clock.js'
import { SkerryError } from '../protocol/errors.js'
import type { Changes } from '../protocol/messages/changes.js'
import type { Heartbeat } from '../protocol/messages/heartbeat.js'
import type { Reported } from '../protocol/messages/reported.js'
import { type Status, startOf } from '../protocol/messages/status.js'
import type { Device } from './core/model.js'
import { judgeBeat, judgeChanges, judgeReport, type Origin } from './core/reports.js'
import type { Inventory } from './inventory.js'
import type { Requests } from './requests.js'

interface ReportsOptions {
  readonly clock: Clock
  readonly inventory: Pick<Inventory, 'devices' | 'foldReport'>
  readonly requests: Pick<Requests, 'ask' | 'hears'>
  readonly log: Logger
}

interface Ask {
  failures: number
  cancel: () => void
}

/** What seems to be missing may be on its way. */
const graceMs = 2_000
const firstAgainMs = 30_000
const longestAgainMs = 3_600_000

export class Reports {
  readonly #options: ReportsOptions
  /** See {@link knows}. */
  #sure = new WeakSet<Device>()
  readonly #asks = new Map<Device, Ask>()

  constructor(options: ReportsOptions) {
    this.#options = options
  }

  /** Nothing is heard any more: whatever is told from now on is missed. */
  down(): void {
    for (const { cancel } of this.#asks.values()) cancel()
    this.#asks.clear()
    this.#sure = new WeakSet()
  }

  /** Whether the device has shown, since the manager hears its broker, that what is known is what it told last. */
  knows(device: Device): boolean {
    return this.#sure.has(device)
  }

  /** False if it is an old one. */
  report(device: Device, report: Reported, origin: Origin): boolean {
    const verdict = judgeReport(device, report, origin, this.#sure.has(device))
    if (verdict === 'news') this.#options.inventory.foldReport(device, report, origin.stamp)
    if (origin.live) this.#settle(device, verdict !== 'old')
    return verdict !== 'old'
  }

  /** The report that they make; undefined if they make none, or none that is news. */
  change(device: Device, changes: Changes, stamp: Uint8Array): Reported | undefined {
    const verdict = judgeChanges(device, changes, stamp)
    const made = verdict === 'news' && device.reported !== null ? applyChanges(device.reported, changes) : undefined
    if (made?.ok === true) this.#options.inventory.foldReport(device, made.value, stamp)
    this.#settle(device, verdict === 'same' || made?.ok === true)
    return made?.ok === true ? made.value : undefined
  }

  /** A heartbeat of its present session. */
  beat(device: Device, beat: Heartbeat): void {
    const verdict = judgeBeat(device, beat)
    if (verdict === 'nothing-told') this.#sure.delete(device)
    else this.#settle(device, verdict === 'right' || (verdict === 'unsaid' && this.#sure.has(device)))
  }

  /** A live birth of another start than what is known, or of a time that has been before, is followed by a report. */
  birth(device: Device, { epoch }: Pick<Status, 'epoch'>, spent: boolean): void {
    if (spent || device.reported?.start !== startOf(epoch)) this.#sure.delete(device)
  }

  #settle(device: Device, sure: boolean): void {
    if (sure) this.#confirm(device)
    else this.#doubt(device)
  }

  #confirm(device: Device): void {
    this.#sure.add(device)
    this.#asks.get(device)?.cancel()
    this.#asks.delete(device)
  }

  #doubt(device: Device): void {
    this.#sure.delete(device)
    if (this.#asks.has(device)) return
    const ask = { failures: 0, cancel: () => {} }
    this.#asks.set(device, ask)
    this.#askLater(device, ask, graceMs)
  }

  #askLater(device: Device, ask: Ask, delayMs: number): void {
    ask.cancel = this.#options.clock.after(delayMs, () => {
      // Whatever it says next brings the question up again.
      if (this.#options.requests.hears(device)) void this.#ask(device, ask)
      else this.#asks.delete(device)
    })
  }

  async #ask(device: Device, ask: Ask): Promise<void> {
    const known = device.reportStamp
    const { requests, log } = this.#options
    try {
      let parts = 0
      const question = { kind: 'report', ...(known === null ? {} : { holds: known }) } as const
      for await (const _ of requests.ask(device, question, new AbortController().signal)) parts++
      // One part: it has told nothing that isn't known.
      if (parts > 1 || device.reportStamp !== known) throw new SkerryError('response.lost', 'the report has not come')
      if (this.#asks.get(device) === ask) this.#confirm(device)
    } catch (error) {
      if (this.#asks.get(device) !== ask) return
      log.debug({ err: error, device: device.id }, 'no report could be had')
      this.#askLater(device, ask, Math.min(longestAgainMs, firstAgainMs * 2 ** Math.min(ask.failures++, 20)))
    }
  }
}
