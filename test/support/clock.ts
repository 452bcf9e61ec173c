// A clock that only moves when a test says so.
import type { Clock } from '../../protocol/clock.js'

export interface ManualClock extends Clock {
  /** Moves on, running what falls due in its order. */
  advance(ms: number): void
}

export function manualClock(): ManualClock {
  let time = 0
  const due = new Set<{ atMs: number; run: () => void }>()
  return {
    now: () => time,
    monotonic: () => time,
    after(delayMs, run) {
      const entry = { atMs: time + delayMs, run }
      due.add(entry)
      return () => void due.delete(entry)
    },
    advance(ms) {
      const end = time + ms
      for (;;) {
        const next = [...due].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0]
        if (next === undefined) break
        due.delete(next)
        time = Math.max(time, next.atMs)
        next.run()
      }
      time = end
    },
  }
}
