// The MQTT broker as a part: started with plain options, stopped without a trace on the fleet.
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Client } from 'aedes'
import { SkerryError } from '../protocol/errors.js'
import { deviceOfClientId } from '../protocol/topics.js'
import { assemble, type BrokerOptions, type Parts } from './assemble.js'
import { faultOf } from './faults.js'
import { limitFrames, type Sluice } from './frames.js'
import { gatherFirst } from './gather.js'
import type { Visit } from './guests.js'
import { type Arrival, type BrokerAddress, isLoopback, type Listener, type ListenerOptions, listen } from './listeners.js'
import { makePair } from './pair.js'
import { startReviews } from './review.js'
import type { DropReason } from './tally.js'
import { checkMaterial, type TlsMaterial } from './tls.js'

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
function refuseInsecure({ listeners, access }: BrokerOptions): void {
  const open = access === undefined ? listeners.find(({ host }) => !isLoopback(host)) : undefined
  if (open === undefined) return
  throw new SkerryError('listener.insecure', `${open.host} is reachable from other machines, and this broker asks nobody who he is`)
}

export class Broker {
  readonly #parts: Parts
  #listeners: readonly Listener[] = []
  #cancelGraces: readonly (() => void)[] = []
  #cancelExpiry = (): void => {}
  #stopReviews = (): void => {}
  readonly #sluices = new WeakMap<object, Sluice>()
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
    const { access } = this.#parts
    if (access !== undefined) this.#stopReviews = startReviews({ ...this.#parts, access })
    this.#expireSessions()
    // Nobody is to hear first what a client said that ended with the run before: `state/manager` would be 1.
    this.#publishLeftWills(clientId => this.#parts.door.wasInProcess(clientId))
    this.#awaitReturns()
    for (const listener of this.#parts.listeners) this.#listeners = [...this.#listeners, await this.#listen(listener)]
    this.#warnOfPlain()
    this.#parts.log.info({ addresses: this.addresses, ...this.#parts.store.count() }, 'started')
  }

  /** The manager's connection: trusted, and not limited in rate. */
  connectInProcess(): Duplex {
    const [near, far] = makePair()
    this.#enter(far, { address: 'in-process', trusted: true, secure: true })
    return near
  }

  /** The certificate for handshakes from now on, on every listener with TLS. No connection ends. Throws, and changes nothing, if it is none. */
  replaceTls(material: TlsMaterial): void {
    checkMaterial(material)
    for (const listener of this.#listeners) listener.replaceTls(material)
    this.#parts.log.info('certificate replaced')
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
    for (const cancel of this.#cancelGraces) cancel()
    this.#cancelExpiry()
    this.#stopReviews()
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
    const { entrance, tally, limits, ticketKeys } = this.#parts
    return listen(options, {
      admits: (socket, arrival) => entrance.admits(socket, arrival),
      enter: (connection, arrival) => this.#arrive(connection, arrival),
      onTlsFault: address => tally.drop('tls-fault', address),
      frameBytes: limits.frameBytes,
      timeoutMs: limits.connectTimeoutMs,
      ticketKeys: ticketKeys(),
    })
  }

  #arrive(connection: Duplex, { socket, ...arrival }: Arrival): void {
    this.#enter(connection, { ...arrival, trusted: false }, () => this.#parts.entrance.settle(socket))
  }

  #enter(connection: Duplex, visit: Visit, letIn: () => void = () => {}): void {
    const { entrance, limits, tally, guests, engine } = this.#parts
    entrance.enter(connection)
    const sluice = limitFrames(connection, limits, fault => tally.drop(fault, visit.address))
    this.#sluices.set(connection, {
      open: wider => {
        letIn()
        sluice.open(wider)
      },
    })
    guests.expect(connection, visit)
    engine.accept(connection)
  }

  /** Devices that are not in the fleet have little to say. */
  #open(client: Client): void {
    const { limits, guests } = this.#parts
    const kind = guests.principalOf(client)?.kind
    const isStranger = kind === 'joiner' || kind === 'lapsed'
    this.#sluices.get(client.conn)?.open(isStranger ? { ...limits, frameBytes: limits.strangerFrameBytes } : limits)
  }

  #warnOfPlain(): void {
    if (this.#parts.access === undefined) return
    const plain = this.addresses.filter(({ tls }) => !tls)
    if (plain.length > 0) this.#parts.log.warn({ addresses: plain }, 'passwords and commands can be read on the way: no TLS')
  }

  #observe(): void {
    const seen = (client: Client): void => {
      if (!client.clean) this.#parts.store.seen(client.id)
    }
    // Before its CONNACK.
    this.#parts.engine.on('client', client => {
      if (this.#parts.guests.principalOf(client)?.kind === 'device') gatherFirst(client.conn)
    })
    this.#parts.engine.on('clientReady', seen)
    this.#parts.engine.on('clientReady', client => this.#open(client))
    this.#parts.engine.on('clientDisconnect', seen)
    const failed = (client: Client, error: Error): void => {
      const reason = faultOf(error)
      if (reason !== undefined) this.#parts.tally.drop(reason, this.#parts.guests.nameOf(client), { cause: error.message.slice(0, 200) })
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
    this.#renewTicketKeys()
    this.#cancelExpiry = this.#parts.clock.after(expiryCheckMs, () => this.#expireSessions())
  }

  #renewTicketKeys(): void {
    try {
      const keys = this.#parts.ticketKeys()
      for (const listener of this.#listeners) listener.replaceTicketKeys(keys)
    } catch (err) {
      this.#parts.log.error({ err }, 'cannot renew the key of session tickets')
    }
  }

  #awaitReturns(): void {
    const { clock, limits } = this.#parts
    this.#cancelGraces = [
      clock.after(limits.willGraceMs, () => this.#publishLeftWills(clientId => deviceOfClientId(clientId) === undefined)),
      clock.after(limits.deviceWillGraceMs, () => this.#publishLeftWills(() => true)),
    ]
  }

  /** What a broker that was killed could not say: who was connected then and has not come back by now. */
  #publishLeftWills(isDue: (clientId: string) => boolean): void {
    const left = this.#parts.store.leftWills().filter(({ clientId = '' }) => isDue(clientId))
    for (const { clientId = '', topic, payload, qos, retain } of left) {
      if (this.#parts.door.mayStillSay(clientId, topic)) {
        this.#parts.engine.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, () => {})
      }
      void this.#parts.store.delWill({ id: clientId })
    }
    if (left.length > 0) this.#parts.log.info({ wills: left.length }, 'wills of an earlier run published')
  }
}
