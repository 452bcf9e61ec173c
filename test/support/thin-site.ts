// One device, its broker and its manager, joined by nothing but messages that a test lets through, loses, repeats or turns round.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Libsql from 'libsql'
import { pino } from 'pino'
import { fullHeartbeat, shortHeartbeat, standingOf } from '../../agent/core/heartbeat.js'
import type { Disk } from '../../agent/disk.js'
import { Epochs } from '../../agent/epochs.js'
import { type Report, Reporter } from '../../agent/reporter.js'
import { Requests } from '../../agent/requests.js'
import type { Device } from '../../manager/core/model.js'
import type { Link as ManagerLink } from '../../manager/link.js'
import { assemble, type Parts } from '../../manager/parts.js'
import { openDb } from '../../manager/store/db.js'
import { heartbeatCodec } from '../../protocol/messages/heartbeat.js'
import { type Reported, reportedCodec } from '../../protocol/messages/reported.js'
import { statusCodec } from '../../protocol/messages/status.js'
import { formatTopic, parseTopic, type Topic } from '../../protocol/topics.js'
import { ManualClock } from './clock.js'
import { someFacts } from './device.js'
import { contentsOf } from './signing.js'

const log = pino({ level: 'silent' })
const id = 'd1'
const root = 'skerry'
const metrics = { uptimeS: 1, cpuPermille: 2, memoryUsedMiB: 3, diskUsedPermille: 4, loadCentis: 5, temperatureDeci: null }
const nameOf = (topic: Topic) => formatTopic(root, topic)
const channelOf = (channel: 'status' | 'reported' | 'changes' | 'heartbeat') => nameOf({ kind: 'device', device: id, channel })

interface Packet {
  readonly topic: string
  readonly payload: Buffer
  readonly retain: boolean
  readonly settle: (arrived: boolean) => void
}
interface Delivery {
  readonly topic: string
  readonly payload: Buffer
  readonly retained: boolean
}

/** What the device runs is told apart by this alone. */
export const contentOf = ({ revision, groups, apps }: Pick<Reported, 'revision' | 'groups' | 'apps'>): string =>
  reportedCodec.encode({ version: 1, sequence: 0, revision, groups, apps }).toString('hex')

export class ThinSite {
  readonly #clock = new ManualClock()
  readonly #folder = mkdtempSync(join(tmpdir(), 'skerry-thin-'))
  #files = 0
  #file = this.#newFile()
  #backup: string
  /** Everything that the device has ever run. */
  readonly history = new Set<string>()
  link = { changes: true, reportMs: 1_000 }
  state: Report
  #starts = 0
  #epochs: Epochs
  #reporter: Reporter
  #requests: Requests
  #connected = false
  /** From the device to the broker: sent, and arrived but not acknowledged. */
  #sent: Packet[] = []
  #unacknowledged: Packet[] = []
  readonly #retained = new Map<string, Buffer>()
  /** From the broker to the manager. */
  #queue: Delivery[] = []
  #parts: Parts | undefined
  /** The manager is subscribed. */
  #listening = false
  #managerClock = new ManualClock()

