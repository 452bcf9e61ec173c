// How long to wait before the next try: longer with each failure, and never in step with other devices.

export interface BackoffLimits {
  readonly firstMs: number
  readonly maxMs: number
}

/** The delay after `failures` failures in a row (1 or more). `random` is in [0, 1): half of the delay is left to it. */
export function backoffMs(failures: number, { firstMs, maxMs }: BackoffLimits, random: number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(full / 2 + (full / 2) * random)
}

/** Attempts to connect come at least twice a lease: a broker that is back hears the device before its lease has run out. */
export function withinLease({ firstMs, maxMs }: BackoffLimits, leaseMs: number): BackoffLimits {
  return { firstMs, maxMs: Math.min(maxMs, Math.max(firstMs, leaseMs / 2)) }
}
