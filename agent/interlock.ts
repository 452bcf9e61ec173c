// The permits of the device and its groups as they come in: whether containers may be changed, and if not, why.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { Fault } from '../protocol/messages/message.js'
import type { Hold } from '../protocol/messages/reported.js'
import { readPermit } from '../protocol/permit.js'
import { isPermitTopic, type PermitTopic } from '../protocol/permit-topics.js'
import { formatTopic } from '../protocol/topics.js'
import { foldPermit, judgeHold, nextLapseMs, type PermitMode } from './core/hold.js'
import { retainedMs } from './core/liveness.js'
import { HoldDates, type HoldDatesOptions } from './hold-dates.js'
import { PermitReach } from './permit-reach.js'
import type { Watch } from './permit-watch.js'
import { PermitWatches, type PermitWatchesOptions } from './permit-watches.js'

export interface InterlockOptions extends PermitWatchesOptions, HoldDatesOptions {
  readonly disk: PermitWatchesOptions['disk'] & HoldDatesOptions['disk']
  /** What its owner makes of there being no permit, now. */
  readonly mode: () => PermitMode
  /** A manifest of it is held, so the broker has one, too. */
  readonly isManifestHeld: (of: PermitTopic) => boolean
  /** How long what is known counts without a broker where the owner wants a permit. */
  readonly leaseMs: () => number
  readonly clock: Clock
  readonly log: Logger
  /** Whether or why nothing may be changed, or what is wrong with a permit, is another than before. */
  readonly onChange: () => void
}

/** What the loops ask before each round of steps. */
export interface Clearance {
  readonly mayAct: boolean
  /** Why not; undefined while it is only not known yet. */
  readonly hold: Hold | undefined
}

/** For brokers that tell what they have kept in another order than it was asked for: this part of the time that is left to them. */
const stray = 1 / 8
/** Where a manifest is to come behind a permit, that is surer than time: a link that loses packets may bring it long after the answer. */
const manifestWithinMs = 20_000

export class Interlock {
  readonly #options: InterlockOptions
  readonly #watches: PermitWatches
  readonly #reach: PermitReach
  readonly #dates: HoldDates
  /** What was last told, and why nothing might be changed then. */
  #told = ''
  #reason: string | undefined
  #dropped = 0
  #cancelLapse = () => {}
  #stopped = false

  constructor(options: InterlockOptions) {
    this.#options = options
    this.#reach = new PermitReach(options)
    this.#watches = new PermitWatches(options)
    this.#dates = new HoldDates(options, () => this.#settle())
  }

  /** Payloads that were no permit. */
  get dropped(): number {
    return this.#dropped
  }

