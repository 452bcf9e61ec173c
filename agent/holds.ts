// Which services of an app end too often, and until when each waits before it is started again.
import type { Clock } from '../protocol/clock.js'
import { againDelayMs, countRestarts, countStart, type Ends, isLooping, loopDelayMs, noEnds, showsLoop } from './core/crashes.js'
import type { RunningWish } from './core/desired.js'
import { isRunning } from './core/match.js'
import type { Observed, ObservedContainer } from './core/observed.js'
import { stopStep } from './core/plan.js'
import type { Step } from './core/step.js'

export class Holds {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #ends = new Map<string, Ends>()
  /** Monotonic ms by service. */
  readonly #until = new Map<string, number>()

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  clear(): void {
    this.#ends.clear()
    this.#until.clear()
  }

  /** Counts what has ended since the last look. Returns services that have just ended once more in a crash loop. */
  note(observed: Observed): string[] {
    const now = this.#clock.monotonic()
    const services = new Set([...this.#ends.keys(), ...observed.containers.map(({ service }) => service)])
    return [...services].filter(service => {
      const before = this.#ends.get(service) ?? noEnds
      const after = countRestarts(before, containersOf(observed, service), now)
      this.#ends.set(service, after)
      return isLooping(after) && after.at.length > before.at.length
    })
  }

  /** The agent has started a service again: its next start waits. Returns how long, ms. */
  noteStart(service: string): number {
    const ends = countStart(this.#ends.get(service) ?? noEnds, this.#clock.monotonic())
    this.#ends.set(service, ends)
    return this.#hold(service, againDelayMs(ends, this.#random()))
  }

  /** Keeps a service in a crash loop from starting. Returns how long, ms. */
  noteLoop(service: string): number {
    return this.#hold(service, loopDelayMs(this.#ends.get(service) ?? noEnds, this.#random()))
  }

  /** Until when services wait: wall-clock ms. */
  until(): Record<string, number> {
    const ahead = this.#clock.now() - this.#clock.monotonic()
    return Object.fromEntries([...this.#until].map(([service, at]) => [service, at + ahead]))
  }

  /** How often each service has ended. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.#ends].map(([service, { at }]) => [service, at.length]))
  }

  /** Services to be told of as being in a crash loop, with their ends so far. */
  loops(observed: Observed): ReadonlyMap<string, number> {
    const now = this.#clock.monotonic()
    const looping = [...this.#ends].filter(([service, ends]) => showsLoop(ends, containersOf(observed, service), now))
    return new Map(looping.map(([service, { at }]) => [service, at.length]))
  }

  #hold(service: string, delayMs: number): number {
    this.#until.set(service, this.#clock.monotonic() + delayMs)
    return delayMs
  }
}

function containersOf({ containers }: Observed, service: string): ObservedContainer[] {
  return containers.filter(container => container.service === service)
}

/** What stops services that the Engine would start again at once; it counts a number of tries itself. */
export function calmingSteps(wish: RunningWish, observed: Observed, services: readonly string[]): Step[] {
  return services.flatMap(service => {
    const restart = wish.project.services[service]?.restart
    if (restart === undefined || restart.policy === 'no' || (restart.maxRetries ?? 0) > 0) return []
    return containersOf(observed, service).filter(isRunning).map(stopStep)
  })
}
