// Counts what crosses the agent's connections to the broker, by what it is for.
import type { Socket } from 'node:net'
import type { Clock } from '../protocol/clock.js'
import { addFlow, addTraffic, type Flow, mapTraffic, noTraffic, type Purpose, type Traffic as Sums } from '../protocol/messages/usage.js'
import { closeHeaders, type Headers, openHeaders, passHeaders } from './core/headers.js'
import { packetBytes, pubackBytes, publishBytes, purposeOf } from './core/purpose.js'
import { type Wire, wireOf } from './wire.js'

/** An MQTT packet, as far as it is looked at. */
interface Packet {
  readonly cmd: string
  readonly messageId?: number | undefined
  readonly topic?: string
  readonly payload?: string | Uint8Array
  readonly qos?: number
  /** Bytes behind the fixed header; of what came. */
  readonly length?: number
}

/** A client of MQTT, as far as it is counted. */
export interface Counted {
  on(event: 'packetsend' | 'packetreceive', listener: (packet: Packet) => void): unknown
}

type Direction = keyof Flow
type Published = Exclude<Purpose, 'connection' | 'headers'>

const noFlow: Flow = { sent: 0, received: 0 }

export class Traffic {
  readonly #root: string
  readonly #clock: Clock
  /** Of the connections that are closed. */
  #closed = noTraffic
  readonly #open = new Set<Tap>()

  constructor(root: string, clock: Clock) {
    this.#root = root
    this.#clock = clock
  }

  /** For one connection. */
  tap(): Tap {
    const tap = new Tap(this.#root, this.#clock, () => {
      this.#open.delete(tap)
      this.#closed = addTraffic(this.#closed, tap.sums())
    })
    this.#open.add(tap)
    return tap
  }

  /** Since the start. */
  sums(): Sums {
    return [...this.#open].reduce((sum, tap) => addTraffic(sum, tap.sums()), this.#closed)
  }
}

/** The bytes of a packet that was handed to the socket, or came from it, since that was last looked at. */
interface Noted {
  readonly purpose: Published
  readonly way: Direction
  readonly bytes: number
}

export class Tap {
  readonly #root: string
  readonly #clock: Clock
  readonly #onClose: () => void
  #wire: Wire | undefined
  #headers: Headers | undefined
  /** What the socket had passed when it was last looked at. */
  #passed = noFlow
  #noted: Noted[] = []
  #isClosed = false
  #scheduled: NodeJS.Immediate | undefined
  readonly #counts: Record<Published, Record<Direction, number>> = { heartbeat: zero(), report: zero(), state: zero(), log: zero() }
  /** What the acknowledgements are for that are to go or to come. */
  readonly #awaited = { sent: new Map<number, Published>(), received: new Map<number, Published>() }

  constructor(root: string, clock: Clock, onClose: () => void) {
    this.#root = root
    this.#clock = clock
    this.#onClose = onClose
  }

  /** The socket that the client is given. */
  carry(socket: Socket): void {
    socket.once('connect', () => {
      this.#wire = wireOf(socket)
      this.#headers = openHeaders(this.#wire.family)
      this.#lookSoon()
    })
    // Each flight of the handshake, and the end of either direction.
    for (const event of ['secureConnect', 'session', 'finish', 'end']) socket.on(event, () => this.#look())
    // What is read at a time was in a segment, or a TLS record, of its own.
    socket.on('data', () => this.#look(1))
    socket.once('close', () => this.#close())
  }

  watch(client: Counted): void {
    client.on('packetsend', packet => this.#note(packet, 'sent'))
    client.on('packetreceive', packet => this.#note(packet, 'received'))
  }

  /** As it was when the socket was last looked at: what a packet has, and what its record has, come together. */
  sums(): Sums {
    const published = Object.values(this.#counts).reduce<Flow>(addFlow, noFlow)
    const connection = {
      sent: Math.max(0, this.#passed.sent - published.sent),
      received: Math.max(0, this.#passed.received - published.received),
    }
    return mapTraffic(purpose => {
      if (purpose === 'connection') return connection
      return purpose === 'headers' ? this.#headerSums() : { ...this.#counts[purpose] }
    })
  }

  #headerSums(): Flow {
    if (this.#headers === undefined) return noFlow
    return this.#isClosed ? closeHeaders(this.#headers) : this.#headers.bytes
  }

  #note(packet: Packet, way: Direction): void {
    const noted = this.#judge(packet, way)
    if (noted !== undefined) this.#noted.push(noted)
    this.#lookSoon()
  }

  #judge(packet: Packet, way: Direction): Noted | undefined {
    const { cmd, messageId, topic = '', payload = '', qos = 0, length } = packet
    if (cmd === 'puback' && messageId !== undefined) return this.#judgeAcknowledgement(messageId, way)
    if (cmd !== 'publish') return undefined
    const purpose = purposeOf(this.#root, topic)
    if (qos > 0 && messageId !== undefined) this.#awaited[way === 'sent' ? 'received' : 'sent'].set(messageId, purpose)
    const bytes = length === undefined ? publishBytes({ topic, payloadBytes: Buffer.byteLength(payload), qos }) : packetBytes(length)
    return { purpose, way, bytes }
  }

  #judgeAcknowledgement(messageId: number, way: Direction): Noted | undefined {
    const purpose = this.#awaited[way].get(messageId)
    this.#awaited[way].delete(messageId)
    return purpose === undefined ? undefined : { purpose, way, bytes: pubackBytes }
  }

  /** One turn later: what is written in answer to one arrival is gathered until the end of this one. */
  #lookSoon(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = setImmediate(() => {
        this.#scheduled = undefined
        this.#look()
      })
    })
  }

  #look(pieces = 0): void {
    if (this.#isClosed || this.#wire === undefined || this.#headers === undefined) return
    for (const { purpose, way, bytes } of this.#noted) this.#counts[purpose][way] += bytes
    this.#noted = []
    const passed = this.#wire.passed()
    const fresh = {
      pieces,
      sent: passed.sent - this.#passed.sent,
      received: passed.received - this.#passed.received,
    }
    this.#passed = passed
    this.#headers = passHeaders(this.#headers, fresh, this.#clock.monotonic())
  }

  #close(): void {
    if (this.#isClosed) return
    this.#look()
    this.#isClosed = true
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled)
    this.#onClose()
  }
}

function zero(): Record<Direction, number> {
  return { sent: 0, received: 0 }
}
