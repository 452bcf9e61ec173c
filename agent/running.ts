// The agent's parts put together: who tells whom what. Decides nothing itself.
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../protocol/clock.js'
import { heartbeatCodec, type OfflineReason, protocolVersion, type ReleaseMode, statusCodec } from '../protocol/messages.js'
import { clientIdOf, type DeviceChannel, formatTopic } from '../protocol/topics.js'
import type { AgentOptions } from './agent.js'
import { heartbeatOf } from './core/heartbeat.js'
import { leaseMs } from './core/liveness.js'
import type { Disk } from './disk.js'
import { connectEngine } from './docker.js'
import { Epochs } from './epochs.js'
import { readFacts } from './facts.js'
import { Holdings } from './holdings.js'
import { Inbox } from './inbox.js'
import { Link } from './link.js'
import { Logins, withLogins } from './logins.js'
import { bootedAtMs, createMeter, readBootId } from './metrics.js'
import { Pulse } from './pulse.js'
import { Reporter } from './reporter.js'
import { Requests } from './requests.js'
import { Steward } from './steward.js'
import { agentVersion } from './version.js'

/** The birth says whether the Engine answers, so that is found out first; but a device is not kept silent by an Engine that hangs. */
const engineWaitMs = 2_000

export class RunningAgent {
  readonly id: string
  readonly released: Promise<ReleaseMode>
  readonly #options: AgentOptions
  readonly #clock: Clock
  readonly #log: Logger
  readonly #disk: Disk
  readonly #holdings: Holdings
  readonly #epochs: Epochs
  readonly #steward: Steward
  readonly #link: Link
  readonly #reporter: Reporter
  readonly #pulse: Pulse
  readonly #inbox: Inbox
  readonly #requests: Requests
  readonly #measure: ReturnType<typeof createMeter>
  #engineVersion: string | undefined
  #releasing: ReleaseMode | undefined
  #resolveReleased: (mode: ReleaseMode) => void = () => {}
  #stopping: Promise<void> | undefined
  #cancelWait: (() => void) | undefined

