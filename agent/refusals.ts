// What was refused as not being the manager's word, by topic, until something good comes in its place: the device's faults.
import type { Clock } from '../protocol/clock.js'
import type { ErrorCode, Refusal } from '../protocol/errors.js'
import type { Fault } from '../protocol/messages/message.js'

interface RefusalsOptions {
  readonly clock: Clock
  readonly onChange: () => void
}

/** What may be so for a moment with nobody to blame: the newest key, or what a broker has lost, is on its way. */
const passing: readonly ErrorCode[] = ['manifest.foreign', 'manifest.replayed']
const passingMs = 3_000

export class Refusals {
  readonly #options: RefusalsOptions
  readonly #standing = new Map<string, { readonly code: ErrorCode; readonly fault: Fault; shown: boolean; readonly cancel: () => void }>()

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  /** `path`: the topic below the root. The same again changes nothing. */
  note(path: string, { code, message }: Refusal): void {
    if (this.#standing.get(path)?.code === code) return
    this.clear(path)
    const fault = { code, message: `what came on ${path} was refused: ${message}`, path }
    const waits = passing.includes(code)
    const cancel = waits ? this.#options.clock.after(passingMs, () => this.#show(path)) : () => {}
    this.#standing.set(path, { code, fault, shown: !waits, cancel })
    if (!waits) this.#options.onChange()
  }

  clear(path: string): void {
    const standing = this.#standing.get(path)
    if (standing === undefined) return
    standing.cancel()
    this.#standing.delete(path)
    if (standing.shown) this.#options.onChange()
  }

  /** Topics whose last message was refused for this. */
  of(code: ErrorCode): string[] {
    return [...this.#standing].filter(([, standing]) => standing.code === code).map(([path]) => path)
  }

  list(): Fault[] {
    return [...this.#standing.values()].filter(({ shown }) => shown).map(({ fault }) => fault)
  }

  stop(): void {
    for (const { cancel } of this.#standing.values()) cancel()
  }

  #show(path: string): void {
    const standing = this.#standing.get(path)
    if (standing === undefined) return
    standing.shown = true
    this.#options.onChange()
  }
}
