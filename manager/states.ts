// Keeps the retained states of devices and apps at the broker right: each published when it changes, cleared when it is no more.
import type { Logger } from 'pino'
import { everyState, formatStateTopic, stateOwner } from '../protocol/command-topics.js'
import { effectiveApps } from './core/desired.js'
import type { NewEvent } from './core/events.js'
import { heldOf } from './core/held.js'
import { appsOnDevice } from './core/rollup.js'
import { deviceMessages, groupMessages, type StateMessages, touchedBy } from './core/states.js'
import type { Fleet } from './fleet.js'
import type { Link } from './link.js'
import { appOnDevices, contextOf } from './queries.js'
import { readAppsOf } from './store/apps.js'
import { readGroups, readMembers } from './store/groups.js'

interface StatesOptions {
  readonly root: string
  readonly fleet: Fleet
  readonly log: Logger
}

/** Changes that come within this time are told together. */
const foldMs = 100
/** Messages of one go, and the pause after it: a deploy to thousands of devices goes first. */
const slice = 100
const paceMs = 50
/** How long one go may keep everything else waiting. */
const sliceMs = 10
/** The broker has told all that it retains when nothing came for so long. */
const quietMs = 500
const farewellMs = 1000
const retryMs = 2000

const nothing: StateMessages = new Map()

export class States {
  readonly #options: StatesOptions
  /** What the broker holds, by owner (`device/ID`, `group/NAME` or `manager`). */
  readonly #held = new Map<string, StateMessages>()
  /** Owners whose messages may have changed, in the order in which they are looked at. */
  readonly #dirty = new Set<string>()
  #link: Link | undefined
  #hears = true
  #comparing = false
  #busy = false
  #cancelTimer = () => {}
  #unsubscribe = () => {}

  constructor(options: StatesOptions) {
    this.#options = options
  }

  /** What the broker says on its own when the manager is gone: trust no state. */
  static will(root: string): { topic: string; payload: string } {
    return { topic: formatStateTopic(root, { kind: 'manager' }), payload: '0' }
  }

