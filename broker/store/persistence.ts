// The storage interface of Aedes (aedes-persistence 11) over the tables: memory answers, SQLite remembers.
import type { Readable } from 'node:stream'
import { GroupCommit } from './commit.js'
import { closeDatabase, openDatabase, type Sql } from './database.js'
import { IncomingTable } from './incoming.js'
import type { Granted, StoreClient, StoreDrop, StoreOptions } from './options.js'
import type { Packet, Pubrel, Qos } from './packet.js'
import { type PacketKey, QueueTable } from './queue.js'
import { RetainedTable } from './retained.js'
import { type ClientSubscription, type Filters, SessionTable, type Subscription } from './sessions.js'
import { PacketStream } from './stream.js'
import { type Will, WillTable } from './wills.js'

/**
 * Every change is made in memory at once and reaches the disk with the next group commit. A promise that an
 * acknowledgement to a client depends on resolves after that commit; the others do not wait. Nothing of a clean
 * session touches the disk, except its will.
 */
export class Persistence {
  readonly #sql: Sql
  readonly #commit: GroupCommit
  readonly #retained: RetainedTable
  readonly #sessions: SessionTable
  readonly #queue: QueueTable
  readonly #incoming: IncomingTable
  readonly #wills: WillTable
  readonly #now: () => number
  readonly #onError: (error: unknown) => void
  readonly #onDrop: (reason: StoreDrop, source: string) => void
  #broker: { readonly id: string } = { id: '' }

  constructor({ file, limits, isData, onDrop = () => {}, onError = () => {}, now = Date.now }: StoreOptions) {
    this.#now = now
    this.#onDrop = onDrop
    this.#onError = onError
    this.#sql = openDatabase(file)
    this.#retained = new RetainedTable(this.#sql, limits, isData)
    this.#sessions = new SessionTable(this.#sql, limits)
    this.#queue = new QueueTable(this.#sql, limits, client => onDrop('queue-full', client))
    this.#incoming = new IncomingTable(this.#sql)
    this.#wills = new WillTable(this.#sql)
    this.#commit = new GroupCommit(this.#sql, [this.#retained, this.#sessions, this.#queue, this.#incoming, this.#wills], onError)
  }

  get broker(): { readonly id: string } {
    return this.#broker
  }

  async setup(broker: { readonly id: string }): Promise<void> {
    this.#broker = broker
  }

  /** Resolves when all that was stored so far is on disk. */
  settled(): Promise<void> {
    return this.#commit.settle()
  }

  /** Whether `settled` would have to wait. */
  get pending(): boolean {
    return this.#commit.pending
  }

  /** Writes to disk at once; true if that worked. */
  flush(): boolean {
    return this.#commit.flush()
  }

  count(): { retained: number; retainedBytes: number; sessions: number; queued: number; queuedBytes: number } {
    return {
      retained: this.#retained.size,
      retainedBytes: this.#retained.bytes,
      sessions: this.#sessions.size,
      queued: this.#queue.size,
      queuedBytes: this.#queue.bytes,
    }
  }

  hasSession(client: string): boolean {
    return this.#sessions.has(client)
  }

  filtersOf(client: string): Filters {
    return this.#sessions.filtersOf(client)
  }

  /** A client with a persistent session came or went. */
  seen(client: string): void {
    this.#sessions.seen(client, this.#now())
    this.#commit.touch()
  }

  /** Ends the sessions whose clients have been away since before `before` and are not connected now. */
  expire(before: number, isConnected: (client: string) => boolean): number {
    const expired = this.#sessions.unusedSince(before).filter(client => !isConnected(client))
    for (const client of expired) this.#end(client)
    return expired.length
  }

