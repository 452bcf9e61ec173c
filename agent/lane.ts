// One app's loop: look, plan, take one set of steps, look again, until there is nothing to do. Apps do not wait for each other.
import { type Refusal, SkerryError } from '../protocol/errors.js'
import { type BackoffLimits, backoffMs } from './core/backoff.js'
import type { Memory, RunningWish } from './core/desired.js'
import { nothingObserved, type Observed } from './core/observed.js'
import { policyChanges } from './core/policies.js'
import { describeStep, type Step } from './core/step.js'
import { type CreatedIds, createExecutors, type Executors, executeSteps, type StepProgress } from './execute.js'
import { calmingSteps, Holds } from './holds.js'
import { ImageNotes } from './images.js'
import { type LanePorts, outcomeOf } from './lane-ports.js'
import { look } from './look.js'
import { Restarts } from './restart.js'
import { takeRounds } from './rounds.js'
import type { Given, Target } from './target.js'
import { Timers } from './timers.js'
import { Trial } from './trial.js'
import type { LaneView } from './view.js'

const retries: BackoffLimits = { firstMs: 2_000, maxMs: 5 * 60_000 }
const patientRetries: BackoffLimits = { firstMs: 10_000, maxMs: 10 * 60_000 }
/** Steps that leave containers, networks and volumes as they are. */
const harmless: readonly Step['kind'][] = ['pull', 'build', 'refuse']
/** Steps that end what ran before. */
const touching: readonly Step['kind'][] = ['stop', 'remove', 'rename', 'removeNetwork']

export class Lane {
  readonly #ports: LanePorts
  readonly #executors: Executors
  readonly #holds: Holds
  readonly #timers: Timers
  readonly #images = new ImageNotes()
  readonly #restarts = new Restarts()
  #target: Target
  #trial: Trial | undefined
  #observed: Observed = nothingObserved
  #busy = true
  #fault: Refusal | undefined
  #failures = 0
  /** Monotonic time before which nothing is tried again. */
  #retryAt = 0
  #begun = false
  #touched = false
  #woken = false
  #running: Promise<void> | undefined
  #abort = new AbortController()
  #stopped = false

  constructor(target: Target, ports: LanePorts) {
    this.#target = target
    this.#ports = ports
    this.#executors = createExecutors(ports.engine, progress => ports.pulls.note(progress))
    this.#holds = new Holds(ports.clock, ports.random)
    this.#timers = new Timers(ports.clock)
    this.#trial = this.#openTrial()
  }

  /** A new target ends a pull under way and every wait for another try. */
  aim(target: Target): void {
    this.#target = target
    this.#trial = this.#openTrial()
    this.#failures = 0
    this.#retryAt = 0
    this.#fault = undefined
    this.#busy = true
    this.#begun = false
    this.#touched = false
    this.#holds.clear()
    this.#images.clear()
    this.#abort.abort()
    this.#abort = new AbortController()
    this.wake()
  }

  /** Outages change what has to be started again, but not what is wanted. */
  remember(memory: Given): void {
    this.#target = { ...this.#target, memory }
  }

  get target(): Target {
    return this.#target
  }

