// How the device shows that it is there: births, and heartbeats that say as little as is new.
import type { Clock } from '../protocol/clock.js'
import type { Link } from '../protocol/messages/link.js'
import type { Reported } from '../protocol/messages/reported.js'
import {
  type Condition,
  fullHeartbeat,
  hasNews,
  type Metrics,
  type Standing,
  shortHeartbeat,
  standingOf,
  type Told,
} from './core/heartbeat.js'
import { asksNow, spacingMs } from './core/liveness.js'
import { Pulse } from './pulse.js'
import type { Publish, Voice } from './voice.js'

export interface PresenceOptions {
  readonly clock: Clock
  readonly voice: Pick<Voice, 'birth' | 'beat' | 'epoch' | 'introduceAgain' | 'mark'>
  readonly measure: () => Metrics
  /** How the link is to be used, now. */
  readonly link: () => Link
  /** Metrics are not told meanwhile. */
  readonly isQuiet: () => boolean
  readonly isConnected: () => boolean
  /** Since the broker last sent anything, ms. */
  readonly silentMs: () => number
  /** Of the newest manifest held. */
  readonly revision: () => number
  readonly reported: () => Reported
}

export class Presence {
  readonly #options: PresenceOptions
  readonly #pulse: Pulse
  #engineVersion: string | undefined
  /** What the newest birth said. */
  #born: Condition | undefined
  #told: Told | undefined

  constructor(options: PresenceOptions) {
    this.#options = options
    this.#pulse = new Pulse({ clock: options.clock, spacingMs: () => spacingMs(options.link()), beat: () => this.#beat() })
  }

  /** A session is about to begin: its birth goes ahead. */
  open(publish: Publish): void {
    this.#bear({ publish })
  }

  /** A session has begun. What was told in the one before still holds. */
  greet(): void {
    if (!this.#isAsBorn()) this.#bear(this.#options.voice.mark())
    if (this.#hasNews()) this.#pulse.beat()
    else this.#pulse.rest()
  }

  /** `version` is undefined while the Engine does not answer. */
  noteEngine(version: string | undefined): void {
    this.#engineVersion = version
    this.note()
  }

  /** What births tell may have changed: it is said at once. */
  note(): void {
    if (!this.#options.isConnected() || this.#isAsBorn()) return
    this.#bear(this.#options.voice.mark())
    this.#pulse.beat()
  }

  /** Says the birth anew, with all that the device is. */
  introduce(): void {
    const { isConnected, voice } = this.#options
    voice.introduceAgain()
    if (isConnected() && this.#born !== undefined) this.#bear(voice.mark())
  }

  /** For good. */
  stop(): void {
    this.#pulse.stop()
  }

  #bear(how: Parameters<Voice['birth']>[1]): void {
    this.#born = this.#condition()
    void this.#options.voice.birth(this.#born, how)
  }

  #isAsBorn(): boolean {
    if (this.#born === undefined) return true
    const { intervalS, engineVersion } = this.#condition()
    return this.#born.intervalS === intervalS && (this.#born.engineVersion === undefined) === (engineVersion === undefined)
  }

  #beat(): void {
    const { clock, voice, measure, link, isConnected, silentMs } = this.#options
    if (!isConnected()) return
    const asks = asksNow(silentMs(), link())
    if (!this.#hasNews()) return void voice.beat(shortHeartbeat(voice.epoch), asks)
    const standing = this.#standing()
    this.#told = { standing, at: clock.monotonic() }
    void voice.beat(fullHeartbeat(voice.mark(), standing, measure()), asks)
  }

  #hasNews(): boolean {
    const { clock, link, isQuiet } = this.#options
    const metricsS = isQuiet() ? Number.POSITIVE_INFINITY : link().metricsS
    return hasNews(this.#standing(), this.#told, { metricsS, now: clock.monotonic() })
  }

  #standing(): Standing {
    const { revision, reported } = this.#options
    return standingOf(this.#condition(), revision(), reported())
  }

  #condition(): Condition {
    return { intervalS: this.#options.link().intervalS, engineVersion: this.#engineVersion }
  }
}
