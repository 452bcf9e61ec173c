// The clock as a port, so that whatever waits can be tested without waiting.

export interface Clock {
  /** Wall-clock time in ms since 1970. For showing to people; orders nothing. */
  now(): number
  /** Monotonic time in ms from an arbitrary start. For leases, back-off and every other duration. */
  monotonic(): number
  /** Calls `run` once after `delayMs`; returns a function that cancels it. */
  after(delayMs: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}