  view(): LaneView {
    return {
      known: this.#observed !== nothingObserved,
      target: this.#target,
      observed: this.#observed,
      memory: this.#memory(),
      busy: this.#busy,
      begun: this.#begun,
      pulling: this.#images.pulling(image => this.#ports.pulls.shown(image)),
      loops: this.#holds.loops(this.#observed),
      trying: this.#trial !== undefined && this.#target.fault === undefined,
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

  /** Stops services and starts them again; all of them if none are named. Rejects with a SkerryError. `signal` ends it while it has not begun. */
  restart(services: readonly string[], signal: AbortSignal): Promise<void> {
    const done = this.#restarts.add(services, signal)
    if (this.#stopped) this.#restarts.refuse(new SkerryError('engine.unavailable', 'the agent is stopping'))
    this.wake()
    return done
  }

  /** Ends waiting and pulling; waits for the steps under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timers.close()
    this.#abort.abort()
    this.#restarts.refuse(new SkerryError('engine.unavailable', 'the agent is stopping'))
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
    if (wish?.run !== 'running') this.#restarts.refuse(new SkerryError('request.invalid', `${target.owner.app} does not run`))
    if (wish === undefined) return await this.#watchOnly(target)
    const first = this.#observed === nothingObserved || !this.#begun
    const { observed, steps } = await look(engine, wish, this.#memory(), clock.now)
    if (signal.aborted || this.#stopped) return
    this.#observed = observed
    this.#ports.onImages(this.#images.takeNew(observed))
    if (first && this.#trial !== undefined) this.#ports.onTrial(target, observed)
    if (wish.run === 'running' && (await this.#tend(wish, observed))) return
    const policies = policyChanges(wish, observed)
    for (const { id, restart } of policies) await engine.setRestart(id, restart)
    if (steps.length === 0 && policies.length === 0) return this.#settle(target, observed)
    if (clock.monotonic() < this.#retryAt) return this.#ports.onChange()
    this.#busy = true
    this.#ports.onChange()
    const isOver = () => signal.aborted || this.#stopped
    const take = (next: readonly Step[]) => {
      if (next.some(({ kind }) => kind !== 'pull' && kind !== 'refuse')) this.#ports.prepare(target)
      return this.#take(next, signal)
    }
    await takeRounds({ observed, steps }, { wish, memory: () => this.#memory(), now: clock.now, take, isOver })
    this.#woken = true
  }

  /** Restarts that were asked for, and crash loops: true if something was done. */
  async #tend(wish: RunningWish, observed: Observed): Promise<boolean> {
    const looping = this.#holds.note(observed)
    const restarted = await this.#restarts.takeNext(wish, observed, steps => this.#take(steps, this.#abort.signal))
    const calming = restarted || this.#trial !== undefined ? [] : calmingSteps(wish, observed, looping)
    if (!restarted && calming.length === 0) return false
    for (const service of calming.length > 0 ? looping : []) this.#wakeAfter(`hold ${service}`, this.#holds.noteLoop(service) + 1)
    await this.#take(calming, this.#abort.signal)
    this.#woken = true
    return true
  }

  async #take(steps: readonly Step[], signal: AbortSignal): Promise<CreatedIds> {
    if (steps.some(({ kind }) => !harmless.includes(kind))) this.#begun = true
    if (steps.some(({ kind }) => touching.includes(kind))) this.#touched = true
    return await executeSteps(steps, this.#executors, { signal, onStep: progress => this.#note(progress) })
  }

  async #watchOnly({ owner }: Target): Promise<void> {
    this.#observed = await this.#ports.engine.observe({ app: owner.app, images: [], volumes: [], networks: [] })
    this.#busy = false
    this.#ports.onChange()
  }

  #settle(target: Target, observed: Observed): void {
    if (this.#fault !== undefined) this.#ports.log.warn('the app has recovered')
    this.#fault = undefined
    this.#failures = 0
    this.#retryAt = 0
    this.#busy = false
    this.#ports.onConverged(target, observed)
    this.#judge(target, observed)
    this.#ports.onChange()
  }

  #judge(target: Target, observed: Observed): void {
    const trial = this.#trial
    if (trial === undefined || target.wish?.run !== 'running') return
    const verdict = trial.judge(target.wish, observed, this.#memory(), this.#holds.counts())
    if (verdict.state === 'waiting') {
      this.#wakeAfter('trial', trial.nextMs())
    } else {
      this.#trial = undefined
      this.#ports.onOutcome(target, outcomeOf(verdict, observed))
    }
  }

  /** Every failure is tried again; what is not likely to mend itself, less often. An Engine that is away is no fault of the app's. */
  #fail(error: unknown): void {
    const { clock, random, onUnavailable, onChange } = this.#ports
    const failure = error instanceof SkerryError ? error : new SkerryError('internal', String(error), { cause: error })
    const delay = backoffMs(++this.#failures, failure.retryable || this.#trial !== undefined ? retries : patientRetries, random())
    this.#wakeAfter('retry', delay)
    if (failure.code === 'engine.unavailable') {
      onUnavailable()
    } else {
      this.#retryAt = clock.monotonic() + delay
      this.#blame(failure)
      this.#endTrial(failure)
    }
    onChange()
  }

  #endTrial(error: SkerryError): void {
    if (this.#trial?.noteFailure(error) !== true) return
    this.#trial = undefined
    this.#ports.onOutcome(this.#target, { state: 'failed', error, touched: this.#touched })
  }

  #blame({ refusal, cause }: SkerryError): void {
    const known = JSON.stringify(refusal) === JSON.stringify(this.#fault)
    if (!known) this.#ports.log.error({ ...refusal, ...(refusal.code === 'internal' ? { err: cause } : {}) }, 'the app cannot be applied')
    this.#fault = refusal
    this.#busy = false
  }

  #note(progress: StepProgress): void {
    const { step, phase } = progress
    if (phase === 'done') this.#ports.log.info({ step: describeStep(step) }, 'step done')
    const again = step.kind === 'start' && step.again
    if (again && phase === 'done') this.#wakeAfter(`hold ${step.service}`, this.#holds.noteStart(step.service) + 1)
    if (!again && phase === 'done') this.#trial?.noteStep()
    if (step.kind !== 'pull' && step.kind !== 'build') return
    this.#images.note(step, phase, this.#observed)
    if (phase !== 'begun') this.#ports.pulls.end(step.image)
    this.#ports.onChange()
  }

  #openTrial(): Trial | undefined {
    const { trial, failed } = this.#target
    if (trial === undefined) return undefined
    return new Trial(this.#ports.clock, { settleMs: trial.settleMs, ...(failed === undefined ? {} : { tries: 1 }) })
  }

  #memory(): Memory {
    return { ...this.#target.memory, holds: this.#holds.until(), pulled: this.#images.pulled() }
  }

  #wakeAfter(what: string, delayMs: number): void {
    this.#timers.after(what, delayMs, () => this.wake())
  }
}
