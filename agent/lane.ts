// One app's loop: look, plan, take one set of steps, look again, until there is nothing to do. Apps do not wait for each other.
import { SkerryError } from '../protocol/errors.js'
import { Care } from './care.js'
import type { Memory, RunningWish } from './core/desired.js'
import { nothingObserved, type Observed } from './core/observed.js'
import { policyChanges } from './core/policies.js'
import type { Step } from './core/step.js'
import { areHarmless, Deeds } from './deeds.js'
import type { CreatedIds } from './execute.js'
import { calmingSteps } from './holds.js'
import { type LanePorts, outcomeOf } from './lane-ports.js'
import { type Look, look } from './look.js'
import { Loop } from './loop.js'
import { Rest } from './rest.js'
import { Restarts } from './restart.js'
import { takeRounds } from './rounds.js'
import type { Given, Target } from './target.js'
import { Timers } from './timers.js'
import { openTrial, type Trial } from './trial.js'
import { asFailure, Tries } from './tries.js'
import type { LaneView } from './view.js'

/** Steps that may take hours: they go on beside the loop. */
const lengthy: readonly Step['kind'][] = ['pull', 'build']

export class Lane {
  readonly #ports: LanePorts
  readonly #timers: Timers
  readonly #restarts = new Restarts()
  readonly #tries: Tries
  readonly #deeds: Deeds
  readonly #care: Care
  readonly #rest: Rest
  readonly #loop = new Loop(() => this.#turn())
  #target: Target
  #trial: Trial | undefined
  #observed: Observed = nothingObserved
  #busy = true
  /** Pulls and builds under way. */
  #fetching: Promise<unknown> | undefined
  #abort = new AbortController()

  constructor(target: Target, ports: LanePorts) {
    this.#target = target
    this.#ports = ports
    this.#timers = new Timers(ports.clock)
    this.#tries = new Tries({ ...ports, failing: 'the app cannot be applied' })
    this.#deeds = new Deeds(ports, (service, delayMs) => this.#wakeAfter(`hold ${service}`, delayMs + 1))
    this.#care = new Care({ ports, deeds: this.#deeds, restarts: this.#restarts, memory: () => this.#memory() })
    this.#rest = new Rest(ports.clearance, this.#restarts)
    this.#trial = openTrial(this.#ports.clock, target)
  }

