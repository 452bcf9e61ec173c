// Bytes of devices' connections: what a message adds to the accounts, how a month goes on, and how far a budget slows telemetry down. Pure.
import { lessTraffic, type Traffic, totalBytes, type Usage } from '../../protocol/messages/usage.js'

/** What a device has told of a count. */
export interface Told {
  readonly count: number
  readonly traffic: Traffic
}

/**
 * What a message adds to what was told before; undefined if that is nothing. What is of an older count, or less than was told, is
 * out of date: it came late, or twice.
 */
export function foldUsage(before: Told | undefined, usage: Usage): { readonly told: Told; readonly added: Traffic } | undefined {
  const { version: _, count, ...traffic } = usage
  const told = { count, traffic }
  if (before === undefined || count > before.count) return { told, added: traffic }
  const added = lessTraffic(traffic, before.traffic)
  return count < before.count || totalBytes(added) <= 0 ? undefined : { told, added }
}

/** In UTC, such as `2026-11-21`. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** In UTC, such as `2026-11`. */
export function monthOf(at: number): string {
  return dayOf(at).slice(0, 7)
}

/** From its first moment until the next one's. */
function spanOf(at: number): { readonly from: number; readonly until: number } {
  const date = new Date(at)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return { from: Date.UTC(year, month), until: Date.UTC(year, month + 1) }
}

/** How much of its month has passed, 0 to 1. */
export function monthGone(at: number): number {
  const { from, until } = spanOf(at)
  return (at - from) / (until - from)
}

/** From less, nothing is foretold. */
const shortestMs = 3_600_000

/** What the month comes to if it goes on like this; `since`: when the device was registered. Null while that cannot be told. */
export function projectBytes(usedBytes: number, now: number, since: number): number | null {
  const { from, until } = spanOf(now)
  const seenMs = now - Math.max(from, since)
  return seenMs < shortestMs ? null : Math.round(usedBytes * (1 + (until - now) / seenMs))
}

export interface Spending {
  readonly usedBytes: number
  readonly budgetBytes: number
  /** How much of the month has passed, 0 to 1. */
  readonly gone: number
}

/** Telemetry comes so many times more rarely at most. */
export const slowest = 64
/** So much of a budget is not telemetry's. */
const reserve = 0.1
/** What is spent, in shares of what may be by now: beyond each, telemetry comes half as often. */
const paces = [1, 1.2, 1.4, 1.7, 2] as const
/** So much less has to be spent for going faster again: telemetry that slows down must not speed itself up. */
const hysteresis = 1.1

/**
 * How many times more rarely telemetry comes: 1, 2, 4 and so on. A tenth of the budget may be spent at once, and nine tenths by the
 * end of the month; with nine tenths spent it is as slow as it gets. `before` is what holds.
 */
export function slowdown(before: number, { usedBytes, budgetBytes, gone }: Spending): number {
  const spent = usedBytes / budgetBytes
  const now = slowAt(spent, gone)
  return now >= before ? now : Math.min(before, slowAt(spent * hysteresis, gone))
}

function slowAt(spent: number, gone: number): number {
  if (spent >= 1 - reserve) return slowest
  const pace = spent / (reserve + (1 - 2 * reserve) * gone)
  return 2 ** paces.filter(each => pace > each).length
}
