// The MQTT broker as a part: started with plain options, stopped without a trace on the fleet.
import { randomBytes } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Client } from 'aedes'
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../protocol/clock.js'
import { SkerryError } from '../protocol/errors.js'
import { defaultRoot } from '../protocol/topics.js'
import type { Credentials } from './credentials.js'
import { Engine } from './engine.js'
import { Entrance } from './entrance.js'
import { Fanout } from './fanout.js'
import { faultOf } from './faults.js'
import { limitFrames } from './frames.js'
import { Guard } from './guard.js'
import type { Delivery } from './internals.js'
import { type BrokerLimits, defaultLimits } from './limits.js'
import { type BrokerAddress, isLoopback, type Listener, type ListenerOptions, listen } from './listeners.js'
import { makePair } from './pair.js'
import { GuardedPersistence } from './storage.js'
import { type DropReason, Tally } from './tally.js'

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

export interface BrokerStats {
  readonly connections: number
  readonly sessions: number
  readonly retained: number
  readonly retainedBytes: number
  readonly queued: number
  readonly queuedBytes: number
  readonly publishes: number
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
}

const expiryCheckMs = 10 * 60 * 1000

/** Throws `listener.insecure`, `port.in-use` or `state.in-use`; nothing is left open then. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  refuseInsecure(options)
  const broker = new Broker(options)
  try {
    await broker.start()
    return broker
  } catch (error) {
    await broker.stop()
    throw error
  }
}

/** Nothing listens beyond this machine to whoever comes. */
function refuseInsecure({ listeners, credentials }: BrokerOptions): void {
  const open = credentials === undefined ? listeners.find(({ host }) => !isLoopback(host)) : undefined
  if (open === undefined) return
  throw new SkerryError('listener.insecure', `${open.host} is reachable from other machines: set a user name and a password first`)
}

export class Broker {
  readonly #options: BrokerOptions
  readonly #limits: BrokerLimits
  readonly #log: Logger
  readonly #clock: Clock
  readonly #tally: Tally
  readonly #store: GuardedPersistence
  readonly #guard: Guard
  readonly #engine: Engine
  readonly #entrance: Entrance
  #listeners: readonly Listener[] = []
  #cancelGrace = (): void => {}
  #cancelExpiry = (): void => {}
  #stopped: Promise<void> | undefined

  constructor(options: BrokerOptions) {
    const limits = { ...defaultLimits, ...options.limits }
    this.#options = options
    this.#limits = limits
    this.#log = options.log.child({ component: 'broker' })
    this.#clock = options.clock ?? systemClock
    this.#tally = new Tally(this.#log)
    this.#entrance = new Entrance(limits, this.#tally, this.#clock)
    this.#store = this.#makeStore()
    this.#guard = this.#makeGuard()
    this.#engine = this.#makeEngine()
  }

  get addresses(): readonly BrokerAddress[] {
    return this.#listeners.map(({ address }) => address)
  }

