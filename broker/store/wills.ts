// Last wills of connected clients, kept on disk so that a broker killed before them can still speak for those who do not return.
import type { Table } from './commit.js'
import { type Row, type Sql, type Statement, toBuffer } from './database.js'
import { type Packet, text, toQos } from './packet.js'

export type Will = Pick<Packet, 'topic' | 'payload' | 'qos' | 'retain'> & { brokerId?: string; clientId?: string }

/** A client as Aedes hands it over: a connection object, or only its id. */
export interface Owner {
  readonly id: string
  /** Present on Aedes' client objects. */
  readonly conn?: unknown
  readonly closed?: boolean
}

interface Kept {
  readonly will: Will
  readonly owner: Owner | undefined
}

export class WillTable implements Table {
  readonly #wills = new Map<string, Kept>()
  readonly #changed = new Set<string>()
  readonly #stored = new Set<string>()
  readonly #put: Statement
  readonly #delete: Statement

  constructor(sql: Sql) {
    this.#put = sql.prepare('insert or replace into will values (?, ?, ?, ?, ?)')
    this.#delete = sql.prepare('delete from will where client = ?')
    for (const row of sql.prepare('select client, topic, payload, qos, retain from will').all() as Row[]) {
      const clientId = text(row.client)
      this.#wills.set(clientId, { will: fromRow(row, clientId), owner: undefined })
      this.#stored.add(clientId)
    }
  }

  put(owner: Owner, will: Will): void {
    this.#wills.set(owner.id, { will, owner })
    this.#changed.add(owner.id)
  }

  get(client: string): Will | undefined {
    return this.#wills.get(client)?.will
  }

  /**
   * Aedes deletes a will by id once it is published, which may be after the same client has connected again.
   * So a deletion by id leaves the will of a connection that is still open; a connection may always replace what is there.
   */
  delete(by: Owner): Will | undefined {
    const kept = this.#wills.get(by.id)
    if (kept === undefined || (by.conn === undefined && kept.owner?.closed === false)) return undefined
    this.#wills.delete(by.id)
    this.#changed.add(by.id)
    return kept.will
  }

  all(): Will[] {
    return [...this.#wills.values()].map(({ will }) => will)
  }

  save(): void {
    for (const client of this.#changed) {
      const will = this.#wills.get(client)?.will
      if (will !== undefined) this.#put.run(client, will.topic, Buffer.from(will.payload), will.qos, will.retain ? 1 : 0)
      else if (this.#stored.has(client)) this.#delete.run(client)
    }
  }

  saved(): void {
    for (const client of this.#changed) {
      if (this.#wills.has(client)) this.#stored.add(client)
      else this.#stored.delete(client)
    }
    this.#changed.clear()
  }
}

function fromRow(row: Row, clientId: string): Will {
  return {
    topic: text(row.topic),
    payload: toBuffer(row.payload),
    qos: toQos(row.qos),
    retain: row.retain === 1,
    clientId,
  }
}
