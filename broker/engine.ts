// Aedes with its publish path and its take-over replaced. Why wills differ from the standard: docs/decisions/0004-wills-and-takeover.md.
import type { Duplex } from 'node:stream'
import { Aedes, type AedesOptions, type Client, type PublishPacket } from 'aedes'
import { writeToStream } from 'mqtt-packet'
import { deviceOfClientId } from '../protocol/topics.js'
import type { Fanout } from './fanout.js'
import { type Delivery, grantedQos, type Inner, type Peer } from './internals.js'
import { refuseUnnumbered } from './numbers.js'
import type { Packet } from './store/packet.js'
import type { Persistence } from './store/persistence.js'

type Done = (error?: Error) => void

/** How a client's PUBLISH is to be treated, as the guard decided before Aedes went on with it. */
export interface Handling {
  readonly allowed: boolean
  /** Whether it is retained if it asks to be. */
  readonly keep: boolean
  /** The number to acknowledge with a PUBACK. Aedes must not do it, and does not for what it takes for QoS 0. */
  readonly acknowledge?: number | undefined
}

const aedesPrototype = Aedes.prototype as unknown as Inner
/** As in Aedes, whose own matchers throw beyond it. */
const mostLevels = 100

const ignore = (): void => {}

export class Engine extends Aedes {
  readonly #store: Persistence
  readonly #fanout: Fanout<Delivery>
  readonly #handlings = new WeakMap<object, Handling>()
  #publishes = 0
  #retaining = false
  #publisher: Client | null = null
  #hushed = false
  /** Called when a client takes its place, and that of an old connection of the same id if there still is one. */
  onSeat: (client: Client, old: Client | undefined) => void = ignore

  constructor(store: Persistence, fanout: Fanout<Delivery>, options: AedesOptions) {
    super({ ...options, persistence: store, mq: fanout })
    this.#store = store
    this.#fanout = fanout
  }

  /** Messages published so far, wills included. */
  get publishes(): number {
    return this.#publishes
  }

  /** The clients connected now, by id. */
  get peers(): Readonly<Record<string, Peer>> {
    return this.#inner.clients
  }

  /** Whether the message that is being handed out was sent with the retain flag; Aedes clears it in what subscribers get (MQTT 3.3.1.3). */
  get retaining(): boolean {
    return this.#retaining
  }

  /** Who has sent the message that is being handed out; null if nobody who is connected. */
  get publisher(): Client | null {
    return this.#publisher
  }

  get #inner(): Inner {
    return this as unknown as Inner
  }

  /**
   * Hands a connection to Aedes. Of several subscriptions that match a message Aedes uses the first; if that is one of
   * QoS 0 and another grants more, the message goes the way of the better one (MQTT 3.3.5).
   */
  accept(connection: Duplex): void {
    const client = this.handle(connection) as Peer
    refuseUnnumbered(client)
    const { deliver0 } = client
    client.deliver0 = (packet, done) => {
      if (packet.qos > 0 && grantedQos(client, packet.topic) > 0) client.deliverQoS(packet, done)
      else deliver0(packet, done)
    }
  }

  /** The guard's word on a PUBLISH that it has just seen. */
  treat(packet: PublishPacket, handling: Handling): void {
    this.#handlings.set(packet, handling)
  }

  /**
   * Retains, queues and fans out at once, so that one client's messages keep their order; acknowledges QoS 1 and 2 when what
   * had to be stored is on disk. Aedes itself does this step by step, and writes the PUBACK before the first one.
   */
  override publish(packet: PublishPacket, clientOrDone?: Client | null | Done, whenDone?: Done): void {
    const client = typeof clientOrDone === 'function' ? null : (clientOrDone ?? null)
    const done = (typeof clientOrDone === 'function' ? clientOrDone : whenDone) ?? ignore
    // Aedes' notes to the other brokers of a cluster. There is none.
    if (client === null && packet.topic.startsWith('$SYS/')) done()
    else if (packet.topic.split('/', mostLevels + 1).length > mostLevels) done(new Error('topic has too many levels'))
    else {
      const handling = this.#handlings.get(packet)
      if (handling?.acknowledge !== undefined) packet.qos = 1
      if (handling?.allowed !== false) this.#distribute(packet, client, handling?.keep !== false)
      this.#acknowledge(packet, client, { handling, done })
    }
  }

  /** A client id connects again while its old connection is still open: that one ends and its will is published first, but not a device's. */
  registerClient(client: Peer): void {
    const old = this.peers[client.id]
    // It was cut while it was being let in: Aedes would keep it for ever, and speak for it after the next start.
    if (client.closed || client.conn.destroyed) {
      client.will = null
      if (old === undefined) void this.#store.delWill(client)
      return
    }
    if (old !== undefined && deviceOfClientId(client.id) !== undefined) old.will = null
    if (this.#hushed) client.will = null
    this.onSeat(client, old)
    aedesPrototype.registerClient.call(this.#inner, client)
  }

  /** From now on no connection's end publishes its will; the stored copies stay. Aedes' `close` would publish them all. */
  hush(): void {
    this.#hushed = true
    for (const client of Object.values(this.peers)) client.will = null
  }

  #distribute(packet: PublishPacket, client: Client | null, keep: boolean): void {
    this.#publishes++
    const message: Packet & { clientId?: string } = {
      cmd: 'publish',
      brokerId: this.id,
      brokerCounter: ++this.#inner.counter,
      topic: packet.topic,
      payload: packet.payload,
      qos: packet.qos,
      retain: packet.retain,
      dup: false,
      messageId: undefined,
    }
    if (message.retain && keep) this.#store.retain(message)
    if (message.qos > 0) this.#store.enqueue(message)
    if (client !== null) message.clientId = client.id
    this.#retaining = message.retain
    this.#publisher = client
    this.#fanout.emit(message as Delivery)
    this.#retaining = false
    this.#publisher = null
  }

  #acknowledge(packet: PublishPacket, client: Client | null, { handling, done }: { handling: Handling | undefined; done: Done }): void {
    const messageId = handling?.acknowledge
    if (client !== null && messageId !== undefined) this.#whenDurable(() => acknowledge(client, messageId))
    if (packet.qos === 2) this.#whenDurable(() => done())
    else done()
  }

  #whenDurable(run: () => void): void {
    if (this.#store.pending) void this.#store.settled().then(run)
    else run()
  }
}

/** Aedes takes packets as soon as the CONNACK is out, some turns before it calls the client connected: the connection decides. */
function acknowledge(client: Client, messageId: number): void {
  if (!client.closed && client.conn.writable) writeToStream({ cmd: 'puback', messageId }, client.conn)
}
