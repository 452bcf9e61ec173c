// Makes the parts of a broker and joins them. The database is open when this returns; nothing runs or listens yet.
import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { Access } from '../protocol/access.js'
import { type Clock, systemClock } from '../protocol/clock.js'
import { isDataTopic } from '../protocol/data-topics.js'
import { defaultRoot } from '../protocol/topics.js'
import { Door } from './door.js'
import { Engine } from './engine.js'
import { Entrance } from './entrance.js'
import { Fanout } from './fanout.js'
import { Guard } from './guard.js'
import { Guests } from './guests.js'
import type { Delivery } from './internals.js'
import { Joiners } from './joiners.js'
import { type BrokerLimits, defaultLimits } from './limits.js'
import type { ListenerOptions } from './listeners.js'
import { Reporter } from './reporter.js'
import { GuardedPersistence } from './storage.js'
import { Tally } from './tally.js'
import { ticketKeysBeside } from './tickets.js'

export interface BrokerOptions {
  /** SQLite file of retained messages and sessions; the key of TLS session tickets is beside it. */
  readonly file: string
  readonly listeners: readonly ListenerOptions[]
  /** Topic root that the access rules are about. */
  readonly root?: string
  /** Says who may come. Without it everybody may who reaches the broker, which nobody beyond this machine does. */
  readonly access?: Access
  readonly limits?: Partial<BrokerLimits>
  readonly log: Logger
  readonly clock?: Clock
}

export interface Parts {
  readonly listeners: readonly ListenerOptions[]
  readonly limits: BrokerLimits
  readonly log: Logger
  readonly clock: Clock
  readonly access: Access | undefined
  readonly tally: Tally
  readonly reporter: Reporter
  readonly guests: Guests
  readonly store: GuardedPersistence
  readonly door: Door
  readonly engine: Engine
  readonly entrance: Entrance
  readonly ticketKeys: () => Buffer
}

/** Throws `state.in-use` if another process has the file open. */
export function assemble({ clock = systemClock, root = defaultRoot, file, access, ...options }: BrokerOptions): Parts {
  const limits = { ...defaultLimits, ...options.limits }
  const log = options.log.child({ component: 'broker' })
  const tally = new Tally(log, clock)
  const guests = new Guests()
  const reporter = new Reporter({ tally, access, clock, log })
  // Each of them asks the others only once clients come.
  const store: GuardedPersistence = new GuardedPersistence(
    {
      file,
      limits,
      isData: topic => isDataTopic(root, topic),
      onDrop: (reason, source) => tally.drop(reason, source),
      onError: err => log.error({ err }, 'cannot write to disk'),
      now: () => clock.now(),
    },
    () => guard,
  )
  const common = { root, access, limits, clock, tally, reporter, guests, engine: () => engine }
  const sessionFits = (clientId: string) => store.hasSession(clientId) || store.count().sessions < limits.sessions
  const door = new Door({ ...common, joiners: new Joiners(limits, clock), sessionFits })
  const guard: Guard = new Guard({ ...common, door, filtersOf: clientId => store.filtersOf(clientId) })
  const engine: Engine = new Engine(store, new Fanout<Delivery>(), { ...guard.hooks(), ...engineOptions(limits) })
  engine.onSeat = (client, old) => door.seat(client, old)
  const entrance = new Entrance(limits, tally, clock)
  const ticketKeys = ticketKeysBeside(file, clock)
  return { listeners: options.listeners, limits, log, clock, access, tally, reporter, guests, store, door, engine, entrance, ticketKeys }
}

function engineOptions({ connectTimeoutMs, drainTimeoutMs, keepaliveS, unreleased }: BrokerLimits) {
  return {
    // Each run has its own: counters of messages start anew with it.
    id: randomBytes(8).toString('hex'),
    concurrency: 0,
    // Aedes' life signs to the other brokers of a cluster, and its search for wills of the dead among them, every 23 days: there is no cluster.
    heartbeatInterval: 500_000_000,
    connectTimeout: connectTimeoutMs,
    drainTimeout: drainTimeoutMs,
    keepaliveLimit: keepaliveS,
    maxInflightInbound: unreleased,
  }
}
