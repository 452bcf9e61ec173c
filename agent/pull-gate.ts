// When images may be pulled and built: so many at a time as the link allows, none that would begin in its quiet hours, and no build while the device is held.
import type { Clock } from '../protocol/clock.js'
import type { Refusal } from '../protocol/errors.js'
import type { Engine } from './engine.js'
import type { Quiet } from './quiet.js'

export interface PullGateOptions {
  readonly clock: Clock
  readonly quiet: Pick<Quiet, 'forMs'>
  /** As many at a time, now; undefined: all. */
  readonly atOnce: () => number | undefined
  /** Builds may begin now; pulls always may. */
  readonly mayBuild: () => boolean
  /** An image has to wait, or no longer. */
  readonly onChange: () => void
}

interface Entry {
  readonly kind: 'pull' | 'build'
  readonly image: string
}

interface Waiter extends Entry {
  readonly admit: () => void
}

/** How often to look at the clock, which may be set meanwhile. */
const lookMs = 60_000

export class PullGate {
  readonly #options: PullGateOptions
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiter>()
  #underway = 0
  #cancel = () => {}

  constructor(options: PullGateOptions) {
    this.#options = options
  }

  /** Fetches once it may. Throws the signal's reason when it aborts before that. */
  async pass<T>(entry: Entry, signal: AbortSignal, fetch: () => Promise<T>): Promise<T> {
    await this.#enter(entry, signal)
    try {
      return await fetch()
    } finally {
      this.#underway--
      this.adjust()
    }
  }

  isWaiting(image: string): boolean {
    return [...this.#waiting].some(waiter => waiter.image === image)
  }

  /** Why none may begin now; undefined outside of quiet hours. */
  deferral(): Refusal | undefined {
    const forMs = this.#options.quiet.forMs()
    if (forMs === 0) return undefined
    const until = new Date(Math.ceil((this.#options.clock.now() + forMs) / 60_000) * 60_000).toISOString().slice(11, 16)
    return { code: 'pull.deferred', message: `no images are pulled before ${until} UTC: the link is in its quiet hours` }
  }

  /** Settings, the time, or whether builds may begin, may have changed. */
  adjust(): void {
    const { clock, quiet, onChange } = this.#options
    this.#cancel()
    const admitted = [...this.#waiting].filter(waiter => this.#mayBegin(waiter)).slice(0, this.#room())
    for (const waiter of admitted) {
      this.#waiting.delete(waiter)
      this.#underway++
      waiter.admit()
    }
    if (admitted.length > 0) onChange()
    const quietMs = quiet.forMs()
    if (this.#waiting.size > 0 && quietMs > 0) this.#cancel = clock.after(Math.min(quietMs, lookMs), () => this.adjust())
  }

  #room(): number {
    const { quiet, atOnce } = this.#options
    return quiet.forMs() > 0 ? 0 : Math.max(0, (atOnce() ?? Number.POSITIVE_INFINITY) - this.#underway)
  }

  /** Asked at the last moment: a build may have waited for hours. */
  #mayBegin({ kind }: Entry): boolean {
    return kind === 'pull' || this.#options.mayBuild()
  }

  async #enter(entry: Entry, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.adjust()
    if (this.#room() === 0 || !this.#mayBegin(entry)) return await this.#wait(entry, signal)
    this.#underway++
  }

  #wait(entry: Entry, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter)
        this.adjust()
        reject(signal.reason)
      }
      const admit = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const waiter = { ...entry, admit }
      this.#waiting.add(waiter)
      signal.addEventListener('abort', leave, { once: true })
      this.adjust()
      this.#options.onChange()
    })
  }
}

/** The engine, with its pulls and builds through the gate. */
export function withGate(engine: Engine, gate: PullGate): Engine {
  return {
    ...engine,
    pull: (args, onProgress, signal, login) =>
      gate.pass({ kind: 'pull', image: args.image }, signal, () => engine.pull(args, onProgress, signal, login)),
    build: (args, signal, logins) => gate.pass({ kind: 'build', image: args.image }, signal, () => engine.build(args, signal, logins)),
  }
}
