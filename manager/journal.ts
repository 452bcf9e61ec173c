// The one place where events are stored and told: at once with a user's change, or at the end of this turn of the event loop.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { Event, NewEvent } from './core/events.js'
import type { Db } from './store/db.js'
import { insertEvents } from './store/events.js'

export type EventListener = (events: readonly Event[]) => void
export type Note = (event: NewEvent) => void
/** Told by events that are not stored yet: of a user's change within its transaction, or of what the disk refuses. */
export type Witness = (events: readonly NewEvent[]) => void

const retryMs = 1000

export class Journal {
  readonly #db: Db
  readonly #clock: Clock
  readonly #log: Logger
  readonly #witness: Witness
  readonly #listeners = new Set<EventListener>()
  readonly #unstoredListeners = new Set<Witness>()
  #events: NewEvent[] = []
  /** How many of these, the first, the disk has refused already. */
  #refused = 0
  #saves = new Set<() => void>()
  #scheduled: NodeJS.Immediate | undefined
  #cancelRetry = () => {}
  /** Events of the changes that are being made together. */
  #together: Event[] | undefined

  constructor(db: Db, clock: Clock, log: Logger, witness: Witness = () => {}) {
    this.#db = db
    this.#clock = clock
    this.#log = log
    this.#witness = witness
  }

  /** Hears every event from now on, in order. Returns a function that ends it. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Hears of events that the disk refuses, once, for what is to be right all the same; those who subscribe hear of them when they are stored. */
  subscribeUnstored(listener: Witness): () => void {
    this.#unstoredListeners.add(listener)
    return () => this.#unstoredListeners.delete(listener)
  }

  /** Stores and tells the event at the end of this turn, together with all others of the turn. */
  note(event: NewEvent): void {
    this.#events.push(event)
    this.#schedule()
  }

  /** Runs `save` in the transaction that stores this turn's events; once, however often it is asked for. */
  save(save: () => void): void {
    this.#saves.add(save)
    this.#schedule()
  }

  /**
   * A user's change and its events, in one transaction that survives a power cut; the events are told once it is done.
   * If `act` throws, nothing has happened.
   */
  change<T>(act: (note: Note) => T): T {
    const together = this.#together
    const events: NewEvent[] = []
    const change = () => {
      const value = act(event => events.push(event))
      this.#witness(events)
      return [value, insertEvents(this.#db, events, this.#clock.now())] as const
    }
    if (together !== undefined) {
      const [result, stored] = this.#db.nested(change)
      together.push(...stored)
      return result
    }
    this.flush()
    const [result, stored] = this.#db.durably(change)
    this.#tell(stored)
    return result
  }

  /** All changes that `act` makes, as one transaction: one write to the disk. A change that throws is undone alone. */
  together<T>(act: () => T): T {
    this.flush()
    const events: Event[] = []
    this.#together = events
    try {
      const result = this.#db.durably(act)
      this.#together = undefined
      this.#tell(events)
      return result
    } finally {
      this.#together = undefined
    }
  }

  /** Stores and tells what is waiting. If the disk refuses, it is tried again later. */
  flush(): void {
    if (this.#events.length === 0 && this.#saves.size === 0) return
    const events = this.#events
    const saves = this.#saves
    const refused = this.#refused
    this.#events = []
    this.#refused = 0
    this.#saves = new Set()
    try {
      const stored = this.#db.quickly(() => {
        for (const save of saves) save()
        return insertEvents(this.#db, events, this.#clock.now())
      })
      this.#tell(stored)
    } catch (error) {
      this.#log.error({ err: error, events: events.length }, 'events not stored')
      this.#events = [...events, ...this.#events]
      this.#refused = events.length
      this.#saves = new Set([...saves, ...this.#saves])
      this.#cancelRetry()
      this.#cancelRetry = this.#clock.after(retryMs, () => this.flush())
      const unheard = events.slice(refused)
      if (unheard.length > 0) for (const listener of this.#unstoredListeners) listener(unheard)
    }
  }

  stop(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled)
    this.flush()
    this.#cancelRetry()
    this.#listeners.clear()
    this.#unstoredListeners.clear()
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined
      this.flush()
    })
  }

  #tell(events: readonly Event[]): void {
    if (events.length === 0) return
    for (const listener of this.#listeners) listener(events)
  }
}
