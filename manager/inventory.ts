// The fleet in memory: every device with its readiness, kept by the signs that come in and by the leases that run out.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { type FullHeartbeat, type Heartbeat, isFull } from '../protocol/messages/heartbeat.js'
import type { Hold, Reported } from '../protocol/messages/reported.js'
import { type Facts, type Status, startOf } from '../protocol/messages/status.js'
import { newEvent, newFaults, readinessEvent, reportEvents } from './core/events.js'
import { holdEvent, isSameHold } from './core/held.js'
import { foldSign, readinessOf, type Sign, silentUntil } from './core/liveness.js'
import { type Device, newDevice } from './core/model.js'
import { holdsTheSame } from './core/reports.js'
import { heartbeatSign, metricsOf, statusSign } from './core/signs.js'
import type { Journal } from './journal.js'
import type { Db } from './store/db.js'
import { insertDevice, readDevices, saveObserved, saveReport } from './store/devices.js'

const sweepMs = 250
const sweepsPerFlush = 4
/** Devices stored in one transaction, so that storing thousands never holds up the next event for long. */
const flushSlice = 500

interface InventoryOptions {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly log: Logger
  /** A device has reported under other manifests than before; of what it reports nothing else may be new. */
  caughtUp(device: Device): void
}

export class Inventory {
  readonly #db: Db
  readonly #journal: Journal
  readonly #clock: Clock
  readonly #log: Logger
  readonly #caughtUp: InventoryOptions['caughtUp']
  readonly #devices = new Map<string, Device>()
  /** Devices that said something since they were last stored. */
  readonly #dirty = new Set<Device>()
  /** Devices whose change of state is stored with this turn's events. */
  #turn = new Set<Device>()
  #listeningSince: number | null = null
  /** The same by the wall clock. */
  #listeningAt = 0
  #sweeps = 0
  #cancelSweep = () => {}
  #slice: NodeJS.Immediate | undefined
  readonly #saveTurn = () => {
    const devices = this.#turn
    this.#turn = new Set()
    for (const device of devices) saveObserved(this.#db, device)
  }

  constructor({ db, journal, clock, log, caughtUp }: InventoryOptions) {
    this.#db = db
    this.#journal = journal
    this.#clock = clock
    this.#log = log
    this.#caughtUp = caughtUp
  }

  get devices(): ReadonlyMap<string, Device> {
    return this.#devices
  }

