// One app's loop: look, plan, take one set of steps, look again, until there is nothing to do. Apps do not wait for each other.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { type Refusal, SkerryError } from '../protocol/errors.js'
import { backoffMs } from './core/backoff.js'
import type { Memory, Wish } from './core/desired.js'
import type { Owner } from './core/labels.js'
import { nothingObserved, type Observed } from './core/observed.js'
import { describeStep, type Step } from './core/step.js'
import type { Engine } from './engine.js'
import { createExecutors, type Executors, executeSteps, type StepProgress } from './execute.js'
import { look } from './look.js'

/** A revision of an app: its number, and its spec. */
export interface Revision {
  readonly revision: number
  readonly digest: Uint8Array
}

/** What an app should be. Without a wish its containers are left alone: its spec isn't held, or cannot be followed. */
export interface Target {
  readonly owner: Owner
  readonly wish: Wish | undefined
  /** Of the wish; absent for removals. */
  readonly revision: Revision | undefined
  readonly memory: Omit<Memory, 'holds' | 'pulled'>
  /** Why there is no wish, if it is a fault. */
  readonly fault: Refusal | undefined
}

export interface LanePorts {
  readonly engine: Engine
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  /** Puts the files of the target's spec where containers find them. Called before anything is made; throws why it cannot. */
  readonly prepare: (target: Target) => void
  /** Something that is reported may have changed. */
  readonly onChange: () => void
  /** Nothing is left to do for this target. */
  readonly onConverged: (target: Target) => void
  readonly onUnavailable: () => void
}

const retries = { firstMs: 2_000, maxMs: 5 * 60_000 }
const patientRetries = { firstMs: 10_000, maxMs: 10 * 60_000 }
const restarts = { firstMs: 1_000, maxMs: 60_000 }
/** A service that has run this long starts anew in its count of restarts. */
const forgiveMs = 5 * 60_000

export interface LaneView {
  /** False until the Engine has been asked for the first time. */
  readonly known: boolean
  readonly wish: Wish | undefined
  readonly observed: Observed
  readonly memory: Memory
  readonly busy: boolean
  readonly pulling: ReadonlySet<string>
  readonly fault: Refusal | undefined
}

export class Lane {
  readonly #ports: LanePorts
  readonly #executors: Executors
  #target: Target
  #observed: Observed = nothingObserved
  #busy = true
  #fault: Refusal | undefined
  #failures = 0
  /** Monotonic time before which nothing is tried again. */
  #retryAt = 0
  #woken = false
  #running: Promise<void> | undefined
  #abort = new AbortController()
  #stopped = false
  readonly #pulled = new Set<string>()
  readonly #pulling = new Map<string, readonly string[]>()
  readonly #holds = new Map<string, { count: number; atMs: number; untilMs: number }>()
  readonly #timers = new Map<string, () => void>()

  constructor(target: Target, ports: LanePorts) {
    this.#target = target
    this.#ports = ports
    this.#executors = createExecutors(ports.engine, () => {})
  }

  /** A new target ends a pull under way and every wait for another try. */
  aim(target: Target): void {
    this.#target = target
    this.#failures = 0
    this.#retryAt = 0
    this.#fault = undefined
    this.#busy = true
    this.#holds.clear()
    this.#pulled.clear()
    this.#abort.abort()
    this.#abort = new AbortController()
    this.wake()
  }

  /** Outages change what has to be started again, but not what is wanted. */
  remember(memory: Omit<Memory, 'holds' | 'pulled'>): void {
    this.#target = { ...this.#target, memory }
  }

  get target(): Target {
    return this.#target
  }

  view(): LaneView {
    return {
      known: this.#observed !== nothingObserved,
      wish: this.#target.wish,
      observed: this.#observed,
      memory: this.#memory(),
      busy: this.#busy,
      pulling: new Set([...this.#pulling.values()].flat()),
      fault: this.#fault ?? this.#target.fault,
    }
  }

  wake(): void {
    this.#woken = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#woken && !this.#stopped) this.wake()
    })
  }