  /** A new target ends pulls under way and every wait for another try. */
  aim(target: Target): void {
    this.#target = target
    this.#trial = openTrial(this.#ports.clock, target)
    this.#tries.clear()
    this.#care.clear()
    this.#deeds.clear()
    this.#busy = true
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
      begun: this.#deeds.begun,
      ...this.#deeds.fetching(),
      loops: this.#deeds.holds.loops(this.#observed),
      trying: this.#trial !== undefined && this.#target.fault === undefined,
      fault: this.#tries.fault ?? this.#target.fault,
      held: this.#rest.holdsBack,
    }
  }

  wake(): void {
    this.#loop.wake()
  }

  /** Stops services and starts them again; all of them if none are named. Rejects with a SkerryError. `signal` ends it while it has not begun. */
  restart(services: readonly string[], signal: AbortSignal): Promise<void> {
    const done = this.#restarts.add(services, signal)
    const refusal = this.#loop.stopped ? new SkerryError('engine.unavailable', 'the agent is stopping') : this.#rest.refusal()
    if (refusal !== undefined) this.#restarts.refuse(refusal)
    this.wake()
    return done
  }

  /** Ends waiting and pulling; waits for the steps under way. */
  async stop(): Promise<void> {
    const ended = this.#loop.stop()
    this.#timers.close()
    this.#abort.abort()
    this.#restarts.refuse(new SkerryError('engine.unavailable', 'the agent is stopping'))
    await Promise.all([ended, this.#fetching])
  }

  async #turn(): Promise<void> {
    const { signal } = this.#abort
    try {
      await this.#advance(signal)
    } catch (error) {
      this.#fail(error, signal)
    }
  }

  async #advance(signal: AbortSignal): Promise<void> {
    const target = this.#target
    const { wish } = target
    if (wish?.run !== 'running') this.#restarts.refuse(new SkerryError('request.invalid', `${target.owner.app} does not run`))
    if (wish === undefined) return await this.#watchOnly(target)
    const { observed, steps } = await look(this.#ports.engine, wish, this.#memory(), this.#ports.clock.now)
    if (signal.aborted) return
    this.#observed = observed
    this.#deeds.see(observed)
    if (!this.#deeds.begun && this.#trial !== undefined) this.#ports.onTrial(target, observed)
    const policies = policyChanges(wish, observed)
    const isDone = steps.length === 0 && policies.length === 0
    const allowed = this.#rest.look(steps, !isDone, this.#trial)
    // Until more than pulling has to be done, what ran before is looked after.
    const isFar = steps.length > 0 && areHarmless(steps)
    if (!isFar && wish.run === 'running' && (await this.#tend(wish, observed))) return
    if (!this.#rest.resting && !(await this.#deeds.setRestarts(policies, () => this.#isOver(signal)))) return this.wake()
    if (isDone) return this.#settle(target, observed)
    if (this.#tries.isDue() && (allowed.length > 0 || !this.#rest.resting)) await this.#go(target, { observed, steps: allowed }, signal)
    else this.#ports.onChange()
    if (!isFar || this.#deeds.begun || target.before === undefined) return
    const againMs = await this.#care.take(target.before, signal)
    if (againMs !== undefined) this.#wakeAfter('care', againMs)
  }

  /** Takes the steps; pulls and builds only begin here, and their end wakes the loop. */
  async #go(target: Target, { observed, steps }: Look, signal: AbortSignal): Promise<void> {
    const { wish } = target
    if (wish === undefined) return
    this.#busy = true
    this.#ports.onChange()
    if (steps.some(({ kind }) => lengthy.includes(kind))) return this.#fetch(target, steps, signal)
    const take = (next: readonly Step[]) => {
      if (next.some(({ kind }) => kind !== 'refuse')) this.#ports.prepare(target)
      return this.#take(next, signal)
    }
    const memory = () => this.#memory()
    await takeRounds({ observed, steps }, { wish, memory, now: this.#ports.clock.now, take, isOver: () => this.#isOver(signal) })
    this.wake()
  }

  /** There is another target, or no permit any more. */
  #isOver(signal: AbortSignal): boolean {
    return signal.aborted || (!this.#rest.resting && !this.#rest.mayAct())
  }

  #fetch(target: Target, steps: readonly Step[], signal: AbortSignal): void {
    if (this.#fetching !== undefined) return
    if (steps.some(({ kind }) => kind === 'build')) this.#ports.prepare(target)
    this.#fetching = this.#take(steps, signal)
      .catch(error => this.#fail(error, signal))
      .finally(() => {
        this.#fetching = undefined
        this.wake()
      })
  }

  /** Restarts that were asked for, and crash loops: true if something was done. */
  async #tend(wish: RunningWish, observed: Observed): Promise<boolean> {
    if (this.#rest.resting) return false
    const looping = this.#deeds.holds.note(observed)
    const restarted = await this.#restarts.takeNext(wish, observed, steps => this.#take(steps, this.#abort.signal))
    const calming = restarted || this.#trial !== undefined ? [] : calmingSteps(wish, observed, looping)
    if (!restarted && calming.length === 0) return false
    for (const service of calming.length > 0 ? looping : []) this.#wakeAfter(`hold ${service}`, this.#deeds.holds.noteLoop(service) + 1)
    await this.#take(calming, this.#abort.signal)
    this.wake()
    return true
  }

  #take(steps: readonly Step[], signal: AbortSignal): Promise<CreatedIds> {
    return this.#deeds.take(steps, signal, () => this.#trial?.noteStep())
  }

  async #watchOnly({ owner }: Target): Promise<void> {
    this.#observed = await this.#ports.engine.observe({ app: owner.app, images: [], volumes: [], networks: [] })
    this.#busy = false
    this.#ports.onChange()
  }

  #settle(target: Target, observed: Observed): void {
    if (this.#tries.fault !== undefined) this.#ports.log.warn('the app has recovered')
    this.#tries.clear()
    this.#busy = false
    this.#ports.onConverged(target, observed)
    this.#judge(target, observed)
    this.#ports.onChange()
  }

  #judge(target: Target, observed: Observed): void {
    const trial = this.#trial
    if (trial === undefined || target.wish?.run !== 'running' || this.#rest.resting) return
    const verdict = trial.judge(target.wish, observed, this.#memory(), this.#deeds.holds.counts())
    if (verdict.state === 'waiting') {
      this.#wakeAfter('trial', trial.nextMs())
    } else {
      this.#trial = undefined
      this.#ports.onOutcome(target, outcomeOf(verdict, observed))
    }
  }

  /** Every failure is tried again; what is not likely to mend itself, less often. What an abort ended has not failed. */
  #fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return
    const failure = asFailure(error)
    this.#wakeAfter('retry', this.#tries.note(failure, failure.retryable || this.#trial !== undefined))
    if (failure.code === 'engine.unavailable') {
      this.#ports.onUnavailable()
    } else {
      this.#busy = false
      this.#endTrial(failure)
    }
    this.#ports.onChange()
  }

  #endTrial(error: SkerryError): void {
    if (this.#trial?.noteFailure(error) !== true) return
    this.#trial = undefined
    this.#ports.onOutcome(this.#target, { state: 'failed', error, touched: this.#deeds.touched })
  }

  #memory(): Memory {
    return { ...this.#target.memory, ...this.#deeds.memory() }
  }

  #wakeAfter(what: string, delayMs: number): void {
    this.#timers.after(what, delayMs, () => this.wake())
  }
}
