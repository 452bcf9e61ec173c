// The permits of the device and its groups as they come in: whether containers may be changed, and if not, why.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { Fault } from '../protocol/messages/message.js'
import type { Hold } from '../protocol/messages/reported.js'
import { readPermit } from '../protocol/permit.js'
import { formatPermitTopic, isPermitTopic, type PermitTopic } from '../protocol/permit-topics.js'
import { formatTopic } from '../protocol/topics.js'
import { foldPermit, judgeHold, nextLapseMs, type PermitMode, type Standing } from './core/hold.js'
import type { KeptPermit } from './core/hold-file.js'
import { retainedMs } from './core/liveness.js'
import { isAsKept, newWatch, type Watch } from './permit-watch.js'

export interface InterlockOptions {
  readonly root: string
  readonly device: string
  readonly mode: PermitMode
  readonly disk: { loadPermits(): readonly KeptPermit[]; savePermits(kept: readonly KeptPermit[]): void }
  /** The groups that the device is in, now. */
  readonly groups: () => readonly string[]
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
  /** By topic. */
  readonly #watches = new Map<string, Watch>()
  #inSession = false
  #lostAtMs: number | undefined
  /** What was last told, and why nothing might be changed then. */
  #told = ''
  #reason: string | undefined
  #dropped = 0
  #cancelLapse = () => {}
  #stopped = false

  constructor(options: InterlockOptions) {
    this.#options = options
    for (const { of, standing } of options.disk.loadPermits()) this.#watches.set(this.#topicOf(of), newWatch(of, standing))
  }

  /** Payloads that were no permit. */
  get dropped(): number {
    return this.#dropped
  }

  get clearance(): Clearance {
    const hold = this.#judge()
    const isKnown = !this.#inSession || [...this.#watches.values()].every(({ settled }) => settled)
    return { mayAct: hold === undefined && isKnown, hold }
  }

  /** To be subscribed to before any manifest. */
  topics(): string[] {
    return [...this.#watches.keys()]
  }

  faults(): Fault[] {
    return [...this.#watches.values()].flatMap(({ fault }) => fault ?? [])
  }

  /** The device may be in other groups than before. Call it before what they desire is acted upon. */
  follow(): void {
    const { device, groups } = this.#options
    const wanted: PermitTopic[] = [{ kind: 'device', name: device }, ...groups().map(name => ({ kind: 'group', name }) as const)]
    const topics = new Set(wanted.map(of => this.#topicOf(of)))
    const gone = [...this.#watches.keys()].filter(topic => !topics.has(topic))
    for (const topic of gone) this.#drop(topic)
    for (const of of wanted) if (!this.#watches.has(this.#topicOf(of))) this.#watches.set(this.#topicOf(of), newWatch(of, undefined))
    if (gone.length > 0) this.#save()
    this.#settle()
  }

  /** A session has begun: nothing is done in it until it is known what the broker has. */
  noteSession(): void {
    this.#inSession = true
    this.#lostAtMs = undefined
    for (const each of this.#watches.values()) {
      each.cancel()
      Object.assign(each, { live: false, settled: false, marked: false, fault: undefined })
    }
    this.#settle()
  }

  noteLost(): void {
    this.#inSession = false
    this.#lostAtMs = this.#options.clock.monotonic()
    for (const { cancel } of this.#watches.values()) cancel()
    this.#settle()
  }

  noteSubscribed(topic: string): void {
    const each = this.#watches.get(topic)
    if (each === undefined || each.settled || each.marked) return
    each.cancel()
    each.cancel = this.#options.clock.after(this.#patienceMs(each.of), () => this.#pass(each))
  }

  #patienceMs(of: PermitTopic): number {
    const { isManifestHeld, leaseMs } = this.#options
    const alone = retainedMs(leaseMs())
    return isManifestHeld(of) ? Math.max(alone, Math.min(manifestWithinMs, leaseMs())) : alone
  }

  /** The broker does not let the device read it: what is known counts on. */
  noteDenied(topic: string): void {
    const each = this.#watches.get(topic)
    if (each === undefined) return
    each.fault = {
      code: 'auth.forbidden',
      message: `the broker does not let this device read ${this.#pathOf(topic)}`,
      path: this.#pathOf(topic),
    }
    each.settled = true
    this.#settle()
  }

  /** A retained manifest comes behind the retained permit of the same device or group, as that was asked for before it. */
  noteManifest(topic: string): void {
    const { root, clock, leaseMs } = this.#options
    for (const each of this.#watches.values()) {
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
    const each = this.#watches.get(topic)
    if (each === undefined || (retained && each.live)) return true
    each.live ||= !retained
    each.settled = true
    each.cancel()
    const { permit } = readPermit(payload)
    if (permit.ok) {
      each.fault = undefined
      this.#stand(each, foldPermit(each.standing, permit.value, { live: !retained, nowMs: this.#options.clock.monotonic() }))
    } else {
      this.#dropped++
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
    for (const { cancel } of this.#watches.values()) cancel()
  }

  /** The broker has nothing, or it would have come by now. */
  #pass(each: Watch): void {
    each.cancel()
    each.settled = true
    this.#stand(each, undefined)
    this.#settle()
  }

  #stand(each: Watch, standing: Standing | undefined): void {
    const isNews = !isAsKept(each.standing, standing)
    each.standing = standing
    if (isNews) this.#save()
  }

  #drop(topic: string): void {
    this.#watches.get(topic)?.cancel()
    this.#watches.delete(topic)
  }

  #save(): void {
    if (this.#stopped) return
    const kept = [...this.#watches.values()].flatMap(({ of, standing }) => (standing === undefined ? [] : [{ of, standing }]))
    this.#options.disk.savePermits(kept)
  }

  #judge(): Hold | undefined {
    const { mode, clock, leaseMs } = this.#options
    const nowMs = clock.monotonic()
    const isReachable = this.#inSession || (this.#lostAtMs !== undefined && nowMs < this.#lostAtMs + leaseMs())
    return judgeHold({ mode, permits: [...this.#watches.values()], isReachable, nowMs })
  }

  /** Tells what is new, and looks again when a lease ends. */
  #settle(): void {
    if (this.#stopped) return
    const { log, onChange } = this.#options
    const { mayAct, hold } = this.clearance
    this.#lookLater()
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
    const { mode, clock, leaseMs } = this.#options
    const nowMs = clock.monotonic()
    const standings = [...this.#watches.values()].flatMap(({ standing }) => standing ?? [])
    const lapse = nextLapseMs(standings, nowMs)
    const outOfReach = mode === 'required' && this.#lostAtMs !== undefined ? this.#lostAtMs + leaseMs() : undefined
    const moments = [lapse, outOfReach].flatMap(at => (at === undefined || at <= nowMs ? [] : [at]))
    this.#cancelLapse()
    this.#cancelLapse = moments.length === 0 ? () => {} : clock.after(Math.min(...moments) - nowMs, () => this.#settle())
  }

  #topicOf(of: PermitTopic): string {
    return formatPermitTopic(this.#options.root, of)
  }

  #pathOf(topic: string): string {
    return topic.slice(this.#options.root.length + 1)
  }
}
