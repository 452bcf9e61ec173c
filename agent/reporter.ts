// The reported state: only ever the newest one, told when it changes, one message at a time, no faster than the link is to carry it.
import type { Clock } from '../protocol/clock.js'
import { SkerryError } from '../protocol/errors.js'
import type { Link } from '../protocol/messages/link.js'
import { protocolVersion } from '../protocol/messages/message.js'
import { type Reported, reportedCodec } from '../protocol/messages/reported.js'
import { shorten } from './core/shorten.js'
import { type Message, nextMessage, type Told, wholeMessage, withStates } from './core/telling.js'

/** What is reported, but for what numbers it. */
export type Report = Omit<Reported, 'version' | 'sequence' | 'start'>

export interface ReporterOptions {
  readonly clock: Clock
  /** The state as it is now, or undefined while too little is known to say. */
  readonly assemble: () => Report | undefined
  /** The number of this start of the agent. */
  readonly start: () => number
  readonly link: () => Pick<Link, 'changes' | 'reportMs'>
  readonly connected: () => boolean
  /** Resolves to true once the broker has it, to false if that isn't known. */
  readonly publish: (channel: Message['channel'], payload: Buffer) => Promise<boolean>
}

const nothing: Reported = { version: protocolVersion, sequence: 0, revision: 0, groups: [], apps: [] }

export class Reporter {
  readonly #options: ReporterOptions
  #current = nothing
  /** What the broker has acknowledged. */
  #told: Told | undefined
  /** What was sent and is not known to have arrived; sent in this session if `#underway`. */
  #sent: Message | undefined
  #underway = false
  #session = 0
  #sentAt = Number.NEGATIVE_INFINITY
  /** Who waits for everything to be told. */
  #waiting: ((arrived: boolean) => void)[] = []
  #cancel = () => {}
  #stopped = false

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  /** What whoever hears the device takes it to run, with the states of now; `sequence` 0 before the first report. */
  get heard(): Reported {
    const told = this.#newest()?.report
    return told === undefined ? nothing : withStates(told, this.#current)
  }

  /** Whether the newest message that was sent has this stamp. */
  hasTold(stamp: Uint8Array | undefined): boolean {
    const newest = this.#newest()
    return stamp !== undefined && newest !== undefined && Buffer.compare(newest.stamp, stamp) === 0
  }

  /** Something may have changed. */
  note(): void {
    if (this.#stopped) return
    const report = this.#options.assemble()
    if (report === undefined) return
    const start = this.#options.start()
    const next = shorten({ version: protocolVersion, sequence: this.#current.sequence, start, ...report })
    const changed = this.#current.sequence === 0 || !reportedCodec.encode(next).equals(reportedCodec.encode(this.#current))
    if (changed) this.#current = { ...next, sequence: this.#current.sequence + 1 }
    this.#flush()
  }

  /** A new session: of what was under way nobody knows whether it has arrived. */
  renew(): void {
    this.#session++
    this.#underway = false
    for (const settle of this.#waiting.splice(0)) settle(false)
  }

  /** Tells everything once more. Throws `device.unavailable` if nothing is known yet, and `broker.unavailable` when the session ends. */
  async retell(): Promise<void> {
    if (this.#current.sequence === 0) throw new SkerryError('device.unavailable', 'nothing is known of the apps yet')
    const arrived = new Promise<boolean>(resolve => this.#waiting.push(resolve))
    this.#flush()
    if (!(await arrived)) throw new SkerryError('broker.unavailable', 'the session with the broker has ended')
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
    this.renew()
  }

  #newest(): Told | undefined {
    return this.#underway ? this.#sent?.told : this.#told
  }

  #flush(): void {
    this.#cancel()
    if (this.#underway || this.#stopped || !this.#options.connected()) return
    const { changes = false, reportMs } = this.#options.link()
    const message = this.#next(changes)
    if (message === undefined) return
    const { clock } = this.#options
    const isDue = this.#sent !== undefined || this.#waiting.length > 0
    const wait = isDue ? 0 : this.#sentAt + reportMs - clock.monotonic()
    if (wait > 0) this.#cancel = clock.after(wait, () => this.note())
    else void this.#send(message)
  }

  /** Changes whose fate isn't known come again as they were: whoever has them knows them by their stamp, and the next ones follow them. */
  #next(changes: boolean): Message | undefined {
    if (this.#current.sequence === 0) return undefined
    if (this.#waiting.length > 0) return wholeMessage(this.#current)
    const sent = this.#sent
    if (sent === undefined) return nextMessage(this.#told, this.#current, changes)
    const isGood = changes && sent.channel === 'changes' && sent.told.report.start === this.#current.start
    return isGood ? sent : wholeMessage(this.#current)
  }

  async #send(message: Message): Promise<void> {
    const session = this.#session
    const { clock, publish } = this.#options
    const asked = message.channel === 'reported' ? this.#waiting.splice(0) : []
    this.#sent = message
    this.#underway = true
    this.#sentAt = clock.monotonic()
    const arrived = await publish(message.channel, message.payload)
    for (const settle of asked) settle(arrived)
    if (session !== this.#session) return
    this.#underway = false
    if (!arrived) return
    this.#told = message.told
    this.#sent = undefined
    this.#flush()
  }
}
