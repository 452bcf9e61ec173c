// The persistence as Aedes gets it: it keeps no subscription that was denied and no payload twice.
import type { Client } from 'aedes'
import type { Guard } from './guard.js'
import type { StoreClient, StoreOptions } from './store/options.js'
import type { Packet } from './store/packet.js'
import { Persistence } from './store/persistence.js'
import type { Subscription } from './store/sessions.js'

export class GuardedPersistence extends Persistence {
  readonly #guard: () => Guard
  readonly #storing = new WeakMap<readonly Subscription[], Promise<void>>()

  constructor(options: StoreOptions, guard: () => Guard) {
    super(options)
    this.#guard = guard
  }

  /** Aedes hands over the whole list of a SUBSCRIBE once for each of its filters, the denied ones too. */
  override addSubscriptions(client: StoreClient, subscriptions: readonly Subscription[]): Promise<void> {
    const before = this.#storing.get(subscriptions)
    if (before !== undefined) return before
    const guard = this.#guard()
    const stored = super.addSubscriptions(
      client,
      subscriptions.filter(({ topic }) => guard.accepts(client as Client, topic)),
    )
    this.#storing.set(subscriptions, stored)
    return stored
  }

  /** Only the number is needed again: Aedes publishes a QoS 2 message at its PUBLISH. */
  override incomingStorePacket(client: StoreClient, packet: Packet): Promise<void> {
    return super.incomingStorePacket(client, { ...packet, payload: Buffer.alloc(0) })
  }
}