  get clearance(): Clearance {
    const hold = this.#judge()
    return { mayAct: hold === undefined && (!this.#reach.inSession || this.#watches.areSettled), hold }
  }

  /** To be subscribed to before any manifest. */
  topics(): string[] {
    return this.#watches.topics
  }

  faults(): Fault[] {
    return this.#watches.all.flatMap(({ fault }) => fault ?? [])
  }

  /** The device may be in other groups than before. Call it before what they desire is acted upon. */
  follow(): void {
    this.#watches.follow()
    this.#settle()
  }

  /** A session has begun: nothing is done in it until it is known what the broker has. */
  noteSession(): void {
    this.#reach.begin()
    for (const each of this.#watches.all) {
      each.cancel()
      Object.assign(each, { live: false, settled: false, marked: false, fault: undefined })
    }
    this.#settle()
  }

  noteLost(): void {
    this.#reach.end(this.#watches.areSettled)
    this.#watches.cancelAll()
    this.#settle()
  }

  noteSubscribed(topic: string): void {
    const each = this.#watches.of(topic)
    if (each === undefined || each.settled || each.marked) return
    each.cancel()
    each.cancel = this.#options.clock.after(this.#patienceMs(each.of), () => this.#pass(each))
  }

  #patienceMs(of: PermitTopic): number {
    const { isManifestHeld, leaseMs } = this.#options
    const alone = retainedMs(leaseMs())
    return isManifestHeld(of) ? Math.max(alone, Math.min(manifestWithinMs, leaseMs())) : alone
  }

  /** The broker does not let the device read it: what is known counts on, but a 1 is none that an owner goes by. */
  noteDenied(topic: string): void {
    const each = this.#watches.of(topic)
    if (each === undefined) return
    each.fault = {
      code: 'auth.forbidden',
      message: `the broker does not let this device read ${this.#pathOf(topic)}`,
      path: this.#pathOf(topic),
    }
    each.settled = true
    each.heard = false
    this.#settle()
  }

  /** A retained manifest comes behind the retained permit of the same device or group, as that was asked for before it. */
  noteManifest(topic: string): void {
    const { root, clock, leaseMs } = this.#options
    for (const each of this.#watches.all) {
      const { kind, name } = each.of
      const manifest =
        kind === 'device' ? ({ kind, device: name, channel: 'desired' } as const) : ({ kind, group: name, channel: 'desired' } as const)
      if (each.settled || each.marked || formatTopic(root, manifest) !== topic) continue
      each.marked = true
      each.cancel()
      each.cancel = clock.after(stray * retainedMs(leaseMs()), () => this.#pass(each))
    }
  }

  /** True if it is a permit's topic. Never throws. */
  receive(topic: string, payload: Uint8Array, retained: boolean): boolean {
    if (!isPermitTopic(this.#options.root, topic)) return false
    const each = this.#watches.of(topic)
    if (each === undefined || (retained && each.live)) return true
    // Garbage in the place of the permit leaves none there; garbage that comes behind it live is as if it had not come.
    const isInPlace = retained || !each.settled
    each.live ||= !retained
    each.settled = true
    each.cancel()
    const { permit } = readPermit(payload)
    if (permit.ok) {
      each.fault = undefined
      each.heard = true
      this.#watches.stand(each, foldPermit(each.standing, permit.value, { live: !retained, nowMs: this.#options.clock.monotonic() }))
    } else {
      this.#dropped++
      if (isInPlace) each.heard = false
      const [{ code, message }] = permit.refusals
      const path = this.#pathOf(topic)
      each.fault = { code, message: `what came on ${path} changes nothing: ${message}`.slice(0, 1000), path }
    }
    this.#settle()
    return true
  }

  stop(): void {
    this.#stopped = true
    this.#cancelLapse()
    this.#watches.stop()
    this.#dates.stop()
  }

  /** The broker has nothing, or it would have come by now. */
  #pass(each: Watch): void {
    each.cancel()
    each.settled = true
    each.heard = true
    this.#watches.stand(each, undefined)
    this.#settle()
  }

  #judge(): Hold | undefined {
    const { mode, clock } = this.#options
    const { inSession, isReachable } = this.#reach
    // In a session, what was known before the start is still to be heard: until then it is only not known whether it is given.
    const permits = this.#watches.all.map(({ of, standing, heard }) => ({ of, standing, isGood: heard ?? inSession }))
    const hold = judgeHold({ mode: mode(), permits, isReachable, nowMs: clock.monotonic() })
    return hold && this.#dates.date(hold)
  }

  /** Tells what is new, and looks again when a lease ends. */
  #settle(): void {
    if (this.#stopped) return
    const { log, onChange } = this.#options
    if (this.#watches.areSettled) this.#reach.noteAllHeard()
    // First: what ends between the two looks at the clock is then seen twice, and never missed.
    this.#lookLater()
    const { mayAct, hold } = this.clearance
    // While it is not known whether there is a permit, the hold of before has not ended.
    if (mayAct) this.#dates.end()
    this.#dates.note()
    const reason = JSON.stringify(hold)
    if (reason !== this.#reason) log.warn({ ...hold }, hold === undefined ? 'containers may be changed again' : 'no container is changed')
    this.#reason = reason
    const now = JSON.stringify([mayAct, hold, this.faults()])
    if (now === this.#told) return
    const isFirst = this.#told === ''
    this.#told = now
    if (!isFirst) onChange()
  }

  #lookLater(): void {
    const { mode, clock } = this.#options
    const nowMs = clock.monotonic()
    const standings = this.#watches.all.flatMap(({ standing }) => standing ?? [])
    const lapse = nextLapseMs(standings, nowMs)
    const outOfReach = mode() === 'required' ? this.#reach.endsAtMs : undefined
    const moments = [lapse, outOfReach].flatMap(at => (at === undefined || at <= nowMs ? [] : [at]))
    this.#cancelLapse()
    this.#cancelLapse = moments.length === 0 ? () => {} : clock.after(Math.min(...moments) - nowMs, () => this.#settle())
  }

  #pathOf(topic: string): string {
    return topic.slice(this.#options.root.length + 1)
  }
}
