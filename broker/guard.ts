// The hooks of Aedes: what each client may do, and how much may wait for it. All of them but the log-in answer at once.
import type { AedesOptions, Client, PublishPacket, Subscription } from 'aedes'
import type { Clock } from '../protocol/clock.js'
import { formatSenderTopic, hasSender, type Sender } from '../protocol/command-topics.js'
import { isTooLargeData } from '../protocol/data-topics.js'
import { may, type Principal } from './auth.js'
import type { Door } from './door.js'
import type { Engine } from './engine.js'
import type { Guests } from './guests.js'
import { type Connect, type Delivery, grantedQos, type Peer } from './internals.js'
import type { BrokerLimits } from './limits.js'
import { type Bucket, take } from './rate.js'
import type { Reporter } from './reporter.js'
import { isFilter } from './store/filters.js'
import type { Filters } from './store/sessions.js'
import type { DropReason, Tally } from './tally.js'

export interface GuardParts {
  readonly root: string
  readonly limits: BrokerLimits
  readonly clock: Clock
  readonly tally: Tally
  readonly reporter: Reporter
  readonly guests: Guests
  readonly door: Door
  /** The filters of a persistent session. */
  readonly filtersOf: (clientId: string) => Filters
  /** The engine that these hooks are for; it is made with them, so it is asked for later. */
  readonly engine: () => Engine
}

const longestName = 256
const grantedFailure = null

type Hooks = Required<
  Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward' | 'published'>
>

export class Guard {
  readonly #parts: GuardParts
  /** What devices that are not in the fleet yet, or no longer, may still publish. */
  readonly #allowances = new WeakMap<Client, Bucket>()

  constructor(parts: GuardParts) {
    this.#parts = parts
  }

  hooks(): Hooks {
    const { door } = this.#parts
    return {
      preConnect: (client, packet, callback) => {
        door.receive(client, packet as Connect)
        callback(null, true)
      },
      authenticate: (client, _username, _password, done) => door.authenticate(client, done),
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
  accepts(client: Client, filter: string): boolean {
    const principal = this.#principal(client)
    return principal !== undefined && isFilter(filter) && may(principal, 'subscribe', filter)
  }

  /** A will has been checked at CONNECT. Aedes takes QoS 1 for QoS 0 from here on; the engine knows better. */
  #publish(client: Peer, packet: PublishPacket): void {
    if (packet === client.will) return
    const principal = this.#principal(client)
    const mayPublish = principal !== undefined && may(principal, 'publish', packet.topic)
    const allowed = mayPublish && !isTooLargeData(this.#parts.root, packet.topic, packet.payload)
    if (!allowed) this.#refuse(mayPublish ? 'publish-too-large' : 'publish-denied', client, packet.topic)
    else if (!this.#isPatient(client, principal)) {
      this.#refuse('publish-rate', client, packet.topic)
      client.conn.destroy()
    }
    const keep = allowed && packet.retain && may(principal, 'retain', packet.topic)
    this.#parts.engine().treat(packet, { allowed, keep, acknowledge: packet.qos === 1 ? packet.messageId : undefined })
    if (packet.qos === 1) packet.qos = 0
  }

  /** Whoever has a key of his own making may ask to join: not as often as he likes. */
  #isPatient(client: Client, { kind }: Principal): boolean {
    if (kind !== 'joiner' && kind !== 'lapsed') return true
    const { limits, clock } = this.#parts
    const after = take(this.#allowances.get(client), limits.strangerPublishRate, clock.monotonic())
    if (after !== undefined) this.#allowances.set(client, after)
    return after !== undefined
  }

  /** Null is answered with SUBACK 0x80. */
  #subscribe(client: Peer, subscription: Subscription): Subscription | null {
    const { topic } = subscription
    if (!this.accepts(client, topic)) {
      this.#refuse('subscribe-denied', client, topic)
      return grantedFailure
    }
    if (this.#isFull(client, topic, this.#parts.limits.subscriptions)) {
      this.#refuse('subscriptions-full', client, topic)
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
    const principal = this.#principal(client)
    if (principal === undefined || !this.#mayHear(principal, packet.topic)) return null
    // A number means that it comes from the client's queue, one by one as the client takes them: always room.
    if (packet.messageId === undefined && client.conn.writableLength > this.#outputBytes(principal)) {
      this.#overflow(client, packet)
      return null
    }
    // Aedes lowers the QoS only for filters without wildcards.
    const lowered: Delivery = packet.qos === 2 && grantedQos(client, packet.topic) === 1 ? { ...packet, qos: 1 } : packet
    return principal.kind === 'manager' && hasSender(this.#parts.root, packet.topic) ? this.#addressed(lowered) : lowered
  }

  /** Groups and scopes are live: what was granted may be so no longer. */
  #mayHear(principal: Principal, topic: string): boolean {
    return principal.kind === 'manager' || principal.kind === 'operator' || may(principal, 'subscribe', topic)
  }

  /** A command or a permit as the manager is to get it: with its sender, and with the retain flag as it was sent although the manager has subscribed before. */
  #addressed(packet: Delivery): Delivery {
    const { publisher, retaining } = this.#parts.engine()
    const retain = packet.retain || retaining
    if (publisher === null) return { ...packet, retain }
    return { ...packet, retain, topic: formatSenderTopic(this.#parts.root, this.#senderOf(publisher), packet.topic) }
  }

  #senderOf(client: Client): Sender {
    const { guests } = this.#parts
    const principal = guests.authorOf(client)
    const { address } = guests.visitOf(client)
    return principal?.kind === 'user' ? { user: principal.user.name, address } : { address }
  }

  #outputBytes({ kind }: Principal): number {
    const { outputBytes, managerOutputBytes } = this.#parts.limits
    return kind === 'manager' ? managerOutputBytes : outputBytes
  }

  /** QoS 0 may be lost. What may not be lost is not: a persistent session gets it when it is back, and a clean one has ended. */
  #overflow(client: Peer, packet: Delivery): void {
    this.#parts.tally.drop(packet.qos === 0 ? 'output-full' : 'subscriber-slow', this.#parts.guests.nameOf(client))
    if (packet.qos > 0) client.conn.destroy()
  }

  #principal(client: Client): Principal | undefined {
    return this.#parts.guests.principalOf(client)
  }

  #refuse(reason: DropReason, client: Client, topic: string): void {
    const { guests, reporter } = this.#parts
    const who = guests.nameOf(client)
    reporter.refuse(reason, { source: who, who, address: guests.visitOf(client).address }, topic.slice(0, longestName))
  }
}

function countUpTo(record: object, most: number): number {
  let count = 0
  for (const _ in record) if (++count >= most) break
  return count
}
