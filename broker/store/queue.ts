// Messages on their way to persistent sessions: queued while the client is away, kept until it has acknowledged them.
import type { Table } from './commit.js'
import { type Row, type Sql, type Statement, toBuffer } from './database.js'
import { copyPacket, type Packet, type Pubrel, text, toQos } from './packet.js'

export interface QueueLimits {
  /** For each absent session. */
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** For all sessions together. */
  readonly totalQueuedBytes: number
}

interface Entry {
  readonly seq: number
  readonly client: string
  packet: Packet | Pubrel
  bytes: number
  /** The connection that it was sent on last, if it was sent. */
  sentOn: object | undefined
  removed: boolean
  stored: boolean
}

/** What is compared to find the message that a client or Aedes means. */
export type PacketKey = Pick<Partial<Packet>, 'brokerId' | 'brokerCounter' | 'messageId'>

export class QueueTable implements Table {
  readonly #queues = new Map<string, Map<number, Entry>>()
  readonly #bytesOf = new Map<string, number>()
  readonly #changed = new Set<Entry>()
  readonly #limits: QueueLimits
  readonly #onDrop: (client: string) => void
  readonly #put: Statement
  readonly #delete: Statement
  #nextSeq = 1
  #size = 0
  #bytes = 0

  constructor(sql: Sql, limits: QueueLimits, onDrop: (client: string) => void) {
    this.#limits = limits
    this.#onDrop = onDrop
    this.#put = sql.prepare('insert or replace into message values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    this.#delete = sql.prepare('delete from message where seq = ?')
    for (const row of sql.prepare('select * from message order by seq').all() as Row[]) {
      const packet = fromRow(row)
      this.#insert({ ...newEntry(Number(row.seq), text(row.client), packet), stored: true })
    }
  }

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Puts a copy at the end; the oldest make room for it. */
  add(client: string, packet: Packet): void {
    const entry = newEntry(this.#nextSeq, client, copyPacket(packet))
    this.#insert(entry)
    this.#changed.add(entry)
    this.#makeRoom(client, entry)
  }

  /** A message was sent (it has a number now), or was answered with PUBREC (it is a PUBREL now). */
  update(client: string, packet: Packet | Pubrel, sentOn: object): void {
    const entry = this.#find(client, packet)
    if (entry === undefined) return
    if (packet.cmd === 'pubrel') {
      this.#weigh(entry, -entry.bytes)
      entry.packet = { cmd: 'pubrel', messageId: packet.messageId }
      entry.bytes = 0
    } else entry.packet.messageId = packet.messageId
    entry.sentOn = sentOn
    this.#changed.add(entry)
  }

  /** The client has it: forgets the message of this number. */
  acknowledge(client: string, messageId: number): Packet | Pubrel | undefined {
    const entry = this.#byMessageId(client, messageId)
    if (entry === undefined) return undefined
    this.#drop(entry)
    return entry.packet
  }

  /** All, oldest first. What another connection has already been sent is marked as sent again (MQTT 3.3.1.1). */
  list(client: string, connection: object): (Packet | Pubrel)[] {
    return [...(this.#queues.get(client)?.values() ?? [])].map(({ packet, sentOn }) => {
      if (packet.cmd === 'pubrel') return { ...packet }
      return { ...packet, dup: packet.dup || (packet.messageId !== undefined && sentOn !== connection) } as Packet
    })
  }

  clear(client: string): void {
    for (const entry of this.#queues.get(client)?.values() ?? []) this.#drop(entry)
  }

  save(): void {
    for (const entry of this.#changed) {
      if (!entry.removed) this.#put.run(...toRow(entry))
      else if (entry.stored) this.#delete.run(entry.seq)
    }
  }

  saved(): void {
    for (const entry of this.#changed) entry.stored = !entry.removed
    this.#changed.clear()
  }

  #insert(entry: Entry): void {
    const queue = this.#queues.get(entry.client) ?? new Map<number, Entry>()
    this.#queues.set(entry.client, queue)
    queue.set(entry.seq, entry)
    this.#nextSeq = Math.max(this.#nextSeq, entry.seq + 1)
    this.#size++
    this.#weigh(entry, entry.bytes)
  }

  #drop(entry: Entry): void {
    const queue = this.#queues.get(entry.client)
    if (queue?.delete(entry.seq) !== true) return
    this.#size--
    this.#weigh(entry, -entry.bytes)
    if (queue.size === 0) {
      this.#queues.delete(entry.client)
      this.#bytesOf.delete(entry.client)
    }
    entry.removed = true
    this.#changed.add(entry)
  }

  #weigh(entry: Entry, bytes: number): void {
    this.#bytes += bytes
    this.#bytesOf.set(entry.client, (this.#bytesOf.get(entry.client) ?? 0) + bytes)
  }

  /** Drops the oldest of this session until it fits; a message that does not fit even alone is dropped itself. */
  #makeRoom(client: string, newest: Entry): void {
    const queue = this.#queues.get(client)
    for (const oldest of queue?.values() ?? []) {
      if (this.#fits(client, queue?.size ?? 0)) return
      this.#drop(oldest)
      this.#onDrop(client)
      if (oldest === newest) return
    }
  }

  #fits(client: string, messages: number): boolean {
    const { queuedMessages, queuedBytes, totalQueuedBytes } = this.#limits
    return messages <= queuedMessages && (this.#bytesOf.get(client) ?? 0) <= queuedBytes && this.#bytes <= totalQueuedBytes
  }

  /** By Aedes' own count of the message if that is known here, else by the number on the wire. */
  #find(client: string, key: PacketKey): Entry | undefined {
    for (const entry of this.#queues.get(client)?.values() ?? []) {
      const { packet } = entry
      if (packet.cmd === 'publish' && packet.brokerCounter === key.brokerCounter && packet.brokerId === key.brokerId) return entry
    }
    return key.messageId === undefined ? undefined : this.#byMessageId(client, key.messageId)
  }

  #byMessageId(client: string, messageId: number): Entry | undefined {
    for (const entry of this.#queues.get(client)?.values() ?? []) if (entry.packet.messageId === messageId) return entry
    return undefined
  }
}

function newEntry(seq: number, client: string, packet: Packet | Pubrel): Entry {
  const bytes = packet.cmd === 'pubrel' ? 0 : packet.payload.length + packet.topic.length
  return { seq, client, packet, bytes, sentOn: undefined, removed: false, stored: false }
}

function toRow({ seq, client, packet }: Entry): unknown[] {
  if (packet.cmd === 'pubrel') return [seq, client, packet.cmd, null, null, 0, 0, packet.messageId ?? null, null, null]
  const { topic, qos, messageId, brokerId, brokerCounter } = packet
  const payload = Buffer.from(packet.payload)
  return [seq, client, packet.cmd, topic, payload, qos, packet.retain ? 1 : 0, messageId ?? null, brokerId ?? null, brokerCounter ?? null]
}

function fromRow(row: Row): Packet | Pubrel {
  const messageId = typeof row.message_id === 'number' ? row.message_id : undefined
  if (row.cmd === 'pubrel') return { cmd: 'pubrel', messageId }
  return {
    cmd: 'publish',
    topic: text(row.topic),
    payload: toBuffer(row.payload),
    qos: toQos(row.qos),
    retain: row.retain === 1,
    dup: false,
    messageId,
    brokerId: text(row.broker_id),
    brokerCounter: Number(row.broker_counter),
  }
}
