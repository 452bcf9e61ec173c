// What Aedes 1.2.0 has but does not declare. To be read again, with its sources, whenever Aedes is upgraded.
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { AedesPublishPacket, Client, ConnectPacket, PublishPacket } from 'aedes'
import { matches } from './store/filters.js'

/** The broker's side of one connection. */
export interface Peer extends Client {
  /** Published when the connection ends without DISCONNECT; null suppresses that and leaves the stored copy alone. */
  will: PublishPacket | null
  readonly subscriptions: Readonly<Record<string, { readonly qos: 0 | 1 | 2 }>>
  readonly conn: Duplex
  /** Gives each packet to its `packet` listeners. */
  readonly _parser: EventEmitter
  /** What subscriptions of QoS 0, and of QoS 1 and 2, deliver with. */
  deliver0: Deliver
  readonly deliverQoS: Deliver
}

type Deliver = (packet: Delivery, done: () => void) => void

/** The best QoS that the client's subscriptions to this topic grant. */
export function grantedQos({ subscriptions }: Peer, topic: string): 0 | 1 | 2 {
  let granted: 0 | 1 | 2 = 0
  for (const [filter, { qos }] of Object.entries(subscriptions)) if (qos > granted && matches(filter, topic)) granted = qos
  return granted
}

/** Members of the class Aedes. */
export interface Inner {
  counter: number
  readonly clients: Readonly<Record<string, Peer>>
  registerClient(client: Peer): void
}

/** A CONNECT as mqtt-packet parses it. */
export type Connect = ConnectPacket & { keepalive: number; clean: boolean }

/** What a subscriber's deliver function is called with; Aedes copies it for each of them. */
export type Delivery = AedesPublishPacket & { clientId?: string }
