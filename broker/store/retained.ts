// Retained messages: all of them in memory, in a tree of topics, and on disk.
import type { Table } from './commit.js'
import { type Row, type Sql, type Statement, toBuffer } from './database.js'
import { ownPayload, type Packet, text, toQos } from './packet.js'
import { TopicTree } from './topics.js'

export interface RetainedLimits {
  readonly retainedMessages: number
  readonly retainedBytes: number
}

export class RetainedTable implements Table {
  readonly #tree = new TopicTree<Packet>()
  readonly #changed = new Set<string>()
  readonly #limits: RetainedLimits
  readonly #put: Statement
  readonly #delete: Statement
  #bytes = 0

  constructor(sql: Sql, limits: RetainedLimits) {
    this.#limits = limits
    this.#put = sql.prepare(
      'insert into retained values (?, ?, ?) on conflict (topic) do update set qos = excluded.qos, payload = excluded.payload',
    )
    this.#delete = sql.prepare('delete from retained where topic = ?')
    for (const row of sql.prepare('select topic, qos, payload from retained').all() as Row[]) this.#set(fromRow(row))
  }

  get size(): number {
    return this.#tree.size
  }

  get bytes(): number {
    return this.#bytes
  }

  match(filter: string): Packet[] {
    return this.#tree.match(filter)
  }

  /** Keeps the message, or clears the topic if its payload is empty. False if it does not fit: the topic then keeps what it has. */
  store(packet: Packet): boolean {
    const { topic } = packet
    if (packet.payload.length === 0) {
      if (this.#tree.get(topic) === undefined) return true
      this.#clear(topic)
    } else {
      if (!this.#fits(packet)) return false
      this.#set({ ...packet, payload: ownPayload(packet.payload) })
    }
    this.#changed.add(topic)
    return true
  }

  save(): void {
    for (const topic of this.#changed) {
      const packet = this.#tree.get(topic)
      if (packet === undefined) this.#delete.run(topic)
      else this.#put.run(topic, packet.qos, Buffer.from(packet.payload))
    }
  }

  saved(): void {
    this.#changed.clear()
  }

  #fits(packet: Packet): boolean {
    const before = this.#tree.get(packet.topic)
    const bytes = this.#bytes - (before === undefined ? 0 : weigh(before)) + weigh(packet)
    const messages = this.#tree.size + (before === undefined ? 1 : 0)
    return messages <= this.#limits.retainedMessages && bytes <= this.#limits.retainedBytes
  }

  #set(packet: Packet): void {
    this.#clear(packet.topic)
    this.#tree.set(packet.topic, packet)
    this.#bytes += weigh(packet)
  }

  #clear(topic: string): void {
    const before = this.#tree.get(topic)
    if (before === undefined) return
    this.#bytes -= weigh(before)
    this.#tree.delete(topic)
  }
}

const weigh = (packet: Packet): number => packet.topic.length + packet.payload.length

function fromRow(row: Row): Packet {
  return {
    cmd: 'publish',
    topic: text(row.topic),
    payload: toBuffer(row.payload),
    qos: toQos(row.qos),
    retain: true,
    dup: false,
  }
}
