// What the agent does as a whole: starts, follows what is desired, and ends. Decides nothing itself.
import { kidOf } from '../protocol/cose.js'
import type { ReleaseMode } from '../protocol/messages/manifest.js'
import type { OfflineReason } from '../protocol/messages/status.js'
import type { AgentOptions } from './agent.js'
import type { Conductor } from './conductor.js'
import type { Disk } from './disk.js'
import { Parts } from './parts.js'
import type { Permits } from './permits.js'
import type { Report } from './reporter.js'

/** The birth says whether the Engine answers, so that is found out first; but a device is not kept silent by an Engine that hangs. */
const engineWaitMs = 2_000

export class RunningAgent {
  readonly id: string
  readonly #options: AgentOptions
  readonly #disk: Disk
  readonly #permits: Permits
  readonly #parts: Parts
  #stopping: Promise<void> | undefined
  #cancelWait: (() => void) | undefined

  constructor(options: AgentOptions, disk: Disk, permits: Permits) {
    this.#options = options
    this.#disk = disk
    this.#permits = permits
    this.id = disk.id
    this.#parts = new Parts(options, { disk, permits, conductor: this.#conduct() })
  }

  #conduct(): Conductor {
    return {
      knowsAll: () => this.#knowsAll(),
      report: () => this.#report(),
      follow: () => this.#follow(),
      subscribe: () => this.#subscribe(),
      noteChange: () => this.#noteChange(),
      noteClearance: () => this.#noteClearance(),
      noteEngine: version => this.#noteEngine(version),
      noteSubscribed: topic => this.#noteSubscribed(topic),
      hear: (topic, payload, retained) => this.#hear(topic, payload, retained),
      open: publish => this.#parts.presence.open(publish),
      greet: () => this.#greet(),
      riseAbove: floor => this.#riseAbove(floor),
      leave: mode => this.#leave(mode),
      end: () => this.stop('Released'),
    }
  }

  get released(): Promise<ReleaseMode> {
    return this.#parts.release.done
  }

  start(): void {
    this.#parts.log.info({ id: this.id, folder: this.#disk.folder }, 'the agent has started')
    this.#parts.steward.start()
    this.#permits.start({ onChange: () => this.#follow(), onFault: () => this.#noteChange() })
    this.#follow()
    this.#parts.accountant.start()
    this.#cancelWait = this.#parts.clock.after(engineWaitMs, () => this.#connect())
  }

  /** The first time that it is called. */
  #connect(): void {
    if (this.#cancelWait === undefined) return
    this.#cancelWait()
    this.#cancelWait = undefined
    this.#parts.link.start()
  }

  stop(reason: OfflineReason): Promise<void> {
    this.#stopping ??= this.#shutDown(reason)
    return this.#stopping
  }

  async #shutDown(reason: OfflineReason): Promise<void> {
    this.#cancelWait?.()
    this.#cancelWait = undefined
    this.#parts.presence.stop()
    this.#parts.reporter.stop()
    this.#parts.inbox.stop()
    this.#permits.stop()
    this.#parts.interlock.stop()
    this.#parts.requests.endAll()
    this.#parts.renewal?.stop()
    this.#parts.accountant.finish()
    await this.#parts.link.stop(this.#parts.voice.close(reason))
    await this.#parts.steward.stop()
    this.#parts.accountant.stop()
    this.#disk.close()
    this.#parts.log.info({ reason }, 'the agent has stopped')
  }

  /** Makes what is held the aim of the loops, and asks for what is missing. */
  #follow(): void {
    if (this.#parts.release.begun || this.#stopping !== undefined) return
    this.#parts.interlock.follow()
    this.#parts.steward.follow()
    this.#subscribe()
    this.#parts.presence.note()
    this.#parts.link.adjust()
    this.#noteChange()
  }

  /** Permits first: they are there before what they are about. */
  #subscribe(): void {
    this.#parts.link.want(
      new Set([...this.#parts.interlock.topics(), ...this.#parts.inbox.topics(), ...(this.#parts.renewal?.topics() ?? [])]),
    )
  }

  #noteSubscribed(topic: string): void {
    this.#parts.interlock.noteSubscribed(topic)
    this.#parts.inbox.noteSubscribed(topic)
    this.#parts.renewal?.noteSubscribed(topic)
  }

  #hear(topic: string, payload: Buffer, retained: boolean): void {
    if (this.#parts.interlock.receive(topic, payload, retained)) return
    if (retained) this.#parts.interlock.noteManifest(topic)
    if (topic === this.#parts.renewal?.answerTopic) this.#parts.renewal.receive(payload)
    else this.#parts.inbox.receive(topic, payload, retained)
  }

  /** Before the first manifest, and while a group's is on its way, nothing is known to be unwanted. */
  #knowsAll(): boolean {
    return (
      this.#parts.holdings.device !== undefined &&
      this.#parts.holdings.unknownGroups().every(group => this.#parts.inbox.isEmptyGroup(group))
    )
  }

  #report(): Report | undefined {
    const report = this.#parts.steward.report()
    if (report === undefined) return undefined
    const own = [...this.#parts.interlock.faults(), ...this.#parts.inbox.faults(), ...this.#permits.faults(), ...this.#parts.quiet.faults()]
    const faults = [...own, ...(report.faults ?? [])].slice(0, 64)
    const [key] = this.#options.keys.keys().slice(-1)
    const { hold } = this.#parts.interlock.clearance
    return {
      ...report,
      ...(faults.length === 0 ? {} : { faults }),
      ...(key === undefined ? {} : { key: kidOf(key) }),
      ...(hold === undefined ? {} : { hold }),
    }
  }

  #noteClearance(): void {
    this.#parts.steward.noteClearance()
    this.#noteChange()
  }

  #noteChange(): void {
    this.#parts.reporter.note()
    if (this.#stopping === undefined) this.#parts.release.advance()
  }

  #noteEngine(version: string | undefined): void {
    this.#parts.presence.noteEngine(version)
    this.#noteChange()
    this.#connect()
  }

  #greet(): void {
    this.#parts.reporter.renew()
    this.#parts.requests.endAll()
    this.#parts.interlock.noteSession()
    this.#parts.inbox.noteSession()
    this.#parts.renewal?.noteSession()
    this.#parts.presence.greet()
    this.#parts.reporter.note()
  }

  #riseAbove(floor: number): void {
    if (!this.#parts.epochs.riseAbove(floor)) return
    this.#parts.log.warn({ floor }, 'epochs of this device were used before: later ones are begun')
    this.#parts.accountant.beginAnew()
    this.#parts.link.reconnect()
  }

  #leave(mode: ReleaseMode): void {
    this.#parts.release.begin(mode)
    this.#parts.interlock.follow()
    this.#subscribe()
    this.#noteChange()
  }
}