  constructor(options: AgentOptions, disk: Disk) {
    const { log, clock = systemClock } = options
    this.#options = options
    this.#clock = clock
    this.#log = log
    this.#disk = disk
    this.id = this.#disk.id
    this.released = new Promise(resolve => {
      this.#resolveReleased = resolve
    })
    this.#epochs = new Epochs(this.#disk)
    this.#holdings = new Holdings(this.#disk, log.child({ part: 'holdings' }), options.name)
    this.#measure = createMeter(this.#disk.folder)
    const engine = withLogins(connectEngine(options.engine), new Logins(this.#disk.folder))
    this.#steward = new Steward({
      engine,
      disk: this.#disk,
      holdings: this.#holdings,
      clock,
      random: Math.random,
      log,
      bootedAtMs: this.#disk.noteBoot(readBootId()) ? clock.now() : bootedAtMs(),
      knowsAll: () => this.#knowsAll(),
      onChange: () => this.#noteChange(),
      onVerdict: () => this.#follow(),
      onEngine: version => this.#noteEngine(version),
    })
    this.#reporter = new Reporter({
      clock,
      assemble: () => this.#steward.report(),
      publish: payload => this.#publish('reported', payload, { qos: 1, retain: true }),
    })
    this.#pulse = new Pulse({ clock, intervalS: () => this.#intervalS(), beat: () => this.#beat() })
    this.#requests = new Requests({
      engine,
      clock,
      log: log.child({ part: 'requests' }),
      epoch: () => this.#epochs.current,
      publish: (rid, payload) => this.#respond(rid, payload),
      servicesOf: app => this.#steward.servicesOf(app),
      restart: (app, services, signal) => this.#steward.restart(app, services, signal),
    })
    this.#inbox = new Inbox({
      root: options.root,
      device: this.id,
      holdings: this.#holdings,
      clock,
      log: log.child({ part: 'inbox' }),
      onDesired: () => this.#follow(),
      onEpochFloor: floor => this.#riseAbove(floor),
      onRelease: mode => this.#release(mode),
      onRequest: (rid, payload) => this.#requests.receive(rid, payload),
    })
    this.#link = new Link({
      broker: options.broker,
      clientId: clientIdOf(this.id),
      statusTopic: this.#topic('status'),
      openSession: () => this.#openSession(),
      leaseMs: () => leaseMs(this.#intervalS()),
      retries: options.retries ?? { firstMs: 1_000, maxMs: 60_000 },
      clock,
      random: Math.random,
      log: log.child({ part: 'link' }),
      onConnected: () => this.#greet(),
      onSubscribed: topic => this.#inbox.noteSubscribed(topic),
      onMessage: (topic, payload, retained) => this.#inbox.receive(topic, payload, retained),
    })
  }

  start(): void {
    this.#log.info({ id: this.id, folder: this.#disk.folder }, 'the agent has started')
    this.#steward.start()
    this.#follow()
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
    this.#pulse.stop()
    this.#reporter.stop()
    this.#inbox.stop()
    this.#requests.endAll()
    await this.#link.stop(statusCodec.encode({ version: protocolVersion, epoch: this.#epochs.current, online: false, reason }))
    await this.#steward.stop()
    this.#disk.close()
    this.#log.info({ reason }, 'the agent has stopped')
  }

  /** Makes what is held the aim of the loops, and asks for what is missing. */
  #follow(): void {
    if (this.#releasing !== undefined || this.#stopping !== undefined) return
    this.#steward.follow()
    this.#link.want(new Set(this.#inbox.topics()))
    this.#pulse.adjust()
    this.#noteChange()
  }

  /** Before the first manifest, and while a group's is on its way, nothing is known to be unwanted. */
  #knowsAll(): boolean {
    return this.#holdings.device !== undefined && this.#holdings.unknownGroups().every(group => this.#inbox.isEmptyGroup(group))
  }

  #noteChange(): void {
    this.#reporter.note()
    this.#finishRelease()
  }

  #noteEngine(version: string | undefined): void {
    const changed = (this.#engineVersion === undefined) !== (version === undefined)
    this.#engineVersion = version
    this.#noteChange()
    this.#connect()
    if (!changed || !this.#link.connected) return
    void this.#publishBirth()
    this.#pulse.beat()
  }

  #intervalS(): number {
    return this.#holdings.intervalS(this.#options.intervalS ?? 10)
  }

  #openSession(): { epoch: number; will: Buffer } {
    const epoch = this.#epochs.open()
    return { epoch, will: statusCodec.encode({ version: protocolVersion, epoch, online: false, reason: 'Disconnected' }) }
  }

  #greet(): void {
    this.#requests.endAll()
    this.#inbox.noteSession()
    void this.#publishBirth()
    this.#reporter.renew()
    this.#pulse.beat()
  }

  #publishBirth(): Promise<boolean> {
    const { name } = this.#options
    const facts = readFacts({ name, agentVersion, engineVersion: this.#engineVersion ?? '' })
    const engine = this.#engineVersion !== undefined
    const birth = { version: protocolVersion, epoch: this.#epochs.current, online: true, facts, intervalS: this.#intervalS(), engine }
    return this.#publish('status', statusCodec.encode(birth), { qos: 1, retain: true })
  }

  #beat(): void {
    if (!this.#link.connected) return
    const pulse = {
      epoch: this.#epochs.current,
      sequence: this.#epochs.nextSequence(),
      intervalS: this.#intervalS(),
      engine: this.#engineVersion !== undefined,
      revision: this.#holdings.revision(),
    }
    const heartbeat = heartbeatOf(pulse, this.#measure(), this.#reporter.current)
    void this.#publish('heartbeat', heartbeatCodec.encode(heartbeat), { qos: 0, retain: false })
  }

  #riseAbove(floor: number): void {
    if (!this.#epochs.riseAbove(floor)) return
    this.#log.warn({ floor }, 'epochs of this device were used before: later ones are begun')
    this.#link.reconnect()
  }

  #release(mode: ReleaseMode): void {
    if (this.#releasing !== undefined) return
    this.#releasing = mode
    this.#log.warn({ apps: mode }, 'the device has been released from its fleet')
    if (mode === 'remove') this.#steward.removeAll()
    this.#noteChange()
  }

  #finishRelease(): void {
    const mode = this.#releasing
    if (mode === undefined || this.#stopping !== undefined) return
    if (mode === 'remove' && !this.#steward.isBare()) return
    this.#holdings.forget()
    this.#steward.forget()
    void this.stop('Released').then(() => this.#resolveReleased(mode))
  }

  #respond(rid: string, payload: Buffer): Promise<boolean> {
    const topic = formatTopic(this.#options.root, { kind: 'response', device: this.id, rid })
    return this.#link.publish(topic, payload, { qos: 1, retain: false })
  }

  /** Nothing follows the farewell: a birth after it would stay on the broker. */
  #publish(channel: DeviceChannel, payload: Buffer, how: { qos: 0 | 1; retain: boolean }): Promise<boolean> {
    if (this.#stopping !== undefined) return Promise.resolve(false)
    return this.#link.publish(this.#topic(channel), payload, how)
  }

  #topic(channel: DeviceChannel): string {
    return formatTopic(this.#options.root, { kind: 'device', device: this.id, channel })
  }
}
