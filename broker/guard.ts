// The hooks of Aedes: who is let in, what each client may do, and how much may wait for it. All of them answer at once.
import type { AedesOptions, AuthenticateError, Client, PublishPacket, Subscription } from 'aedes'
import { isCommandTopic } from '../protocol/command-topics.js'
import { identify, may, type Principal } from './auth.js'
import { type Credentials, sameCredentials } from './credentials.js'
import type { Engine } from './engine.js'
import { type Connect, type Delivery, grantedQos, type Peer } from './internals.js'
import type { BrokerLimits } from './limits.js'
import { isFilter } from './store/filters.js'
import type { Filters } from './store/sessions.js'
import type { DropReason, Tally } from './tally.js'

export interface GuardParts {
  readonly root: string
  readonly credentials: Credentials | undefined
  readonly limits: BrokerLimits
  readonly tally: Tally
  /** Whether a client may have a persistent session: it has one, or there is room for one more. */
  readonly sessionFits: (clientId: string) => boolean
  /** The filters of a persistent session. */
  readonly filtersOf: (clientId: string) => Filters
  /** The engine that these hooks are for; it is made with them, so it is asked for later. */
  readonly engine: () => Engine
}

/** What is known of a connection before it says who it is. */
export interface Visit {
  readonly source: string
  /** Made inside the process. */
  readonly trusted: boolean
}

interface Refusal {
  /** Return code of the CONNACK (MQTT 3.2.2.3). */
  readonly returnCode: 2 | 3 | 4 | 5
  readonly reason: DropReason
}

const longestClientId = 256
const grantedFailure = null

type Hooks = Required<
  Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward' | 'published'>
>

export class Guard {
  readonly #parts: GuardParts
  readonly #visits = new WeakMap<object, Visit>()
  readonly #principals = new WeakMap<object, Principal>()
  readonly #refusals = new WeakMap<object, Refusal>()

  constructor(parts: GuardParts) {
    this.#parts = parts
  }

  /** Tells where a connection comes from, before Aedes gets it. */
  expect(connection: object, visit: Visit): void {
    this.#visits.set(connection, visit)
  }

  /** What to call a client in the log. */
  sourceOf(client: Client): string {
    return client.id || this.#visit(client).source
  }

  hooks(): Hooks {
    return {
      preConnect: (client, packet, callback) => {
        this.#connect(client, packet as Connect)
        callback(null, true)
      },
      authenticate: (client, _username, _password, done) => {
        const refusal = this.#refusals.get(client)
        if (refusal === undefined) return done(null, true)
        done(Object.assign(new Error(refusal.reason), { returnCode: refusal.returnCode }) as AuthenticateError, false)
      },
      authorizePublish: (client, packet, callback) => {
        if (client !== null) this.#publish(client as Peer, packet)
        callback(null)
      },
      authorizeSubscribe: (client, subscription, callback) => callback(null, this.#subscribe(client as Peer, subscription)),
      authorizeForward: (client, packet) => this.#forward(client as Peer, packet),
      published: (_packet, _client, callback) => callback(null),
    }
  }

  /** Whether a client's subscription holds: only then may messages be queued for it. */
  accepts(client: object, filter: string): boolean {
    const principal = this.#principals.get(client)
    return principal !== undefined && isFilter(filter) && may(principal, 'subscribe', filter)
  }

  #connect(client: Client, packet: Connect): void {
    const { keepaliveS } = this.#parts.limits
    packet.keepalive = packet.keepalive === 0 ? keepaliveS : Math.min(packet.keepalive, keepaliveS)
    const { trusted, source } = this.#visit(client)
    const principal = identify(packet.clientId, this.#parts.root, trusted)
    const refusal = this.#refuse(packet, principal)
    if (refusal === undefined) this.#principals.set(client, principal)
    else {
      this.#refusals.set(client, refusal)
      this.#parts.tally.drop(refusal.reason, source, { client: packet.clientId.slice(0, longestClientId) })
    }
  }

  #refuse(packet: Connect, principal: Principal): Refusal | undefined {
    const { clientId, clean, will } = packet
    const trusted = principal.kind === 'manager'
    const { credentials } = this.#parts
    if (!trusted && credentials !== undefined && !sameCredentials(credentials, packet.username, packet.password)) {
      return { returnCode: 4, reason: 'credentials-wrong' }
    }
    // MQTT 3.1.3.1: without an id there is nothing that a session could be kept under.
    if (clientId === '' && !clean) return { returnCode: 2, reason: 'id-refused' }
    if (clientId.length > longestClientId || clientId.includes('\u0000')) return { returnCode: 2, reason: 'id-refused' }
    const holder = this.#parts.engine().peers[clientId]
    if (holder !== undefined && !trusted && this.#visit(holder).trusted) return { returnCode: 2, reason: 'id-refused' }
    if (will !== undefined && !(isTopicName(will.topic) && may(principal, 'will', will.topic))) {
      return { returnCode: 5, reason: 'will-denied' }
    }
    return clean || this.#parts.sessionFits(clientId) ? undefined : { returnCode: 3, reason: 'sessions-full' }
  }

  /** A will has been checked at CONNECT. Aedes takes QoS 1 for QoS 0 from here on; the engine knows better. */
  #publish(client: Peer, packet: PublishPacket): void {
    if (packet === client.will) return
    const principal = this.#principals.get(client)
    const allowed = principal !== undefined && may(principal, 'publish', packet.topic)
    if (!allowed) this.#parts.tally.drop('publish-denied', client.id, { topic: packet.topic.slice(0, longestClientId) })
    if (packet.qos !== 1 && allowed) return
    this.#parts.engine().treat(packet, { allowed, acknowledge: packet.qos === 1 ? packet.messageId : undefined })
    if (packet.qos === 1) packet.qos = 0
  }

