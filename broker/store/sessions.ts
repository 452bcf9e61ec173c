// Persistent sessions: which clients have one, their subscriptions, and when each was last here.
import type { Table } from './commit.js'
import type { Row, Sql, Statement } from './database.js'
import { FilterTree } from './filters.js'
import { type Qos, text, toQos } from './packet.js'

/** As Aedes hands it over. The options of MQTT 5 are kept in memory only: Aedes refuses MQTT 5. */
export interface Subscription {
  readonly topic: string
  readonly qos: Qos
  readonly rh?: number | undefined
  readonly rap?: boolean | undefined
  readonly nl?: boolean | undefined
  readonly subscriptionIdentifier?: number | undefined
}

export type ClientSubscription = Omit<Subscription, 'subscriptionIdentifier'> & { readonly clientId: string }

export interface SessionLimits {
  /** Filters of one client. */
  readonly subscriptions: number
}

export interface Filters {
  readonly size: number
  has(filter: string): boolean
}

const noFilters: Filters = new Set<string>()

interface Session {
  readonly client: string
  readonly subscriptions: Map<string, Kept>
  /** Wall-clock ms: sessions outlive the process, and so does their age. */
  seenAt: number
}

interface Kept {
  readonly subscription: Subscription
  /** In the tree only with QoS 1 and 2: nothing is queued for QoS 0. */
  readonly queued: ClientSubscription | undefined
}

export class SessionTable implements Table {
  readonly #sessions = new Map<string, Session>()
  readonly #tree = new FilterTree<ClientSubscription>()
  readonly #changedSessions = new Set<string>()
  readonly #changedSubscriptions = new Map<string, { readonly client: string; readonly filter: string }>()
  readonly #limits: SessionLimits
  readonly #statements: Record<'putSession' | 'deleteSession' | 'put' | 'delete', Statement>
  #queuedCount = 0

  constructor(sql: Sql, limits: SessionLimits) {
    this.#limits = limits
    this.#statements = {
      putSession: sql.prepare('insert or replace into session values (?, ?)'),
      deleteSession: sql.prepare('delete from session where client = ?'),
      put: sql.prepare('insert or replace into subscription values (?, ?, ?)'),
      delete: sql.prepare('delete from subscription where client = ? and filter = ?'),
    }
    for (const row of sql.prepare('select client, seen_at from session').all() as Row[]) {
      this.#open(text(row.client), Number(row.seen_at))
    }
    for (const row of sql.prepare('select client, filter, qos from subscription').all() as Row[]) {
      this.#set(this.#open(text(row.client), Date.now()), { topic: text(row.filter), qos: toQos(row.qos) })
    }
  }

  get size(): number {
    return this.#sessions.size
  }

  has(client: string): boolean {
    return this.#sessions.has(client)
  }

  /** Makes the session if need be and notes that its client is (or was until now) here. */
  seen(client: string, now: number): void {
    this.#open(client, now).seenAt = now
    this.#changedSessions.add(client)
  }

  /** Clients whose sessions were last used before `before`. */
  unusedSince(before: number): string[] {
    return [...this.#sessions.values()].filter(({ seenAt }) => seenAt < before).map(({ client }) => client)
  }

  subscribe(client: string, subscriptions: readonly Subscription[], now: number): boolean {
    const session = this.#sessions.get(client) ?? this.#open(client, now)
    let changed = false
    for (const subscription of subscriptions) {
      const before = session.subscriptions.get(subscription.topic)?.subscription
      if (same(before, subscription) || (before === undefined && session.subscriptions.size >= this.#limits.subscriptions)) continue
      this.#set(session, subscription)
      this.#change(client, subscription.topic)
      changed = true
    }
    if (changed) this.#changedSessions.add(client)
    return changed
  }

  unsubscribe(client: string, filters: readonly string[]): boolean {
    const session = this.#sessions.get(client)
    let changed = false
    for (const filter of filters) changed = (session !== undefined && this.#remove(session, filter)) || changed
    return changed
  }

  /** Ends the session; true if there was one. */
  end(client: string): boolean {
    const session = this.#sessions.get(client)
    if (session === undefined) return false
    for (const filter of [...session.subscriptions.keys()]) this.#remove(session, filter)
    this.#sessions.delete(client)
    this.#changedSessions.add(client)
    return true
  }

  /** The filters of a session, to count and to ask for. */
  filtersOf(client: string): Filters {
    return this.#sessions.get(client)?.subscriptions ?? noFilters
  }

  subscriptionsOf(client: string): Subscription[] {
    return [...(this.#sessions.get(client)?.subscriptions.values() ?? [])].map(({ subscription }) => ({ ...subscription }))
  }

  subscriptionsTo(topic: string): ClientSubscription[] {
    return this.#tree.match(topic)
  }

  clientsOf(filter: string): string[] {
    return [...this.#sessions.values()].filter(({ subscriptions }) => subscriptions.has(filter)).map(({ client }) => client)
  }

  /** Subscriptions that queue messages, and clients with subscriptions of any kind. */
  count(): { subsCount: number; clientsCount: number } {
    const clientsCount = [...this.#sessions.values()].filter(({ subscriptions }) => subscriptions.size > 0).length
    return { subsCount: this.#queuedCount, clientsCount }
  }

  save(): void {
    for (const client of this.#changedSessions) {
      const session = this.#sessions.get(client)
      if (session === undefined) this.#statements.deleteSession.run(client)
      else this.#statements.putSession.run(client, session.seenAt)
    }
    for (const { client, filter } of this.#changedSubscriptions.values()) {
      const kept = this.#sessions.get(client)?.subscriptions.get(filter)
      if (kept === undefined) this.#statements.delete.run(client, filter)
      else this.#statements.put.run(client, filter, kept.subscription.qos)
    }
  }

  saved(): void {
    this.#changedSessions.clear()
    this.#changedSubscriptions.clear()
  }

  #open(client: string, seenAt: number): Session {
    const session = this.#sessions.get(client) ?? { client, subscriptions: new Map(), seenAt }
    this.#sessions.set(client, session)
    return session
  }

  #set(session: Session, subscription: Subscription): void {
    this.#unqueue(session.subscriptions.get(subscription.topic))
    const { subscriptionIdentifier: _, ...rest } = subscription
    const queued = subscription.qos > 0 ? { clientId: session.client, ...rest } : undefined
    if (queued !== undefined) {
      this.#tree.add(queued.topic, queued)
      this.#queuedCount++
    }
    session.subscriptions.set(subscription.topic, { subscription: { ...subscription }, queued })
  }

  #remove(session: Session, filter: string): boolean {
    const kept = session.subscriptions.get(filter)
    if (kept === undefined) return false
    this.#unqueue(kept)
    session.subscriptions.delete(filter)
    this.#change(session.client, filter)
    return true
  }

  #unqueue(kept: Kept | undefined): void {
    if (kept?.queued === undefined) return
    this.#tree.remove(kept.queued.topic, kept.queued)
    this.#queuedCount--
  }

  #change(client: string, filter: string): void {
    this.#changedSubscriptions.set(`${client}\u0000${filter}`, { client, filter })
  }
}

function same(a: Subscription | undefined, b: Subscription): boolean {
  return a?.qos === b.qos && a.rh === b.rh && a.rap === b.rap && a.nl === b.nl && a.subscriptionIdentifier === b.subscriptionIdentifier
}
