// Makes the parts of a broker and joins them. The database is open when this returns; nothing runs or listens yet.
import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../protocol/clock.js'
import { defaultRoot } from '../protocol/topics.js'
import type { Credentials } from './credentials.js'
import { Engine } from './engine.js'
import { Entrance } from './entrance.js'
import { Fanout } from './fanout.js'
import { Guard } from './guard.js'
import type { Delivery } from './internals.js'
import { type BrokerLimits, defaultLimits } from './limits.js'
import type { ListenerOptions } from './listeners.js'
import { GuardedPersistence } from './storage.js'
import { Tally } from './tally.js'

export interface BrokerOptions {
  /** SQLite file of retained messages and sessions. */
  readonly file: string
  readonly listeners: readonly ListenerOptions[]
  /** Topic root that the access rules of devices are about. */
  readonly root?: string
  /** Wanted of every client that does not come from inside the process. */
  readonly credentials?: Credentials
  readonly limits?: Partial<BrokerLimits>
  readonly log: Logger
  readonly clock?: Clock
}

export interface Parts {
  readonly listeners: readonly ListenerOptions[]
  readonly limits: BrokerLimits
  readonly log: Logger
  readonly clock: Clock
  readonly tally: Tally
  readonly store: GuardedPersistence
  readonly guard: Guard
  readonly engine: Engine
  readonly entrance: Entrance
}

/** Throws `state.in-use` if another process has the file open. */
export function assemble({ clock = systemClock, ...options }: BrokerOptions): Parts {
  const limits = { ...defaultLimits, ...options.limits }
  const log = options.log.child({ component: 'broker' })
  const tally = new Tally(log)
  // Each of the three asks the next only once clients come.
  const store: GuardedPersistence = new GuardedPersistence(
    {
      file: options.file,
      limits,
      onDrop: (reason, source) => tally.drop(reason, source),
      onError: err => log.error({ err }, 'cannot write to disk'),
      now: () => clock.now(),
    },
    () => guard,
  )
  const guard: Guard = new Guard({
    root: options.root ?? defaultRoot,
    credentials: options.credentials,
    limits,
    tally,
    sessionFits: clientId => store.hasSession(clientId) || store.count().sessions < limits.sessions,
    filtersOf: clientId => store.filtersOf(clientId),
    engine: () => engine,
  })
  const engine = new Engine(store, new Fanout<Delivery>(), { ...guard.hooks(), ...engineOptions(limits) })
  return { listeners: options.listeners, limits, log, clock, tally, store, guard, engine, entrance: new Entrance(limits, tally, clock) }
}

function engineOptions({ connectTimeoutMs, drainTimeoutMs, keepaliveS, burstPackets, unreleased }: BrokerLimits) {
  return {
    // Each run has its own: counters of messages start anew with it.
    id: randomBytes(8).toString('hex'),
    concurrency: 0,
    // Aedes' life signs to the other brokers of a cluster, and its search for wills of the dead among them, every 23 days: there is no cluster.
    heartbeatInterval: 500_000_000,
    connectTimeout: connectTimeoutMs,
    drainTimeout: drainTimeoutMs,
    keepaliveLimit: keepaliveS,
    queueLimit: burstPackets,
    maxInflightInbound: unreleased,
  }
}