  /** `template` is an empty database. */
  constructor(template: string, state: Report) {
    copyFileSync(template, this.#file)
    this.#backup = template
    this.state = state
    this.history.add(contentOf(state))
    this.#epochs = this.#startEpochs()
    this.#reporter = this.#startReporter()
    this.#requests = this.#startRequests()
  }

  get parts(): Parts | undefined {
    return this.#parts
  }

  get device(): Device | undefined {
    return this.#parts?.fleet.inventory.devices.get(id)
  }

  async turn(): Promise<void> {
    for (let n = 0; n < 4; n++) await new Promise<void>(resolve => setImmediate(resolve))
  }

  /** Time passes for both. */
  advance(ms: number): void {
    this.#clock.advance(ms)
    this.#managerClock.advance(ms)
  }

  change(state: Report): void {
    this.state = state
    this.history.add(contentOf(state))
    this.#reporter.note()
  }

  /** `goneBack`: its state folder is an older copy, whose starts are counted again. */
  restartAgent(goneBack: boolean): void {
    this.cut(true, true)
    this.#reporter.stop()
    this.#requests.endAll()
    if (goneBack) this.#starts = Math.max(0, this.#starts - 2)
    this.#epochs = this.#startEpochs()
    this.#reporter = this.#startReporter()
    this.#requests = this.#startRequests()
  }

  connect(): void {
    if (this.#connected) return
    this.#connected = true
    this.#epochs.open()
    this.#requests.endAll()
    const birth = { version: 1, epoch: this.#epochs.current, online: true, facts: someFacts, intervalS: 86_400, engine: true }
    void this.#send(channelOf('status'), statusCodec.encode(birth), true)
    this.#reporter.renew()
    this.#reporter.note()
  }

  /** The connection ends: what was on its way reaches the broker or not, and nothing is acknowledged any more. */
  cut(arrives: boolean, will: boolean): void {
    if (!this.#connected) return
    if (arrives) this.arrive(this.#sent.length)
    this.#connected = false
    const lost = [...this.#unacknowledged, ...this.#sent]
    this.#sent = []
    this.#unacknowledged = []
    for (const { settle } of lost) settle(false)
    const notice = { version: 1, epoch: this.#epochs.current, online: false, reason: 'Disconnected' as const }
    if (will) this.#hand({ topic: channelOf('status'), payload: statusCodec.encode(notice), retain: true, settle() {} })
  }

  beat(full: boolean): void {
    const mark = { epoch: this.#epochs.current, sequence: this.#epochs.nextSequence() }
    const standing = standingOf({ intervalS: 86_400, engineVersion: '1' }, this.state.revision, this.#reporter.heard)
    const heartbeat = full ? fullHeartbeat(mark, standing, metrics) : shortHeartbeat(mark.epoch)
    if (this.#connected) void this.#send(channelOf('heartbeat'), heartbeatCodec.encode(heartbeat), false)
  }

  arrive(count: number): void {
    for (const packet of this.#sent.splice(0, count)) {
      this.#hand(packet)
      this.#unacknowledged.push(packet)
    }
  }

  acknowledge(count: number): void {
    for (const { settle } of this.#unacknowledged.splice(0, count)) settle(true)
  }

  deliver(count: number): void {
    for (const { topic, payload, retained } of this.#queue.splice(0, count)) this.#parts?.intake.handle(topic, payload, retained)
  }

  /** One message comes behind the next. */
  swap(at: number): void {
    const [one, other] = this.#queue.slice(at, at + 2)
    if (one !== undefined && other !== undefined) this.#queue.splice(at, 2, other, one)
  }

  repeat(at: number): void {
    const packet = this.#queue[at]
    if (packet !== undefined) this.#queue.push(packet)
  }

  /** The manager's connection begins, with what the broker has kept. */
  listen(): void {
    this.deafen()
    if (this.#parts === undefined) this.#open()
    const { fleet } = this.#parts as unknown as Parts
    const publish = async (topic: string, payload: Uint8Array) => this.#ask(topic, payload)
    fleet.inventory.listen(true)
    fleet.requests.up({ publish } as unknown as ManagerLink)
    this.#listening = true
    this.#queue = [...this.#retained].map(([topic, payload]) => ({ topic, payload, retained: true }))
  }

  /** Its connection ends, and it lives on. */
  deafen(): void {
    this.#listening = false
    this.#queue = []
    this.#parts?.fleet.inventory.listen(false)
    this.#parts?.fleet.requests.down()
    this.#parts?.reports.down()
  }

  /** What it has not stored is lost. */
  killManager(): void {
    this.#listening = false
    this.#queue = []
    this.#parts?.fleet.db.close()
    this.#parts = undefined
  }

  backUp(): void {
    this.#backup = this.#newFile()
    const libsql = new Libsql(this.#file)
    libsql.exec(`VACUUM INTO '${this.#backup}'`)
    libsql.close()
  }

  /** Under another name, as the file of before stays open until it is collected. */
  restore(): void {
    this.killManager()
    this.#file = this.#newFile()
    copyFileSync(this.#backup, this.#file)
    this.listen()
  }

  loseRetained(): void {
    this.cut(false, false)
    this.#retained.clear()
    this.listen()
  }

  /** As an agent does that is told so by its manifest. */
  heedFloor(): void {
    const floor = this.device?.epochFloor ?? null
    if (floor === null || !this.#epochs.riseAbove(floor)) return
    this.cut(true, false)
    this.connect()
  }

  close(): void {
    this.#reporter.stop()
    this.#requests.endAll()
    this.#stopManager()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #stopManager(): void {
    this.deafen()
    this.#parts?.fleet.inventory.stop()
    this.#parts?.fleet.journal.stop()
    this.killManager()
  }

  #newFile(): string {
    return join(this.#folder, `manager-${this.#files++}.db`)
  }

  #open(): void {
    const db = openDb(this.#file)
    // The one before keeps what it had planned: it is dead.
    this.#managerClock = new ManualClock()
    this.#parts = assemble({ db, file: this.#file, root, identity: undefined, tokens: {}, log, clock: this.#managerClock })
    this.#parts.fleet.inventory.start()
  }

  #ask(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(root, topic)
    if (this.#connected && parsed?.kind === 'request') this.#requests.receive(parsed.rid, contentsOf(payload))
  }

  #hand({ topic, payload, retain }: Packet): void {
    if (retain) this.#retained.set(topic, payload)
    if (this.#listening) this.#queue.push({ topic, payload, retained: false })
  }

  #send(topic: string, payload: Buffer, retain: boolean): Promise<boolean> {
    if (!this.#connected) return Promise.resolve(false)
    return new Promise(settle => this.#sent.push({ topic, payload, retain, settle }))
  }

  #startEpochs(): Epochs {
    const countStart = (floor = 0) => {
      this.#starts = Math.max(this.#starts, floor) + 1
      return this.#starts
    }
    return new Epochs({ countStart } as unknown as Disk)
  }

  #startReporter(): Reporter {
    return new Reporter({
      clock: this.#clock,
      assemble: () => this.state,
      start: () => this.#epochs.start,
      link: () => this.link,
      connected: () => this.#connected,
      publish: (channel, payload) => this.#send(channelOf(channel), payload, channel === 'reported'),
    })
  }

  #startRequests(): Requests {
    const reporter = this.#reporter
    return new Requests({
      engine: { logSources: async () => [], readLog: noLog },
      clock: this.#clock,
      log,
      epoch: () => this.#epochs.current,
      publish: (rid, payload) => this.#send(nameOf({ kind: 'response', device: id, rid }), payload, false),
      servicesOf: () => undefined,
      restart: async () => {},
      onWorn: () => {},
      link: () => ({}),
      reporter,
    })
  }
}

async function* noLog(): AsyncGenerator<never> {}
