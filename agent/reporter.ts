// The reported state: only ever the newest one, published when it changes, at most five times a second.
import type { Clock } from '../protocol/clock.js'
import { protocolVersion } from '../protocol/messages/message.js'
import { type Reported, reportedCodec } from '../protocol/messages/reported.js'
import { shorten } from './core/shorten.js'

/** What is reported, but for what numbers it. */
export type Report = Omit<Reported, 'version' | 'sequence'>

export interface ReporterOptions {
  readonly clock: Clock
  /** The state as it is now, or undefined while too little is known to say. */
  readonly assemble: () => Report | undefined
  readonly publish: (payload: Buffer) => Promise<boolean>
}

const spacingMs = 200

export class Reporter {
  readonly #options: ReporterOptions
  #current: Reported = { version: protocolVersion, sequence: 0, revision: 0, groups: [], apps: [] }
  /** Sequence number that the broker has, or has been sent in this session. */
  #sent = 0
  #notBefore = 0
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  /** The newest report; `sequence` 0 before the first. */
  get current(): Reported {
    return this.#current
  }

  /** Something may have changed. */
  note(): void {
    if (this.#stopped) return
    const report = this.#options.assemble()
    if (report === undefined) return
    const next = shorten({ version: protocolVersion, sequence: this.#current.sequence, ...report })
    const changed = this.#current.sequence === 0 || !reportedCodec.encode(next).equals(reportedCodec.encode(this.#current))
    if (changed) this.#current = { ...next, sequence: this.#current.sequence + 1 }
    this.#flush()
  }

  /** A new session: the broker may not have the newest report. */
  renew(): void {
    this.#sent = 0
    this.note()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #flush(): void {
    const { clock, publish } = this.#options
    if (this.#sent === this.#current.sequence || this.#cancel !== undefined) return
    const wait = this.#notBefore - clock.monotonic()
    if (wait > 0) {
      this.#cancel = clock.after(wait, () => {
        this.#cancel = undefined
        this.note()
      })
      return
    }
    const { sequence } = this.#current
    this.#notBefore = clock.monotonic() + spacingMs
    this.#sent = sequence
    void publish(reportedCodec.encode(this.#current)).then(arrived => {
      if (!arrived && this.#sent === sequence) this.#sent = 0
    })
  }
}
