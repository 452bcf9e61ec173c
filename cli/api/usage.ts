// What the HTTP API answers about the bytes of connections.

import type { Traffic } from '../../protocol/messages/usage.js'

export interface MonthUse {
  readonly month: string
  readonly usedBytes: number
  readonly projectedBytes: number | null
  readonly budgetBytes: number | null
  /** How many times more rarely telemetry comes. */
  readonly slow: number
}

interface Sums {
  readonly totalBytes: number
  readonly purposes: Traffic
}

/** What a device's connection has cost. */
export interface Usage {
  readonly device: string
  readonly month: MonthUse | null
  readonly days: readonly (Sums & { readonly day: string })[]
  readonly months: readonly (Sums & { readonly month: string })[]
}