  /** Reads what was known. Nothing has been heard yet, so what was not known to be dead is Unknown. */
  start(): void {
    for (const device of readDevices(this.#db, this.#clock.monotonic())) {
      this.#devices.set(device.id, device)
      this.#settle(device, 'quietly')
    }
    this.#scheduleSweep()
  }

  /** Stores what is not yet stored. */
  stop(): void {
    this.#cancelSweep()
    if (this.#slice !== undefined) clearImmediate(this.#slice)
    this.#store([...this.#dirty])
    this.#dirty.clear()
  }

  /** Whether the manager hears its broker from now on. While it does not, silence counts against nobody. */
  listen(listening: boolean): void {
    this.#listeningSince = listening ? this.#clock.monotonic() : null
    this.#listeningAt = this.#clock.now()
  }

  /** The device, registered if it is new. */
  ensure(id: string): Device {
    return this.#devices.get(id) ?? this.#register(id)
  }

  /** Wall clock, when the device turns NotReady if it stays silent; null if it is NotReady. */
  expectedBy({ state, signs, lastSeen }: Pick<Device, 'state' | 'signs' | 'lastSeen'>): number | null {
    const since = this.#listeningSince
    const until = silentUntil(signs, since)
    if (state === 'NotReady' || until === null || since === null) return null
    // Clocks drift apart: from a moment that both have seen it is the same whenever it is asked for.
    const isHeard = signs.heardAt !== null && lastSeen !== null
    const [wall, monotonic] = isHeard ? [lastSeen, signs.heardAt] : [this.#listeningAt, since]
    return Math.round(wall + until - monotonic)
  }

  /** A new device, not registered yet. */
  make(id: string, facts: Facts | null): Device {
    return newDevice(id, facts, { now: this.#clock.now(), monotonic: this.#clock.monotonic() })
  }

  /** A device that is stored already. */
  add(device: Device): void {
    this.#devices.set(device.id, device)
  }

  remove(id: string): void {
    const device = this.#devices.get(id)
    if (device === undefined) return
    this.#devices.delete(id)
    this.#dirty.delete(device)
    this.#turn.delete(device)
  }

  foldHeartbeat(device: Device, beat: Heartbeat): void {
    if (isFull(beat)) this.#keepMetrics(device, beat)
    this.#fold(device, heartbeatSign(beat, this.#clock.monotonic()))
  }

  #keepMetrics(device: Device, beat: FullHeartbeat): void {
    device.metrics = metricsOf(beat)
    device.held = beat.revision
    device.serviceStates = { start: startOf(beat.epoch), sequence: beat.reported, states: beat.states }
  }

  foldStatus(device: Device, status: Status, live: boolean): void {
    const { facts } = status
    const isNews = status.online && facts !== undefined && status.epoch >= device.signs.epoch
    if (isNews && JSON.stringify(facts) !== JSON.stringify(device.facts)) {
      const changed = device.facts !== null
      device.facts = facts
      if (changed) this.#journal.note(newEvent('device.changed', `${device.id} has new facts`, { device: device.id, data: { facts } }))
    }
    this.#fold(device, statusSign(status, live, this.#clock.monotonic()))
    this.#dirty.add(device)
  }

  /** `stamp` is that of the message that told it. */
  foldReport(device: Device, reported: Reported, stamp: Uint8Array): void {
    const before = device.reported
    device.reported = reported
    device.reportStamp = stamp
    device.held = Math.max(reported.revision, reported.fleet ?? 0, ...reported.groups.map(group => group.revision))
    for (const event of reportEvents(device.id, before, reported)) this.#journal.note(event)
    this.#noteHold(device, before?.hold, reported.hold)
    for (const fault of newFaults(before, reported)) {
      this.#journal.note(newEvent('device.changed', `${device.id}: ${fault.message}`, { device: device.id, data: { fault } }))
    }
    this.#journal.save(() => this.#devices.get(device.id) === device && saveReport(this.#db, device))
    this.#settle(device, 'aloud')
    if (!holdsTheSame(before, reported)) this.#caughtUp(device)
  }

  #noteHold(device: Device, before: Hold | undefined, after: Hold | undefined): void {
    if (isSameHold(before, after)) return
    device.heldSince = after === undefined ? null : beganAt(after, this.#clock.now())
    const event = holdEvent(device.id, before, after)
    if (event) this.#journal.note(event)
    this.#turn.add(device)
    this.#journal.save(this.#saveTurn)
  }

  #register(id: string): Device {
    const device = this.make(id, null)
    this.#devices.set(id, device)
    this.#journal.note(newEvent('device.registered', `${id} is new`, { device: id }))
    this.#journal.save(() => this.#devices.get(id) === device && insertDevice(this.#db, device))
    return device
  }

  #fold(device: Device, sign: Sign): void {
    device.signs = foldSign(device.signs, sign)
    if (sign.kind === 'birth' ? sign.live : sign.kind !== 'end') device.lastSeen = this.#clock.now()
    this.#dirty.add(device)
    this.#settle(device, 'aloud')
  }

  #settle(device: Device, how: 'aloud' | 'quietly'): void {
    const after = readinessOf(device.signs, this.#listeningSince, this.#clock.monotonic())
    if (after.state === device.state && after.reason === device.reason) return
    const before = { state: device.state, reason: device.reason }
    if (after.reason === 'HeartbeatMissed') device.signs = { ...device.signs, lost: true }
    device.state = after.state
    device.reason = after.reason
    device.since = this.#clock.now()
    const event = how === 'aloud' && !(before.state === 'Unknown' && after.state === 'Unknown') && readinessEvent(device.id, before, after)
    if (event) this.#journal.note(event)
    this.#turn.add(device)
    this.#journal.save(this.#saveTurn)
  }

  #scheduleSweep(): void {
    this.#cancelSweep = this.#clock.after(sweepMs, () => {
      this.#scheduleSweep()
      for (const device of this.#devices.values()) this.#settle(device, 'aloud')
      this.#sweeps = (this.#sweeps + 1) % sweepsPerFlush
      if (this.#sweeps === 0) this.#flush()
    })
  }

  /** Stores what devices said since the last time, in slices. */
  #flush(): void {
    if (this.#slice !== undefined) return
    let left = this.#dirty.size
    const next = () => {
      this.#slice = undefined
      const slice = [...take(this.#dirty, Math.min(left, flushSlice))]
      left -= slice.length
      if (slice.length === 0 || !this.#store(slice)) return
      for (const device of slice) this.#dirty.delete(device)
      if (left > 0) this.#slice = setImmediate(next)
    }
    next()
  }

  #store(devices: readonly Device[]): boolean {
    try {
      this.#db.quickly(() => {
        for (const device of devices) saveObserved(this.#db, device)
      })
      return true
    } catch (error) {
      this.#log.error({ err: error }, 'devices not stored')
      return false
    }
  }
}

/** By the device's clock, unless that is ahead of ours: then when it was learned. */
function beganAt({ since }: Hold, now: number): number {
  return since === undefined || since * 1000 > now ? now : since * 1000
}

function* take<T>(items: Iterable<T>, count: number): Iterable<T> {
  let left = count
  for (const item of items) {
    if (left-- <= 0) return
    yield item
  }
}
