// An MQTT client of a few hundred bytes: a socket and a parser. It answers nothing by itself, so that tests and benches decide.
import { connect as connectSocket, type Socket } from 'node:net'
import { generate, type IConnackPacket, type IConnectPacket, type Packet, type Parser, parser } from 'mqtt-packet'

type Listener = (packet: Packet) => void

export type ConnectFields = Partial<Omit<IConnectPacket, 'cmd'>>

export class RawClient {
  readonly closed: Promise<void>
  /** Packets that nobody has asked for yet. */
  readonly pending: Packet[] = []
  readonly #socket: Socket
  readonly #parser: Parser = parser()
  readonly #waiting: { wanted: (packet: Packet) => boolean; give: Listener; fail: (error: Error) => void }[] = []
  /** Set to take every packet as it comes instead of `next`. */
  onPacket: Listener | undefined
  #ended = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.#parser.on('packet', packet => this.#take(packet))
    this.#parser.on('error', () => socket.destroy())
    socket.on('data', chunk => this.#parser.parse(chunk))
    socket.on('error', () => {})
    this.closed = new Promise(resolve => socket.once('close', () => resolve()))
    void this.closed.then(() => this.#end())
  }

  static open(port: number, host = '127.0.0.1'): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket({ port, host, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawClient(socket))
      })
    })
  }

  /** Opens a connection and waits for its CONNACK, whatever that says. */
  static async connect(port: number, fields: ConnectFields): Promise<{ client: RawClient; connack: IConnackPacket }> {
    const client = await RawClient.open(port)
    return { client, connack: await client.hello(fields) }
  }

  async hello(fields: ConnectFields): Promise<IConnackPacket> {
    this.send(connectPacket(fields))
    return (await this.next('connack')) as IConnackPacket
  }

  send(packet: Packet): void {
    this.#socket.write(generate(packet))
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** The next packet of this kind, past or to come; rejects when the connection ends before. */
  next(cmd: Packet['cmd'], also: (packet: Packet) => boolean = () => true): Promise<Packet> {
    const wanted = (packet: Packet): boolean => packet.cmd === cmd && also(packet)
    const at = this.pending.findIndex(wanted)
    const [found] = at < 0 ? [] : this.pending.splice(at, 1)
    if (found !== undefined) return Promise.resolve(found)
    if (this.#ended) return Promise.reject(new Error(`connection closed, no ${cmd}`))
    return new Promise((give, fail) => this.#waiting.push({ wanted, give, fail }))
  }

  /** Asks for a ping and waits for the answer: whatever the broker did for this client before has arrived by then. */
  async sync(): Promise<void> {
    this.send({ cmd: 'pingreq' })
    await this.next('pingresp')
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Goes without a word: the broker sees a reset, as after a SIGKILL. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Sends no more, but still takes what comes. */
  end(): void {
    this.#socket.end()
  }

  close(): void {
    this.#socket.destroy()
  }

  /** DISCONNECT, then the end of the connection. */
  async leave(): Promise<void> {
    this.send({ cmd: 'disconnect' })
    this.#socket.end()
    await this.closed
  }

  #take(packet: Packet): void {
    if (this.onPacket !== undefined) {
      this.onPacket(packet)
      return
    }
    const at = this.#waiting.findIndex(({ wanted }) => wanted(packet))
    const [waiter] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (waiter === undefined) this.pending.push(packet)
    else waiter.give(packet)
  }

  #end(): void {
    this.#ended = true
    for (const { fail } of this.#waiting.splice(0)) fail(new Error('connection closed'))
  }
}

export function connectPacket(fields: ConnectFields): IConnectPacket {
  return { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60, clientId: '', ...fields }
}
