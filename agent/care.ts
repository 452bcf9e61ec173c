// Keeps what ran before running, for as long as nothing but pulls has been done for what is to replace it.
import type { Memory, RunningWish } from './core/desired.js'
import { areHarmless, type Deeds } from './deeds.js'
import type { LanePorts } from './lane-ports.js'
import { look } from './look.js'
import type { Restarts } from './restart.js'
import { takeRounds } from './rounds.js'
import { asFailure, Tries } from './tries.js'

export interface CareOptions {
  readonly ports: LanePorts
  readonly deeds: Deeds
  readonly restarts: Restarts
  readonly memory: () => Memory
}

export class Care {
  readonly #options: CareOptions
  readonly #tries: Tries

  constructor(options: CareOptions) {
    this.#options = options
    this.#tries = new Tries({ ...options.ports, failing: 'the revision of before cannot be kept running' })
  }

  clear(): void {
    this.#tries.clear()
  }

  /** When to look again, ms from now; undefined if nothing was to be done. What goes wrong is not the fault of what is to come. */
  async take(wish: RunningWish, signal: AbortSignal): Promise<number | undefined> {
    const { deeds, restarts, ports } = this.#options
    // What had failed by then is not started again because something newer is on its way.
    const memory = () => ({ ...this.#options.memory(), sinceMs: 0 })
    if (!this.#tries.isDue()) return undefined
    try {
      const { observed, steps } = await look(ports.engine, wish, memory(), ports.clock.now)
      if (signal.aborted || !ports.clearance().mayAct) return undefined
      const take = (next: Parameters<Deeds['takeAside']>[0]) => deeds.takeAside(next, signal)
      if (await restarts.takeNext(wish, observed, take)) return 0
      if (areHarmless(steps)) {
        this.#tries.clear()
        return undefined
      }
      await takeRounds(
        { observed, steps },
        { wish, memory, now: ports.clock.now, take, isOver: () => signal.aborted || !ports.clearance().mayAct },
      )
      return 0
    } catch (error) {
      return signal.aborted ? undefined : this.#tries.note(asFailure(error))
    }
  }
}
