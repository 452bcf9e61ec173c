// What a decoded message means for the fleet: a new device, a sign of life, a report, the end of a release, or a device that went back in time.
import type { Refusal } from '../protocol/errors.js'
import type { JoinRequest } from '../protocol/join.js'
import type { Changes } from '../protocol/messages/changes.js'
import type { Heartbeat } from '../protocol/messages/heartbeat.js'
import type { Reported } from '../protocol/messages/reported.js'
import type { Response } from '../protocol/messages/request.js'
import type { Status } from '../protocol/messages/status.js'
import type { Usage } from '../protocol/messages/usage.js'
import { parseTopic } from '../protocol/topics.js'
import type { Accounts } from './accounts.js'
import { newEvent } from './core/events.js'
import { isSpent } from './core/liveness.js'
import type { Addressee, Device } from './core/model.js'
import type { Origin } from './core/reports.js'
import type { Joining } from './identity/joining.js'
import type { Receiver } from './intake.js'
import { Introductions } from './introductions.js'
import type { Inventory } from './inventory.js'
import type { Journal } from './journal.js'
import type { Publisher } from './publisher.js'
import type { Reports } from './reports.js'
import type { Requests } from './requests.js'
import type { Db } from './store/db.js'
import { updateDevice } from './store/devices.js'
import { raiseRevision } from './store/meta.js'
import { bumpTarget, readTarget } from './store/outbox.js'
import { confirmTombstone, readTombstones } from './store/tombstones.js'

interface ReceptionOptions {
  readonly db: Db
  readonly root: string
  readonly instance: Buffer
  readonly journal: Journal
  readonly inventory: Inventory
  readonly publisher: Publisher
  readonly requests: Requests
  readonly accounts: Accounts
  readonly reports: Reports
  /** Who answers devices that want a certificate; undefined: nobody. */
  readonly joining: () => Pick<Joining, 'join' | 'renew'> | undefined
  /** Only devices that have joined are of the fleet; otherwise also whoever says something on a device's topic. */
  readonly strict: boolean
}

export class Reception implements Receiver {
  readonly #options: ReceptionOptions
  /** Devices whose release is under way: whatever they say, they are not of the fleet. */
  readonly #tombstones: Set<string>
  readonly #introductions: Introductions

  constructor(options: ReceptionOptions) {
    this.#options = options
    this.#introductions = new Introductions(options.requests)
    this.#tombstones = new Set(readTombstones(options.db).map(({ device }) => device))
  }

  /** The device has left; until it says so itself, or its topics are cleared, it is not registered again. */
  bury(device: string): void {
    this.#tombstones.add(device)
  }

  unbury(device: string): void {
    this.#tombstones.delete(device)
  }

  heartbeat(id: string, heartbeat: Heartbeat): void {
    const device = this.#deviceOf(id)
    if (device === undefined) return
    const { epoch } = heartbeat
    const { reports } = this.#options
    // Of a session that has ended while the manager listened, or of a device that went back in time while it did not.
    const isOld = epoch < device.signs.epoch
    const spent = isSpent(device.signs, { kind: 'pulse', epoch, at: 0 }) || (isOld && !reports.knows(device))
    this.#options.inventory.foldHeartbeat(device, heartbeat)
    if (!isOld) reports.beat(device, heartbeat)
    this.#introductions.heard(device)
    if (spent) this.#raiseFloor(device)
  }

