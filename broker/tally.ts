// What the broker refused or dropped: every time counted, and told once for each source.
import type { Logger } from 'pino'
import type { FrameFault } from './frames.js'
import type { StoreDrop } from './store/options.js'

export type DropReason =
  | FrameFault
  | StoreDrop
  | 'connect-rate'
  | 'connections-full'
  | 'connect-timeout'
  | 'tls-fault'
  | 'protocol-fault'
  | 'credentials-wrong'
  | 'id-refused'
  | 'sessions-full'
  | 'will-denied'
  | 'publish-denied'
  | 'subscribe-denied'
  | 'subscriptions-full'
  | 'output-full'
  | 'subscriber-slow'
  | 'keepalive-missed'

/** Sources remembered at most; beyond, the log may repeat itself. */
const mostSources = 1000

export class Tally {
  readonly #log: Logger
  readonly #counts = new Map<DropReason, number>()
  readonly #told = new Set<string>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** `source` is a client id where one is known, else a remote address. */
  drop(reason: DropReason, source: string, detail: Readonly<Record<string, unknown>> = {}): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
    const key = `${reason} ${source}`
    if (this.#told.has(key)) return
    if (this.#told.size >= mostSources) this.#told.clear()
    this.#told.add(key)
    this.#log.warn({ reason, source, ...detail }, 'dropped')
  }

  counts(): Readonly<Partial<Record<DropReason, number>>> {
    return Object.fromEntries(this.#counts)
  }
}
