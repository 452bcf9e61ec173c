// The end of a device's time in its fleet: its apps are removed if that was asked for, what it knew is forgotten, and the agent stops.
import type { Logger } from 'pino'
import type { ReleaseMode } from '../protocol/messages/manifest.js'
import type { Holdings } from './holdings.js'
import type { Identity } from './identity/identity.js'
import type { Steward } from './steward.js'

export interface ReleaseOptions {
  readonly holdings: Holdings
  readonly steward: Steward
  readonly identity: Identity | undefined
  readonly log: Logger
  /** Ends the agent with its last word; it may be called again. */
  readonly stop: () => Promise<void>
}

export class Release {
  /** Resolves when the agent has stopped and everything is forgotten. */
  readonly done: Promise<ReleaseMode>
  readonly #options: ReleaseOptions
  #resolveDone: (mode: ReleaseMode) => void = () => {}
  #mode: ReleaseMode | undefined
  #finishing = false

  constructor(options: ReleaseOptions) {
    this.#options = options
    this.done = new Promise(resolve => {
      this.#resolveDone = resolve
    })
  }

  /** From then on nothing that is desired counts. */
  get begun(): boolean {
    return this.#mode !== undefined
  }

  /** All is forgotten: nothing of the fleet is kept from then on. */
  get over(): boolean {
    return this.#finishing
  }

  /** The first time that it is called. */
  begin(mode: ReleaseMode): void {
    if (this.begun) return
    const { steward, log } = this.#options
    this.#mode = mode
    log.warn({ apps: mode }, 'the device has been released from its fleet')
    if (mode === 'remove') steward.removeAll()
  }

  /** Goes on as far as the apps let it. */
  advance(): void {
    const { holdings, identity, steward, stop } = this.#options
    const mode = this.#mode
    if (mode === undefined || this.#finishing) return
    if (mode === 'remove' && !steward.isBare()) return
    this.#finishing = true
    holdings.forget()
    identity?.forget()
    steward.forget()
    void stop().then(() => this.#resolveDone(mode))
  }
}
