// The agent's parts put together: who tells whom what. Decides nothing itself.
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../protocol/clock.js'
import { kidOf } from '../protocol/cose.js'
import type { Link as Settings } from '../protocol/messages/link.js'
import type { ReleaseMode } from '../protocol/messages/manifest.js'
import type { OfflineReason } from '../protocol/messages/status.js'
import { clientIdOf } from '../protocol/topics.js'
import { Accountant } from './accountant.js'
import { Acquaintance } from './acquaintance.js'
import type { AgentOptions } from './agent.js'
import { Approach } from './approach.js'
import { leaseMs } from './core/liveness.js'
import type { Disk } from './disk.js'
import { connectEngine } from './docker.js'
import { Epochs } from './epochs.js'
import { Holdings } from './holdings.js'
import { Inbox } from './inbox.js'
import { Interlock } from './interlock.js'
import { Link } from './link.js'
import { Logins, withLogins } from './logins.js'
import { bootedAtMs, createMeter, readBootId } from './metrics.js'
import type { Permits } from './permits.js'
import { Presence } from './presence.js'
import { Quiet } from './quiet.js'
import { Release } from './release.js'
import { Renewal } from './renewal.js'
import { type Report, Reporter } from './reporter.js'
import { Requests } from './requests.js'
import { Steward } from './steward.js'
import { Traffic } from './traffic.js'
import { Voice } from './voice.js'

/** The birth says whether the Engine answers, so that is found out first; but a device is not kept silent by an Engine that hangs. */
const engineWaitMs = 2_000

export class RunningAgent {
  readonly id: string
  readonly #options: AgentOptions
  readonly #clock: Clock
  readonly #log: Logger
  readonly #disk: Disk
  readonly #permits: Permits
  readonly #holdings: Holdings
  readonly #interlock: Interlock
  readonly #epochs: Epochs
  readonly #steward: Steward
  readonly #link: Link
  readonly #reporter: Reporter
  readonly #presence: Presence
  readonly #inbox: Inbox
  readonly #requests: Requests
  readonly #voice: Voice
  readonly #accountant: Accountant
  readonly #renewal: Renewal | undefined
  readonly #quiet: Quiet
  readonly #release: Release
  #stopping: Promise<void> | undefined
  #cancelWait: (() => void) | undefined