  /** Null is answered with SUBACK 0x80. */
  #subscribe(client: Peer, subscription: Subscription): Subscription | null {
    const { topic } = subscription
    const { limits, tally } = this.#parts
    if (!this.accepts(client, topic)) {
      tally.drop('subscribe-denied', client.id, { filter: topic.slice(0, longestClientId) })
      return grantedFailure
    }
    if (this.#isFull(client, topic, limits.subscriptions)) {
      tally.drop('subscriptions-full', client.id)
      return grantedFailure
    }
    return subscription
  }

  /** Of a persistent session the store is the first to know: Aedes adds its subscriptions only when they are on disk. */
  #isFull(client: Peer, filter: string, most: number): boolean {
    if (client.clean) return client.subscriptions[filter] === undefined && countUpTo(client.subscriptions, most) >= most
    const filters = this.#parts.filtersOf(client.id)
    return !filters.has(filter) && filters.size >= most
  }

  #forward(client: Peer, packet: Delivery): Delivery | null {
    // A number means that it comes from the client's queue, one by one as the client takes them: always room.
    if (packet.messageId === undefined && client.conn.writableLength > this.#outputBytes(client)) {
      this.#overflow(client, packet)
      return null
    }
    // Aedes lowers the QoS only for filters without wildcards.
    const lowered: Delivery = packet.qos === 2 && grantedQos(client, packet.topic) === 1 ? { ...packet, qos: 1 } : packet
    return this.#isStale(client, packet) ? { ...lowered, retain: true } : lowered
  }

  /** A command with the retain flag: the manager is to see the flag although it has subscribed before. */
  #isStale(client: Peer, { topic }: Delivery): boolean {
    if (!this.#parts.engine().retaining || this.#principals.get(client)?.kind !== 'manager') return false
    return isCommandTopic(this.#parts.root, topic)
  }

  #outputBytes(client: Peer): number {
    const { outputBytes, managerOutputBytes } = this.#parts.limits
    return this.#principals.get(client)?.kind === 'manager' ? managerOutputBytes : outputBytes
  }

  /** QoS 0 may be lost. What may not be lost is not: a persistent session gets it when it is back, and a clean one has ended. */
  #overflow(client: Peer, packet: Delivery): void {
    this.#parts.tally.drop(packet.qos === 0 ? 'output-full' : 'subscriber-slow', client.id)
    if (packet.qos > 0) client.conn.destroy()
  }

  #visit(client: Client): Visit {
    return this.#visits.get(client.conn) ?? { source: 'unknown', trusted: false }
  }
}

function isTopicName(topic: string): boolean {
  return topic !== '' && !/[+#]/.test(topic)
}

function countUpTo(record: object, most: number): number {
  let count = 0
  for (const _ in record) if (++count >= most) break
  return count
}
