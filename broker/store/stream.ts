// Stored packets as the object stream that Aedes wants: one at a time, as the subscriber takes them.
import { Readable } from 'node:stream'

/** Like `Readable.from`, without its asynchronous iteration: there is one for each CONNECT and each SUBSCRIBE. */
export class PacketStream<T> extends Readable {
  readonly #packets: readonly T[]
  #next = 0

  constructor(packets: readonly T[]) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#packets = packets
  }

  override _read(): void {
    const packet = this.#packets[this.#next++]
    this.push(packet === undefined ? null : packet)
  }
}