  constructor(options: AgentOptions, disk: Disk, permits: Permits) {
    const { log, clock = systemClock } = options
    this.#options = options
    this.#clock = clock
    this.#log = log
    this.#disk = disk
    this.#permits = permits
    this.id = this.#disk.id
    this.#epochs = new Epochs(this.#disk)
    this.#holdings = new Holdings(this.#disk, log.child({ part: 'holdings' }), options.name)
    this.#interlock = new Interlock({
      root: options.root,
      device: this.id,
      mode: options.permit ?? 'optional',
      disk,
      // Who has left its fleet is in none.
      groups: () => (this.#release.begun ? [] : this.#holdings.groupNames()),
      leaseMs: () => leaseMs(this.#settings().intervalS),
      clock,
      log: log.child({ part: 'interlock' }),
      onChange: () => this.#noteClearance(),
    })
    this.#voice = new Voice({
      root: options.root,
      device: disk.id,
      name: options.name,
      epochs: this.#epochs,
      publish: (topic, payload, how) => this.#link.publish(topic, payload, how),
    })
    const traffic = new Traffic(options.root, clock)
    this.#accountant = new Accountant({
      disk: this.#disk,
      traffic,
      clock,
      link: () => this.#settings(),
      quiet: () => this.#quiet.forMs() > 0,
      instance: () => this.#holdings.device?.instance,
      number: () => this.#epochs.current,
      publish: payload => this.#voice.account(payload),
    })
    const memory = new Acquaintance({
      folder: disk.folder,
      log,
      clock,
      ownNotBeforeMs: () => options.identity?.notBeforeMs,
    })
    this.#quiet = new Quiet({ clock, hours: () => this.#settings().quiet, floorMs: () => memory.floorMs() })
    const engine = withLogins(connectEngine(options.engine), new Logins(this.#disk.folder))
    this.#steward = new Steward({
      engine,
      disk: this.#disk,
      holdings: this.#holdings,
      permits,
      quiet: this.#quiet,
      pullsAtOnce: () => this.#settings().pulls,
      clearance: () => this.#interlock.clearance,
      clock,
      random: Math.random,
      log,
      bootedAtMs: this.#disk.noteBoot(readBootId()) ? clock.now() : bootedAtMs(),
      knowsAll: () => this.#knowsAll(),
      onChange: () => this.#noteChange(),
      onVerdict: () => this.#follow(),
      onEngine: version => this.#noteEngine(version),
    })
    this.#release = new Release({
      holdings: this.#holdings,
      steward: this.#steward,
      identity: options.identity,
      log,
      stop: () => this.stop('Released'),
    })
    this.#reporter = new Reporter({
      clock,
      assemble: () => this.#report(),
      start: () => this.#epochs.start,
      link: () => this.#settings(),
      connected: () => this.#link.connected,
      publish: (channel, payload) => this.#voice.report(channel, payload),
    })
    this.#presence = new Presence({
      clock,
      voice: this.#voice,
      measure: createMeter(disk.folder),
      link: () => this.#settings(),
      isQuiet: () => this.#quiet.forMs() > 0,
      isConnected: () => this.#link.connected,
      silentMs: () => this.#link.silentMs(),
      revision: () => this.#holdings.revision(),
      reported: () => this.#reporter.heard,
    })
    this.#requests = new Requests({
      engine,
      clock,
      log: log.child({ part: 'requests' }),
      link: () => this.#settings(),
      epoch: () => this.#epochs.current,
      publish: (rid, payload) => this.#voice.respond(rid, payload),
      onWorn: () => this.#link.reconnect(),
      servicesOf: app => this.#steward.servicesOf(app),
      restart: (app, services, signal) => this.#steward.restart(app, services, signal),
      reporter: { hasTold: holds => this.#reporter.hasTold(holds), retell: () => this.#retell() },
    })
    this.#inbox = new Inbox({
      root: options.root,
      device: this.id,
      holdings: this.#holdings,
      keys: options.keys,
      clock,
      log: log.child({ part: 'inbox' }),
      onDesired: () => this.#follow(),
      onStanding: () => this.#noteChange(),
      onAskAgain: topics => this.#link.askAgain(topics),
      onEpochFloor: floor => this.#riseAbove(floor),
      onRelease: mode => this.#leave(mode),
      onRequest: (rid, payload) => this.#requests.receive(rid, payload),
    })
    this.#renewal = this.#createRenewal()
    const ownTopic = this.#voice.topic('desired')
    const approach = new Approach({ broker: options.broker, identity: options.identity, renewal: this.#renewal, memory, clock, log })
    this.#link = new Link({
      reach: () => approach.next(),
      clientId: clientIdOf(this.id),
      statusTopic: this.#voice.topic('status'),
      openSession: () => this.#voice.openSession(),
      settings: () => this.#settings(),
      retries: options.retries ?? { firstMs: 1_000, maxMs: 60_000 },
      clock,
      random: Math.random,
      log: log.child({ part: 'link' }),
      traffic,
      onConnected: () => this.#greet(),
      onSubscribed: topic => this.#noteSubscribed(topic),
      onDenied: topics => {
        for (const topic of topics) this.#interlock.noteDenied(topic)
        if (topics.includes(ownTopic) && approach.noteDenied()) this.#link.reconnect()
      },
      onLost: () => this.#interlock.noteLost(),
      onRefused: ({ again }) => approach.noteRefused(again === 'renew'),
      onMessage: (topic, payload, retained) => this.#hear(topic, payload, retained),
    })
  }

  #createRenewal(): Renewal | undefined {
    const { identity, root, name, log } = this.#options
    if (identity === undefined) return undefined
    return new Renewal({
      identity,
      root,
      device: this.id,
      name,
      clock: this.#clock,
      log: log.child({ part: 'renewal' }),
      publish: (topic, payload, how) => this.#link.publish(topic, payload, how),
      onTopics: () => this.#subscribe(),
    })
  }

  get released(): Promise<ReleaseMode> {
    return this.#release.done
  }

  start(): void {
    this.#log.info({ id: this.id, folder: this.#disk.folder }, 'the agent has started')
    this.#steward.start()
    this.#permits.start({ onChange: () => this.#follow(), onFault: () => this.#noteChange() })
    this.#follow()
    this.#accountant.start()
    this.#cancelWait = this.#clock.after(engineWaitMs, () => this.#connect())
  }

  /** The first time that it is called. */
  #connect(): void {
    if (this.#cancelWait === undefined) return
    this.#cancelWait()
    this.#cancelWait = undefined
    this.#link.start()
  }

  stop(reason: OfflineReason): Promise<void> {
    this.#stopping ??= this.#shutDown(reason)
    return this.#stopping
  }

  async #shutDown(reason: OfflineReason): Promise<void> {
    this.#cancelWait?.()
    this.#cancelWait = undefined
    this.#presence.stop()
    this.#reporter.stop()
    this.#inbox.stop()
    this.#permits.stop()
    this.#interlock.stop()
    this.#requests.endAll()
    this.#renewal?.stop()
    this.#accountant.finish()
    await this.#link.stop(this.#voice.close(reason))
    await this.#steward.stop()
    this.#accountant.stop()
    this.#disk.close()
    this.#log.info({ reason }, 'the agent has stopped')
  }

  /** Makes what is held the aim of the loops, and asks for what is missing. */
  #follow(): void {
    if (this.#release.begun || this.#stopping !== undefined) return
    this.#interlock.follow()
    this.#steward.follow()
    this.#subscribe()
    this.#presence.note()
    this.#link.adjust()
    this.#noteChange()
  }

  /** Permits first: they are there before what they are about. */
  #subscribe(): void {
    this.#link.want(new Set([...this.#interlock.topics(), ...this.#inbox.topics(), ...(this.#renewal?.topics() ?? [])]))
  }

  #noteSubscribed(topic: string): void {
    this.#interlock.noteSubscribed(topic)
    this.#inbox.noteSubscribed(topic)
    this.#renewal?.noteSubscribed(topic)
  }

  #hear(topic: string, payload: Buffer, retained: boolean): void {
    if (this.#interlock.receive(topic, payload, retained)) return
    if (retained) this.#interlock.noteManifest(topic)
    if (topic === this.#renewal?.answerTopic) this.#renewal.receive(payload)
    else this.#inbox.receive(topic, payload, retained)
  }

  /** Before the first manifest, and while a group's is on its way, nothing is known to be unwanted. */
  #knowsAll(): boolean {
    return this.#holdings.device !== undefined && this.#holdings.unknownGroups().every(group => this.#inbox.isEmptyGroup(group))
  }

  #report(): Report | undefined {
    const report = this.#steward.report()
    if (report === undefined) return undefined
    const own = [...this.#interlock.faults(), ...this.#inbox.faults(), ...this.#permits.faults(), ...this.#quiet.faults()]
    const faults = [...own, ...(report.faults ?? [])].slice(0, 64)
    const [key] = this.#options.keys.keys().slice(-1)
    const { hold } = this.#interlock.clearance
    return {
      ...report,
      ...(faults.length === 0 ? {} : { faults }),
      ...(key === undefined ? {} : { key: kidOf(key) }),
      ...(hold === undefined ? {} : { hold }),
    }
  }

  #noteClearance(): void {
    this.#steward.noteClearance()
    this.#noteChange()
  }

  #noteChange(): void {
    this.#reporter.note()
    if (this.#stopping === undefined) this.#release.advance()
  }

  #noteEngine(version: string | undefined): void {
    this.#presence.noteEngine(version)
    this.#noteChange()
    this.#connect()
  }

  /** How the link is to be used, now. */
  #settings(): Settings {
    return this.#holdings.link(this.#options.intervalS)
  }

  /** Whoever knows nothing of what runs may not know the device either. */
  #retell(): Promise<void> {
    this.#presence.introduce()
    return this.#reporter.retell()
  }

  #greet(): void {
    this.#requests.endAll()
    this.#interlock.noteSession()
    this.#inbox.noteSession()
    this.#renewal?.noteSession()
    this.#presence.greet()
    this.#reporter.renew()
  }

  #riseAbove(floor: number): void {
    if (!this.#epochs.riseAbove(floor)) return
    this.#log.warn({ floor }, 'epochs of this device were used before: later ones are begun')
    this.#accountant.beginAnew()
    this.#link.reconnect()
  }

  #leave(mode: ReleaseMode): void {
    this.#release.begin(mode)
    this.#interlock.follow()
    this.#subscribe()
    this.#noteChange()
  }
}