  /** Ends waiting and pulling; waits for the steps under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    this.#abort.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#woken && !this.#stopped) {
      this.#woken = false
      const { signal } = this.#abort
      try {
        await this.#advance(signal)
      } catch (error) {
        if (!signal.aborted) this.#fail(error)
      }
    }
  }

  async #advance(signal: AbortSignal): Promise<void> {
    const target = this.#target
    const { engine, clock } = this.#ports
    const { wish } = target
    if (wish === undefined) return await this.#watchOnly(target)
    const { observed, steps } = await look(engine, wish, this.#memory(), clock.now)
    if (signal.aborted || this.#stopped) return
    this.#observed = observed
    if (steps.length === 0) return this.#settle(target)
    if (clock.monotonic() < this.#retryAt) return this.#ports.onChange()
    this.#busy = true
    this.#ports.onChange()
    if (steps.some(({ kind }) => kind !== 'pull' && kind !== 'refuse')) this.#ports.prepare(target)
    await executeSteps(steps, this.#executors, { signal, onStep: progress => this.#note(progress) })
    this.#woken = true
  }

  async #watchOnly({ owner }: Target): Promise<void> {
    this.#observed = await this.#ports.engine.observe({ app: owner.app, images: [], volumes: [], networks: [] })
    this.#busy = false
    this.#ports.onChange()
  }

  #settle(target: Target): void {
    if (this.#fault !== undefined) this.#ports.log.warn('the app has recovered')
    this.#fault = undefined
    this.#failures = 0
    this.#retryAt = 0
    this.#busy = false
    this.#ports.onConverged(target)
    this.#ports.onChange()
  }

  /** Every failure is tried again; what is not likely to mend itself, less often. An Engine that is away is no fault of the app's. */
  #fail(error: unknown): void {
    const { clock, random, onUnavailable, onChange } = this.#ports
    const failure = error instanceof SkerryError ? error : new SkerryError('internal', String(error), { cause: error })
    const delay = backoffMs(++this.#failures, failure.retryable ? retries : patientRetries, random())
    this.#wakeAfter('retry', delay)
    if (failure.code === 'engine.unavailable') {
      onUnavailable()
    } else {
      this.#retryAt = clock.monotonic() + delay
      this.#blame(failure)
    }
    onChange()
  }

  #blame({ refusal, cause }: SkerryError): void {
    const known = JSON.stringify(refusal) === JSON.stringify(this.#fault)
    if (!known) this.#ports.log.error({ ...refusal, ...(refusal.code === 'internal' ? { err: cause } : {}) }, 'the app cannot be applied')
    this.#fault = refusal
    this.#busy = false
  }

  #note({ step, phase }: StepProgress): void {
    if (phase === 'done') this.#ports.log.info({ step: describeStep(step) }, 'step done')
    if (step.kind === 'pull' || step.kind === 'build') this.#notePull(step, phase)
    if (step.kind === 'start' && step.again && phase === 'done') this.#hold(step.service)
  }

  #notePull({ image, services }: Step & { kind: 'pull' | 'build' }, phase: StepProgress['phase']): void {
    if (phase === 'begun') this.#pulling.set(image, services)
    else this.#pulling.delete(image)
    if (phase === 'done') this.#pulled.add(image)
    this.#ports.onChange()
  }

  /** The next start of a service that ended waits, the longer the more often it ended. */
  #hold(service: string): void {
    const now = this.#ports.clock.now()
    const held = this.#holds.get(service)
    const count = held !== undefined && now - held.atMs < forgiveMs ? held.count + 1 : 1
    const delay = backoffMs(count, restarts, this.#ports.random())
    this.#holds.set(service, { count, atMs: now, untilMs: now + delay })
    this.#wakeAfter(`hold ${service}`, delay + 1)
  }

  #memory(): Memory {
    const holds = Object.fromEntries([...this.#holds].map(([service, { untilMs }]) => [service, untilMs]))
    return { ...this.#target.memory, holds, pulled: [...this.#pulled] }
  }

  #wakeAfter(what: string, delayMs: number): void {
    if (this.#stopped) return
    this.#timers.get(what)?.()
    this.#timers.set(
      what,
      this.#ports.clock.after(delayMs, () => {
        this.#timers.delete(what)
        this.wake()
      }),
    )
  }
}