  async start(): Promise<void> {
    await this.#engine.listen()
    this.#observe()
    this.#expireSessions()
    this.#cancelGrace = this.#clock.after(this.#limits.willGraceMs, () => this.#publishLeftWills())
    for (const listener of this.#options.listeners) this.#listeners = [...this.#listeners, await this.#listen(listener)]
    this.#log.info({ addresses: this.addresses, ...this.#store.count() }, 'started')
  }

  /** The manager's connection: trusted, and not limited in rate. */
  connectInProcess(): Duplex {
    const [near, far] = makePair()
    this.#enter(far, { source: 'in-process', trusted: true })
    return near
  }

  stats(): BrokerStats {
    return {
      connections: this.#entrance.size,
      publishes: this.#engine.publishes,
      dropped: this.#tally.counts(),
      ...this.#store.count(),
    }
  }

  /** Says nothing of its clients to anybody: their wills stay stored, to be published by the next run for those who do not come back. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#cancelGrace()
    this.#cancelExpiry()
    for (const listener of this.#listeners) listener.close()
    this.#engine.hush()
    this.#store.flush()
    await this.#entrance.close()
    for (const listener of this.#listeners) listener.cut()
    await new Promise<void>(resolve => this.#engine.close(resolve))
    await this.#store.destroy()
    this.#log.info('stopped')
  }

  #makeStore(): GuardedPersistence {
    const { file } = this.#options
    return new GuardedPersistence(
      {
        file,
        limits: this.#limits,
        onDrop: (reason, source) => this.#tally.drop(reason, source),
        onError: err => this.#log.error({ err }, 'cannot write to disk'),
        now: () => this.#clock.now(),
      },
      () => this.#guard,
    )
  }

  #makeGuard(): Guard {
    const { root = defaultRoot, credentials } = this.#options
    return new Guard({
      root,
      credentials,
      limits: this.#limits,
      tally: this.#tally,
      sessionFits: clientId => this.#store.hasSession(clientId) || this.#store.count().sessions < this.#limits.sessions,
      filtersOf: clientId => this.#store.filtersOf(clientId),
      engine: () => this.#engine,
    })
  }

  #makeEngine(): Engine {
    const { connectTimeoutMs, drainTimeoutMs, keepaliveS, burstPackets, unreleased } = this.#limits
    return new Engine(this.#store, new Fanout<Delivery>(), {
      ...this.#guard.hooks(),
      // Each run has its own: counters of messages start anew with it.
      id: randomBytes(8).toString('hex'),
      concurrency: 0,
      // Aedes' life signs to the other brokers of a cluster, and its search for wills of the dead among them: there is no cluster.
      heartbeatInterval: 500_000_000,
      connectTimeout: connectTimeoutMs,
      drainTimeout: drainTimeoutMs,
      keepaliveLimit: keepaliveS,
      queueLimit: burstPackets,
      maxInflightInbound: unreleased,
    })
  }

  #listen(options: ListenerOptions): Promise<Listener> {
    return listen(options, {
      admits: address => this.#entrance.admits(address),
      enter: (connection, source) => this.#enter(connection, { source, trusted: false }),
      onTlsFault: address => this.#tally.drop('tls-fault', address),
      frameBytes: this.#limits.frameBytes,
      timeoutMs: this.#limits.connectTimeoutMs,
    })
  }

  #enter(connection: Duplex, visit: { readonly source: string; readonly trusted: boolean }): void {
    this.#entrance.enter(connection)
    limitFrames(connection, this.#limits, fault => this.#tally.drop(fault, visit.source))
    this.#guard.expect(connection, visit)
    this.#engine.accept(connection)
  }

  #observe(): void {
    const seen = (client: Client): void => {
      if (!client.clean) this.#store.seen(client.id)
    }
    this.#engine.on('clientReady', seen)
    this.#engine.on('clientDisconnect', seen)
    const failed = (client: Client, error: Error): void => {
      const reason = faultOf(error)
      if (reason !== undefined) this.#tally.drop(reason, this.#guard.sourceOf(client), { cause: error.message.slice(0, 200) })
    }
    this.#engine.on('clientError', failed)
    this.#engine.on('connectionError', failed)
    const emitter: EventEmitter = this.#engine
    emitter.on('error', (err: unknown) => this.#log.error({ err }, 'engine failed'))
  }

  #expireSessions(): void {
    const before = this.#clock.now() - this.#limits.sessionExpiryMs
    const expired = this.#store.expire(before, client => this.#engine.peers[client] !== undefined)
    if (expired > 0) this.#log.info({ expired }, 'sessions expired')
    this.#cancelExpiry = this.#clock.after(expiryCheckMs, () => this.#expireSessions())
  }

  /** What a broker that was killed could not say: who was connected then and has not come back by now. */
  #publishLeftWills(): void {
    const left = this.#store.leftWills()
    for (const { clientId = '', topic, payload, qos, retain } of left) {
      this.#engine.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, () => {})
      void this.#store.delWill({ id: clientId })
    }
    if (left.length > 0) this.#log.info({ wills: left.length }, 'wills of an earlier run published')
  }
}
