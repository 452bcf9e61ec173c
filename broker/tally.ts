// What the broker refused or dropped: every time counted, and told once in a while for each source.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { RefusalReason } from './admission.js'
import type { FrameFault } from './frames.js'
import type { StoreDrop } from './store/options.js'

export type DropReason =
  | FrameFault
  | StoreDrop
  | RefusalReason
  | 'connect-rate'
  | 'connections-full'
  | 'waiting-full'
  | 'connect-timeout'
  | 'tls-fault'
  | 'protocol-fault'
  | 'login-ended'
  | 'publish-rate'
  | 'publish-denied'
  | 'publish-too-large'
  | 'subscribe-denied'
  | 'subscriptions-full'
  | 'output-full'
  | 'subscriber-slow'
  | 'keepalive-missed'

/** Sources remembered at most; beyond, the log may repeat itself. */
const mostSources = 1000
const quietMs = 10 * 60 * 1000

export class Tally {
  readonly #log: Logger
  readonly #clock: Clock
  readonly #counts = new Map<DropReason, number>()
  /** When a reason was last told of a source, in monotonic ms. */
  readonly #told = new Map<string, number>()

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** `source` is a client id or a name where one is proved, else a remote address. True if it was told, not only counted. */
  drop(reason: DropReason, source: string, detail: Readonly<Record<string, unknown>> = {}): boolean {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
    const key = `${reason} ${source}`
    const now = this.#clock.monotonic()
    const before = this.#told.get(key)
    if (before !== undefined && now - before < quietMs) return false
    if (this.#told.size >= mostSources) this.#told.clear()
    this.#told.set(key, now)
    this.#log.warn({ reason, source, ...detail }, 'dropped')
    return true
  }

  counts(): Readonly<Partial<Record<DropReason, number>>> {
    return Object.fromEntries(this.#counts)
  }
}
