// One app's steps as they are taken, and what they leave to be known: how far the target is, who waits before its next start, which images came.
import type { Memory } from './core/desired.js'
import type { Observed } from './core/observed.js'
import type { PolicyChange } from './core/policies.js'
import { describeStep, type Step } from './core/step.js'
import { type CreatedIds, createExecutors, type Executors, executeSteps, type StepProgress } from './execute.js'
import { Holds } from './holds.js'
import { ImageNotes } from './images.js'
import type { LanePorts } from './lane-ports.js'
import type { LaneView } from './view.js'

/** Steps that leave containers, networks and volumes as they are. */
const harmless: readonly Step['kind'][] = ['pull', 'build', 'refuse']
/** Steps that end what ran before. */
const touching: readonly Step['kind'][] = ['stop', 'remove', 'rename', 'removeNetwork']

export class Deeds {
  readonly holds: Holds
  readonly #images = new ImageNotes()
  readonly #ports: LanePorts
  readonly #executors: Executors
  /** A service may be started once more, ms from now. */
  readonly #onHold: (service: string, delayMs: number) => void
  #begun = false
  #touched = false
  #observed: Observed | undefined

  constructor(ports: LanePorts, onHold: (service: string, delayMs: number) => void) {
    this.#ports = ports
    this.#onHold = onHold
    this.#executors = createExecutors(ports.engine, progress => ports.pulls.note(progress))
    this.holds = new Holds(ports.clock, ports.random)
  }

  /** For a new target. */
  clear(): void {
    this.#begun = false
    this.#touched = false
    this.holds.clear()
    this.#images.clear()
  }

  /** More than pulling has been done for the target. */
  get begun(): boolean {
    return this.#begun
  }

  /** What ran before has been stopped or removed for it. */
  get touched(): boolean {
    return this.#touched
  }

  /** What the Engine has, so that it is known which images are new. Tells of those that have come since the last time. */
  see(observed: Observed): void {
    this.#observed = observed
    this.#ports.onImages(this.#images.takeNew(observed))
  }

  /** How the pulls are, and why they have not begun. */
  fetching(): Pick<LaneView, 'pulling' | 'deferred'> {
    const { pulls, gate } = this.#ports
    const isWaiting = (image: string) => gate.isWaiting(image)
    const pulling = this.#images.pulling({ isWaiting, progressOf: image => pulls.shown(image) })
    return { pulling, deferred: this.#images.waits({ isWaiting }) ? gate.deferral() : undefined }
  }

  memory(): Pick<Memory, 'holds' | 'pulled'> {
    return { holds: this.holds.until(), pulled: this.#images.pulled() }
  }

  /** Takes steps towards the target. `onStep` is called for each that is done, but for starts of what has ended by itself. */
  async take(steps: readonly Step[], signal: AbortSignal, onStep: () => void): Promise<CreatedIds> {
    if (!areHarmless(steps)) this.#begun = true
    if (steps.some(({ kind }) => touching.includes(kind))) this.#touched = true
    const note = (progress: StepProgress) => {
      this.#note(progress)
      if (progress.phase === 'done' && !isAgain(progress.step)) onStep()
    }
    return await executeSteps(steps, this.#executors, { signal, onStep: note })
  }

  /** Takes steps that lead to something else than the target. */
  async takeAside(steps: readonly Step[], signal: AbortSignal): Promise<CreatedIds> {
    return await executeSteps(steps, this.#executors, { signal, onStep: progress => this.#note(progress) })
  }

  /** When the Engine starts containers again by itself. `isOver` is asked before each; false if it was. */
  async setRestarts(changes: readonly PolicyChange[], isOver: () => boolean): Promise<boolean> {
    for (const { id, restart } of changes) {
      if (isOver()) return false
      await this.#ports.engine.setRestart(id, restart)
    }
    return true
  }

  #note({ step, phase }: StepProgress): void {
    const { log, pulls, onChange } = this.#ports
    if (phase === 'done') log.info({ step: describeStep(step) }, 'step done')
    if (isAgain(step) && phase === 'done') this.#onHold(step.service, this.holds.noteStart(step.service))
    if (step.kind !== 'pull' && step.kind !== 'build') return
    this.#images.note(step, phase, this.#observed)
    if (phase !== 'begun') pulls.end(step.image)
    onChange()
  }
}

/** True if nothing that runs is changed by them. */
export function areHarmless(steps: readonly Step[]): boolean {
  return steps.every(({ kind }) => harmless.includes(kind))
}

/** A start of what has ended by itself. */
function isAgain(step: Step): step is Step & { kind: 'start' } {
  return step.kind === 'start' && step.again
}
