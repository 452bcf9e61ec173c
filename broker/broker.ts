// The MQTT broker as a part: started with plain options, stopped without a trace on the fleet.
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Client } from 'aedes'
import { SkerryError } from '../protocol/errors.js'
import { assemble, type BrokerOptions, type Parts } from './assemble.js'
import { faultOf } from './faults.js'
import { limitFrames } from './frames.js'
import type { Visit } from './guard.js'
import { type BrokerAddress, isLoopback, type Listener, type ListenerOptions, listen } from './listeners.js'
import { makePair } from './pair.js'
import type { DropReason } from './tally.js'

export type { BrokerOptions } from './assemble.js'

export interface BrokerStats {
  readonly connections: number
  /** Persistent ones, of connected and absent clients. */
  readonly sessions: number
  readonly retained: number
  readonly retainedBytes: number
  /** Messages on their way to persistent sessions. */
  readonly queued: number
  readonly queuedBytes: number
  readonly publishes: number
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
}

const expiryCheckMs = 10 * 60 * 1000

/** Throws `listener.insecure`, `port.in-use` or `state.in-use`; nothing is left open then. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  refuseInsecure(options)
  const broker = new Broker(assemble(options))
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
  readonly #parts: Parts
  #listeners: readonly Listener[] = []
  #cancelGrace = (): void => {}
  #cancelExpiry = (): void => {}
  #stopped: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get addresses(): readonly BrokerAddress[] {
    return this.#listeners.map(({ address }) => address)
  }

  async start(): Promise<void> {
    await this.#parts.engine.listen()
    this.#observe()
    this.#expireSessions()
    this.#cancelGrace = this.#parts.clock.after(this.#parts.limits.willGraceMs, () => this.#publishLeftWills())
    for (const listener of this.#parts.listeners) this.#listeners = [...this.#listeners, await this.#listen(listener)]
    this.#parts.log.info({ addresses: this.addresses, ...this.#parts.store.count() }, 'started')
  }

  /** The manager's connection: trusted, and not limited in rate. */
  connectInProcess(): Duplex {
    const [near, far] = makePair()
    this.#enter(far, { source: 'in-process', trusted: true })
    return near
  }

  stats(): BrokerStats {
    return {
      connections: this.#parts.entrance.size,
      publishes: this.#parts.engine.publishes,
      dropped: this.#parts.tally.counts(),
      ...this.#parts.store.count(),
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
    this.#parts.engine.hush()
    this.#parts.store.flush()
    await this.#parts.entrance.close()
    for (const listener of this.#listeners) listener.cut()
    await new Promise<void>(resolve => this.#parts.engine.close(resolve))
    await this.#parts.store.destroy()
    this.#parts.log.info('stopped')
  }

  #listen(options: ListenerOptions): Promise<Listener> {
    return listen(options, {
      admits: address => this.#parts.entrance.admits(address),
      enter: (connection, source) => this.#enter(connection, { source, trusted: false }),
      onTlsFault: address => this.#parts.tally.drop('tls-fault', address),
      frameBytes: this.#parts.limits.frameBytes,
      timeoutMs: this.#parts.limits.connectTimeoutMs,
    })
  }

  #enter(connection: Duplex, visit: Visit): void {
    this.#parts.entrance.enter(connection)
    limitFrames(connection, this.#parts.limits, fault => this.#parts.tally.drop(fault, visit.source))
    this.#parts.guard.expect(connection, visit)
    this.#parts.engine.accept(connection)
  }

  #observe(): void {
    const seen = (client: Client): void => {
      if (!client.clean) this.#parts.store.seen(client.id)
    }
    this.#parts.engine.on('clientReady', seen)
    this.#parts.engine.on('clientDisconnect', seen)
    const failed = (client: Client, error: Error): void => {
      const reason = faultOf(error)
      if (reason !== undefined) this.#parts.tally.drop(reason, this.#parts.guard.sourceOf(client), { cause: error.message.slice(0, 200) })
    }
    this.#parts.engine.on('clientError', failed)
    this.#parts.engine.on('connectionError', failed)
    const emitter: EventEmitter = this.#parts.engine
    emitter.on('error', (err: unknown) => this.#parts.log.error({ err }, 'engine failed'))
  }

  #expireSessions(): void {
    const before = this.#parts.clock.now() - this.#parts.limits.sessionExpiryMs
    const expired = this.#parts.store.expire(before, client => this.#parts.engine.peers[client] !== undefined)
    if (expired > 0) this.#parts.log.info({ expired }, 'sessions expired')
    this.#cancelExpiry = this.#parts.clock.after(expiryCheckMs, () => this.#expireSessions())
  }

  /** What a broker that was killed could not say: who was connected then and has not come back by now. */
  #publishLeftWills(): void {
    const left = this.#parts.store.leftWills()
    for (const { clientId = '', topic, payload, qos, retain } of left) {
      this.#parts.engine.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, () => {})
      void this.#parts.store.delWill({ id: clientId })
    }
    if (left.length > 0) this.#parts.log.info({ wills: left.length }, 'wills of an earlier run published')
  }
}
