// QoS 2 messages that a publisher has not released yet: their numbers, so that a message sent again is not published again.
import type { Table } from './commit.js'
import type { Row, Sql, Statement } from './database.js'
import { copyPacket, type Packet, text } from './packet.js'

interface Change {
  readonly client: string
  readonly messageId: number
}

export class IncomingTable implements Table {
  readonly #clients = new Map<string, Map<number, Packet>>()
  readonly #changed = new Map<string, Change>()
  readonly #put: Statement
  readonly #delete: Statement

  constructor(sql: Sql) {
    this.#put = sql.prepare('insert or replace into incoming values (?, ?)')
    this.#delete = sql.prepare('delete from incoming where client = ? and message_id = ?')
    for (const row of sql.prepare('select client, message_id from incoming').all() as Row[]) {
      const messageId = Number(row.message_id)
      this.#of(text(row.client)).set(messageId, copyPacket({ qos: 2 }, messageId))
    }
  }

  /** `durable` is false for clean sessions: they end with their connection, so nothing of them goes to disk. */
  store(client: string, messageId: number, packet: Packet, durable: boolean): void {
    this.#of(client).set(messageId, copyPacket(packet, messageId))
    if (durable) this.#change(client, messageId)
  }

  get(client: string, messageId: number): Packet | undefined {
    return this.#clients.get(client)?.get(messageId)
  }

  delete(client: string, messageId: number, durable: boolean): boolean {
    const packets = this.#clients.get(client)
    if (packets?.delete(messageId) !== true) return false
    if (packets.size === 0) this.#clients.delete(client)
    if (durable) this.#change(client, messageId)
    return true
  }

  /** Forgets all of a client; true if there was anything. */
  clean(client: string): boolean {
    const packets = this.#clients.get(client)
    if (packets === undefined) return false
    this.#clients.delete(client)
    for (const messageId of packets.keys()) this.#change(client, messageId)
    return true
  }

  save(): void {
    for (const { client, messageId } of this.#changed.values()) {
      const statement = this.get(client, messageId) === undefined ? this.#delete : this.#put
      statement.run(client, messageId)
    }
  }

  saved(): void {
    this.#changed.clear()
  }

  #of(client: string): Map<number, Packet> {
    const packets = this.#clients.get(client) ?? new Map<number, Packet>()
    this.#clients.set(client, packets)
    return packets
  }

  #change(client: string, messageId: number): void {
    this.#changed.set(`${messageId} ${client}`, { client, messageId })
  }
}