  start(): void {
    const { journal } = this.#options.fleet
    const look = (events: readonly NewEvent[]) => {
      for (const event of events) for (const owner of touchedBy(event)) this.#dirty.add(owner)
      this.#wake()
    }
    // States are those of the fleet as the manager knows it, whether or not its disk takes it.
    const ends = [journal.subscribe(look), journal.subscribeUnstored(look)]
    this.#unsubscribe = () => {
      for (const end of ends) end()
    }
  }

  /** The broker is there: says that no state is to be trusted until all that it retains has been compared and corrected. */
  up(link: Link): void {
    this.#link = link
    this.#held.clear()
    const { topic, payload } = States.will(this.#options.root)
    this.#publish(link, [[topic, payload]])
    this.#compare(link)
  }

  down(): void {
    this.#link = undefined
    this.#cancelTimer()
    this.#busy = false
  }

  /** A retained state, asked for at connect. */
  seen(topic: string, payload: Uint8Array): void {
    const owner = stateOwner(this.#options.root, topic)
    if (!this.#comparing || owner === undefined || payload.length === 0) return
    this.#held.set(owner, new Map([...(this.#held.get(owner) ?? nothing), [topic, Buffer.from(payload).toString()]]))
    this.#waitForQuiet()
  }

  /** What is told of an owner may have changed without an event. */
  look(owner: string): void {
    this.#dirty.add(owner)
    this.#wake()
  }

  /** Whether commands are heard, where they come on a connection of their own: the manager's state is 1 only while they are. */
  hear(hears: boolean): void {
    this.#hears = hears
    this.look('manager')
    if (!hears) this.tell('manager')
  }

  /** Publishes what has changed of an owner, without waiting for more. */
  tell(owner: string): void {
    const link = this.#link
    if (link !== undefined && !this.#comparing) this.#try(link, () => this.#publish(link, this.#settle(owner)))
  }

  /** Before the connection is ended on purpose: nobody keeps the states right from now on. */
  async stop(): Promise<void> {
    this.#unsubscribe()
    const link = this.#link
    if (link?.isUp !== true) return
    this.down()
    const { topic, payload } = States.will(this.#options.root)
    let cancel = () => {}
    const late = new Promise<void>(resolve => {
      cancel = this.#options.fleet.clock.after(farewellMs, resolve)
    })
    await Promise.race([link.publish(topic, Buffer.from(payload)).catch(() => {}), late])
    cancel()
  }

  #compare(link: Link): void {
    this.#comparing = true
    link
      .subscribe([{ filter: everyState(this.#options.root), qos: 0 }])
      .then(() => this.#link === link && this.#comparing && this.#waitForQuiet())
      .catch(error => this.#options.log.warn({ err: error }, 'retained states not compared'))
  }

  #waitForQuiet(): void {
    this.#after(quietMs, link => {
      this.#comparing = false
      link.unsubscribe([everyState(this.#options.root)]).catch(() => {})
      const { db, inventory } = this.#options.fleet
      for (const id of inventory.devices.keys()) this.#dirty.add(`device/${id}`)
      for (const { name } of readGroups(db)) this.#dirty.add(`group/${name}`)
      for (const owner of this.#held.keys()) this.#dirty.add(owner)
      // Last: by then all of the others are right.
      this.#dirty.delete('manager')
      this.#dirty.add('manager')
      this.#next(link)
    })
  }

  #wake(): void {
    if (!this.#comparing && !this.#busy) this.#pause(foldMs)
  }

  #pause(ms: number): void {
    if (this.#link === undefined || this.#dirty.size === 0) return
    this.#busy = true
    this.#after(ms, link => this.#next(link))
  }

  #after(ms: number, act: (link: Link) => void): void {
    const link = this.#link
    this.#cancelTimer()
    if (link !== undefined) this.#cancelTimer = this.#options.fleet.clock.after(ms, () => act(link))
  }

  #next(link: Link): void {
    this.#busy = true
    this.#try(link, () => {
      const messages = this.#takeMessages()
      this.#publish(link, messages, () => {
        this.#busy = false
        this.#pause(messages.length === 0 ? 0 : paceMs)
      })
    })
  }

  #try(link: Link, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#startOver(link, error)
    }
  }

  /** On a new connection everything is compared anyway; on this one it is now. */
  #startOver(link: Link, error: unknown): void {
    this.#options.log.warn({ err: error }, 'states not published')
    if (this.#link === link) this.#after(retryMs, () => this.up(link))
  }

  #takeMessages(): [topic: string, payload: string][] {
    const { clock } = this.#options.fleet
    const until = clock.monotonic() + sliceMs
    const messages: [string, string][] = []
    for (const owner of this.#dirty) {
      this.#dirty.delete(owner)
      messages.push(...this.#settle(owner))
      if (messages.length >= slice || clock.monotonic() > until) break
    }
    return messages
  }

  /** What has to be published for an owner. */
  #settle(owner: string): [string, string][] {
    const wanted = this.#wanted(owner)
    const held = this.#held.get(owner) ?? nothing
    if (wanted.size > 0) this.#held.set(owner, wanted)
    else this.#held.delete(owner)
    const changed = [...wanted].filter(([topic, payload]) => held.get(topic) !== payload)
    const gone = [...held.keys()].filter(topic => !wanted.has(topic))
    return [...changed, ...gone.map((topic): [string, string] => [topic, ''])]
  }

  #wanted(owner: string): StateMessages {
    const { root, fleet } = this.#options
    const at = owner.indexOf('/')
    const name = owner.slice(at + 1)
    switch (owner.slice(0, Math.max(0, at))) {
      case 'device':
        return this.#ofDevice(name)
      case 'group':
        return groupMessages(
          root,
          name,
          readAppsOf(fleet.db, { kind: 'group', name }).map(app => ({ app, devices: appOnDevices(fleet, app) })),
        )
      case 'members':
        for (const id of readMembers(fleet.db, name)) this.#dirty.add(`device/${id}`)
        return nothing
      case 'groups':
        for (const group of readGroups(fleet.db)) this.#dirty.add(`group/${group.name}`)
        return nothing
      default:
        return new Map([[formatStateTopic(root, { kind: 'manager' }), this.#hears ? '1' : '0']])
    }
  }

  #ofDevice(id: string): StateMessages {
    const { root, fleet } = this.#options
    const device = fleet.inventory.devices.get(id)
    if (device === undefined) return nothing
    const { groups, apps, permits } = contextOf(fleet, device)
    for (const group of groups) this.#dirty.add(`group/${group}`)
    const winners = effectiveApps(apps)
    const told = appsOnDevice(device, apps).flatMap(on => {
      const app = winners.get(on.app)
      return app === undefined || on.desiredRevision === null ? [] : [{ app, on }]
    })
    return deviceMessages(root, { device, held: heldOf(device, permits), apps: told })
  }

  #publish(link: Link, messages: readonly [topic: string, payload: string][], then = () => {}): void {
    Promise.all(messages.map(([topic, payload]) => link.publish(topic, Buffer.from(payload))))
      .then(() => this.#link === link && then())
      .catch(error => this.#startOver(link, error))
  }
}