  status(id: string, status: Status, live: boolean): void {
    if (this.#tombstones.has(id)) this.#confirmRelease(id, status)
    else this.#foldStatus(id, status, live)
  }

  reported(id: string, reported: Reported, origin: Origin): void {
    const device = this.#deviceOf(id)
    if (device !== undefined && this.#options.reports.report(device, reported, origin)) this.#heed(id, reported)
  }

  changes(id: string, changes: Changes, stamp: Uint8Array): void {
    const device = this.#deviceOf(id)
    const reported = device && this.#options.reports.change(device, changes, stamp)
    if (reported !== undefined) this.#heed(id, reported)
  }

  usage(id: string, usage: Usage): void {
    const device = this.#deviceOf(id)
    if (device !== undefined) this.#options.accounts.receive(device, usage)
  }

  response(device: string, rid: string, response: Response): void {
    this.#options.requests.receive(device, rid, response)
  }

  join(key: string, request: JoinRequest): void {
    this.#options.joining()?.join(key, request)
  }

  renewal(device: string, request: JoinRequest): void {
    this.#options.joining()?.renew(device, request)
  }

  desired(topic: string, payload: Uint8Array): void {
    this.#options.publisher.seen(topic, payload)
  }

  dropped(name: string, refusal: Refusal): void {
    const topic = parseTopic(this.#options.root, name)
    const device = topic !== undefined && 'device' in topic ? topic.device : null
    const data = { topic: name.slice(0, 200), ...refusal }
    this.#options.journal.note(newEvent('message.dropped', `a message was dropped: ${refusal.message}`, { device, data }))
  }

  #heed(id: string, reported: Reported): void {
    this.#mend(id, reported)
    if (reported.instance !== undefined && this.#options.instance.equals(reported.instance)) this.#overtake(id, reported)
  }

  /** What a device refuses as not from here is told again: its own, or what holds for others too. */
  #mend(id: string, { faults = [] }: Reported): void {
    const { root, publisher } = this.#options
    for (const { code, path = '' } of faults) {
      const isOthers = path.startsWith('device/') && path !== `device/${id}/desired`
      if (code.startsWith('manifest.') && !isOthers) publisher.retell(`${root}/${path}`)
    }
  }

  /** The device that a message is of; undefined if it is not of the fleet. */
  #deviceOf(id: string): Device | undefined {
    if (this.#tombstones.has(id)) return undefined
    const { inventory, strict } = this.#options
    return strict ? inventory.devices.get(id) : inventory.ensure(id)
  }

  #foldStatus(id: string, status: Status, live: boolean): void {
    const { inventory, requests } = this.#options
    const device = this.#deviceOf(id)
    if (device === undefined) return
    const { epoch, online } = status
    const spent = online && isSpent(device.signs, { kind: 'birth', epoch, sequence: -1, intervalS: 0, engine: true, live, at: 0 })
    inventory.foldStatus(device, status, live)
    if (online && live) requests.noteSession(id)
    if (online) this.#introductions.birth(device, status)
    if (online && live) this.#options.reports.birth(device, status, spent)
    if (spent) this.#raiseFloor(device)
  }

  #confirmRelease(id: string, status: Status): void {
    if (status.online || status.reason !== 'Released') return
    const { db, publisher } = this.#options
    db.quickly(() => confirmTombstone(db, id))
    publisher.wake()
  }

  /** Tells an agent that its epochs up to the newest known one are spent; once for each such epoch. */
  #raiseFloor(device: Device): void {
    if (device.epochFloor !== null && device.epochFloor >= device.signs.epoch) return
    const { db, journal, publisher } = this.#options
    device.epochFloor = device.signs.epoch
    journal.flush()
    db.quickly(() => {
      updateDevice(db, device)
      bumpTarget(db, { kind: 'device', name: device.id })
    })
    publisher.wake()
  }

  /**
   * A device holds a newer manifest than this database ever gave out: the database went back in time. Revisions go on above
   * it, and what the device would ignore is published anew.
   */
  #overtake(id: string, reported: Reported): void {
    const held: (Addressee & { revision: number })[] = [
      { kind: 'device', name: id, revision: reported.revision },
      ...reported.groups.map(({ name, revision }) => ({ kind: 'group' as const, name, revision })),
      ...(reported.fleet === undefined ? [] : [{ kind: 'fleet' as const, name: '', revision: reported.fleet }]),
    ]
    const { db, publisher } = this.#options
    const ahead = held.filter(target => (readTarget(db, target)?.revision ?? 0) < target.revision)
    if (ahead.length === 0) return
    db.quickly(() => {
      raiseRevision(db, Math.max(...ahead.map(target => target.revision)))
      for (const target of ahead) if (readTarget(db, target) !== undefined) bumpTarget(db, target)
    })
    publisher.wake()
  }
}
