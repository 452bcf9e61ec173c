// Retained messages: all of them in memory, in a tree of topics, and on disk.
import type { Table } from './commit.js'
import { type Row, type Sql, type Statement, toBuffer } from './database.js'
import { ownPayload, type Packet, text, toQos } from './packet.js'
import { TopicTree } from './topics.js'

export interface RetainedLimits {
  readonly retainedMessages: number
  readonly retainedBytes: number
  /** Of these, what the values of programs may take: the rest is the fleet's own. */
  readonly dataMessages: number
  readonly dataBytes: number
}

interface Amount {
  messages: number
  bytes: number
}

export class RetainedTable implements Table {
  readonly #tree = new TopicTree<Packet>()
  readonly #changed = new Set<string>()
  readonly #limits: RetainedLimits
  readonly #put: Statement
  readonly #delete: Statement
  readonly #isData: (topic: string) => boolean
  readonly #all: Amount = { messages: 0, bytes: 0 }
  readonly #data: Amount = { messages: 0, bytes: 0 }

  constructor(sql: Sql, limits: RetainedLimits, isData: (topic: string) => boolean = () => false) {
    this.#limits = limits
    this.#isData = isData
    this.#put = sql.prepare(
      'insert into retained values (?, ?, ?) on conflict (topic) do update set qos = excluded.qos, payload = excluded.payload',
    )
    this.#delete = sql.prepare('delete from retained where topic = ?')
    for (const row of sql.prepare('select topic, qos, payload from retained').all() as Row[]) this.#set(fromRow(row))
  }

  get size(): number {
    return this.#all.messages
  }

  get bytes(): number {
    return this.#all.bytes
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
    const { retainedMessages, retainedBytes, dataMessages, dataBytes } = this.#limits
    const fits = ({ messages, bytes }: Amount, most: Amount) =>
      messages + (before === undefined ? 1 : 0) <= most.messages &&
      bytes - (before === undefined ? 0 : weigh(before)) + weigh(packet) <= most.bytes
    if (this.#isData(packet.topic) && !fits(this.#data, { messages: dataMessages, bytes: dataBytes })) return false
    return fits(this.#all, { messages: retainedMessages, bytes: retainedBytes })
  }

  #set(packet: Packet): void {
    this.#clear(packet.topic)
    this.#tree.set(packet.topic, packet)
    this.#count(packet, 1)
  }

  #clear(topic: string): void {
    const before = this.#tree.get(topic)
    if (before === undefined) return
    this.#count(before, -1)
    this.#tree.delete(topic)
  }

  #count(packet: Packet, sign: 1 | -1): void {
    for (const amount of this.#isData(packet.topic) ? [this.#all, this.#data] : [this.#all]) {
      amount.messages += sign
      amount.bytes += sign * weigh(packet)
    }
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