  /** Keeps the message as its topic's retained one; an empty payload clears the topic. */
  retain(packet: Packet): void {
    if (this.#retained.store(packet)) this.#commit.touch()
    else this.#onDrop('retained-full', packet.topic)
  }

  /** Queues the message for each persistent session that subscribes to its topic. */
  enqueue(packet: Packet): void {
    this.#enqueueFor(this.#sessions.subscriptionsTo(packet.topic), packet)
  }

  async storeRetained(packet: Packet): Promise<void> {
    this.retain(packet)
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter])
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return new PacketStream(filters.flatMap(filter => this.#retained.match(filter)))
  }

  async addSubscriptions(client: StoreClient, subscriptions: readonly Subscription[]): Promise<void> {
    if (this.#sessions.subscribe(client.id, subscriptions, this.#now())) await this.#durable()
  }

  async removeSubscriptions(client: StoreClient, filters: readonly string[]): Promise<void> {
    if (this.#sessions.unsubscribe(client.id, filters)) await this.#durable()
  }

  /** A clean session begins: whatever the client had before is gone (MQTT 3.1.2.4). */
  async cleanSubscriptions(client: StoreClient): Promise<void> {
    if (this.#end(client.id)) await this.#durable()
  }

  async subscriptionsByClient(client: StoreClient): Promise<Subscription[]> {
    return this.#sessions.subscriptionsOf(client.id)
  }

  async subscriptionsByTopic(topic: string): Promise<ClientSubscription[]> {
    return this.#sessions.subscriptionsTo(topic)
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    return this.#sessions.count()
  }

  getClientList(filter: string): Readable {
    return new PacketStream(this.#sessions.clientsOf(filter))
  }

  async outgoingEnqueue(subscription: { clientId: string }, packet: Packet): Promise<void> {
    this.#queue.add(subscription.clientId, packet)
    this.#commit.touch()
  }

  async outgoingEnqueueCombi(subscriptions: readonly Granted[], packet: Packet): Promise<void> {
    this.#enqueueFor(subscriptions, packet)
  }

  /** Exactly-once needs the number of a sent message to be known after a crash, so QoS 2 waits for the disk. */
  async outgoingUpdate(client: StoreClient, packet: Packet | Pubrel): Promise<void> {
    this.#queue.update(client.id, packet, client)
    if (packet.cmd === 'pubrel' || packet.qos === 2) await this.#durable()
    else this.#commit.touch()
  }

  /** Aedes also calls this for a message that it did not send (seen already, or no room): without a number, and then it stays queued. */
  async outgoingClearMessageId(client: StoreClient, packet: PacketKey): Promise<Packet | Pubrel | undefined> {
    const removed = packet.messageId === undefined ? undefined : this.#queue.acknowledge(client.id, packet.messageId)
    if (removed !== undefined) this.#commit.touch()
    return removed
  }

  outgoingStream(client: StoreClient): Readable {
    return new PacketStream(this.#queue.list(client.id, client))
  }

  async incomingStorePacket(client: StoreClient, packet: Packet): Promise<void> {
    this.#incoming.store(client.id, packet.messageId ?? 0, packet, client.clean !== true)
    if (client.clean !== true) this.#commit.touch()
  }

  async incomingGetPacket(client: StoreClient, packet: PacketKey): Promise<Packet> {
    const found = this.#incoming.get(client.id, packet.messageId ?? 0)
    if (found === undefined) throw new Error('no such packet')
    return found
  }

  /** Durable before PUBCOMP: from then on the client may use the number for another message. */
  async incomingDelPacket(client: StoreClient, packet: PacketKey): Promise<void> {
    if (!this.#incoming.delete(client.id, packet.messageId ?? 0, client.clean !== true)) throw new Error('no such packet')
    if (client.clean !== true) await this.#durable()
  }

  async cleanIncoming(client: StoreClient): Promise<void> {
    if (this.#incoming.clean(client.id)) this.#commit.touch()
  }

  async putWill(client: StoreClient, will: Will): Promise<void> {
    will.brokerId = this.#broker.id
    will.clientId = client.id
    this.#wills.put(client, will)
    this.#commit.touch()
  }

  async getWill(client: StoreClient): Promise<Will | undefined> {
    return this.#wills.get(client.id)
  }

  async delWill(client: StoreClient): Promise<Will | undefined> {
    const will = this.#wills.delete(client)
    if (will !== undefined) this.#commit.touch()
    return will
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return new PacketStream(this.#wills.all().filter(({ brokerId }) => brokerId === undefined || brokers[brokerId] === undefined))
  }

  /** The wills that an earlier run left behind and whose clients have not connected since. */
  leftWills(): readonly Will[] {
    return this.#wills.all().filter(({ brokerId }) => brokerId !== this.#broker.id)
  }

  async destroy(): Promise<void> {
    this.#commit.close()
    try {
      closeDatabase(this.#sql)
    } catch (error) {
      // A full disk: the log stays for the next start to read, the lock goes with the process.
      this.#onError(error)
    }
  }

  /** Once for each client, however many of its subscriptions match, with the best QoS that they grant (MQTT 3.3.5). */
  #enqueueFor(subscriptions: readonly Granted[], packet: Packet): void {
    if (subscriptions.length === 0) return
    const best = new Map<string, Qos>()
    for (const { clientId, qos } of subscriptions) if (qos >= (best.get(clientId) ?? 0)) best.set(clientId, qos)
    for (const [clientId, qos] of best) this.#queue.add(clientId, qos < packet.qos ? { ...packet, qos } : packet)
    this.#commit.touch()
  }

  #end(client: string): boolean {
    const ended = this.#sessions.end(client)
    this.#queue.clear(client)
    if (this.#incoming.clean(client) || ended) this.#commit.touch()
    return ended
  }

  #durable(): Promise<void> {
    this.#commit.touch()
    return this.#commit.settle()
  }
}
