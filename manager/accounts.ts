// What devices' connections cost, by day and month (UTC), and the budgets that slow their telemetry down before they are spent.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { type Traffic, totalBytes, type Usage } from '../protocol/messages/usage.js'
import { newEvent } from './core/events.js'
import { deviceLink } from './core/links.js'
import type { Device } from './core/model.js'
import { dayOf, foldUsage, monthGone, monthOf, projectBytes, slowdown, type Told } from './core/usage.js'
import type { Inventory } from './inventory.js'
import type { Journal } from './journal.js'
import type { Publisher } from './publisher.js'
import type { Db } from './store/db.js'
import { readGroupsOf } from './store/groups.js'
import { readLinksFor } from './store/links.js'
import { bumpTarget } from './store/outbox.js'
import { addToDay, keepNewestDays, readCounts, readTotal, readTotals, saveSlow, saveTold } from './store/usage.js'

interface AccountsOptions {
  readonly db: Db
  readonly journal: Journal
  readonly inventory: Inventory
  readonly publisher: Publisher
  readonly clock: Clock
  readonly log: Logger
}

/** A device's month so far. */
export interface MonthUse {
  /** Such as `2026-11`. */
  readonly month: string
  readonly usedBytes: number
  /** Null while that cannot be told. */
  readonly projectedBytes: number | null
  /** How many times more rarely its telemetry comes, for the sake of the budget. */
  readonly slow: number
}

interface Account {
  told: Told
  month: string
  bytes: number
  slow: number
}

const reviewMs = 600_000
/** Thirteen months of days on which something was told. */
const keptDays = 400

export class Accounts {
  readonly #options: AccountsOptions
  readonly #accounts = new Map<string, Account>()
  #cancel = () => {}

  constructor(options: AccountsOptions) {
    this.#options = options
  }

  start(): void {
    const { db, clock } = this.#options
    const month = monthOf(clock.now())
    const totals = readTotals(db, month)
    for (const { device, told, slow } of readCounts(db)) {
      this.#accounts.set(device, { told, slow, month, bytes: totals.get(device) ?? 0 })
    }
    this.#review()
  }

  stop(): void {
    this.#cancel()
  }

  receive(device: Device, usage: Usage): void {
    const account = this.#accounts.get(device.id)
    const folded = foldUsage(account?.told, usage)
    if (folded === undefined) return
    const now = this.#options.clock.now()
    const { told, added } = folded
    const next = account ?? { told, month: monthOf(now), bytes: 0, slow: 1 }
    this.#turnMonth(device.id, next)
    next.told = told
    next.bytes = Math.min(Number.MAX_SAFE_INTEGER, next.bytes + totalBytes(added))
    this.#accounts.set(device.id, next)
    this.#save(device, told, { day: dayOf(now), traffic: added })
    this.#assess(device, next)
  }

  forget(device: string): void {
    this.#accounts.delete(device)
  }

  /** Undefined if the device has never told anything. */
  of({ id, registeredAt }: Pick<Device, 'id' | 'registeredAt'>): MonthUse | undefined {
    const account = this.#accounts.get(id)
    if (account === undefined) return undefined
    this.#turnMonth(id, account)
    const now = this.#options.clock.now()
    const { month, bytes, slow } = account
    return { month, usedBytes: bytes, projectedBytes: projectBytes(bytes, now, registeredAt), slow }
  }

  /** As budgets and the time of the month are now. */
  reassess(devices: Iterable<string> = this.#accounts.keys()): void {
    for (const id of devices) {
      const account = this.#accounts.get(id)
      const device = this.#options.inventory.devices.get(id)
      if (account !== undefined && device !== undefined) this.#assess(device, account)
    }
  }

  #review(): void {
    const { clock, log } = this.#options
    this.#cancel = clock.after(reviewMs, () => this.#review())
    try {
      this.reassess()
    } catch (error) {
      log.error({ err: error }, 'accounts not reviewed')
    }
  }

  /** With this turn's events; what is told and what it adds are one. */
  #save({ id }: Device, told: Told, day: { readonly day: string; readonly traffic: Traffic }): void {
    const { db, journal, inventory } = this.#options
    journal.save(() => {
      if (!inventory.devices.has(id)) return
      saveTold(db, id, told)
      addToDay(db, id, day)
      keepNewestDays(db, id, keptDays)
    })
  }

  #assess(device: Device, account: Account): void {
    const { db, clock } = this.#options
    this.#turnMonth(device.id, account)
    const now = clock.now()
    const { budgetBytes } = deviceLink(device, readGroupsOf(db, device.id), readLinksFor(db, device.id))
    const slow = budgetBytes === null ? 1 : slowdown(account.slow, { usedBytes: account.bytes, budgetBytes, gone: monthGone(now) })
    if (slow !== account.slow) this.#slow(device, account, { slow, budgetBytes })
  }

  /** A clock may also turn back to a month that has begun. */
  #turnMonth(device: string, account: Account): void {
    const { db, journal, clock } = this.#options
    const month = monthOf(clock.now())
    if (account.month === month) return
    journal.flush()
    account.month = month
    account.bytes = readTotal(db, device, month)
  }

  #slow({ id }: Device, account: Account, { slow, budgetBytes }: { slow: number; budgetBytes: number | null }): void {
    const { db, journal, publisher } = this.#options
    journal.flush()
    db.quickly(() => {
      saveSlow(db, id, slow)
      bumpTarget(db, { kind: 'device', name: id })
    })
    account.slow = slow
    const spent = budgetBytes === null ? 'it has no budget' : `${Math.round((100 * account.bytes) / budgetBytes)} % of its budget is spent`
    const telemetry = slow === 1 ? 'comes as usual' : `comes ${slow} times more rarely`
    const data = { month: account.month, usedBytes: account.bytes, budgetBytes, slow }
    journal.note(newEvent('device.budget', `telemetry of ${id} ${telemetry}: ${spent}`, { device: id, data }))
    publisher.wake()
  }
}
