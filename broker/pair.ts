// Two ends of a connection inside the process: what is written to one is read from the other.
import { Duplex } from 'node:stream'

class End extends Duplex {
  peer: End | undefined
  #resume: (() => void) | undefined

  override _read(): void {
    const resume = this.#resume
    this.#resume = undefined
    // Never within the reader's own call: Aedes' parser must not be entered twice.
    if (resume !== undefined) setImmediate(resume)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.peer?.receive(chunk, done)
  }

  override _final(done: () => void): void {
    this.peer?.receive(null, done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { peer } = this
    this.peer = undefined
    done(error)
    if (peer !== undefined) setImmediate(() => peer.destroy())
  }

  receive(chunk: Buffer | null, done: () => void): void {
    if (this.destroyed) done()
    else if (this.push(chunk) || chunk === null) setImmediate(done)
    else this.#resume = done
  }
}

export function makePair(): readonly [Duplex, Duplex] {
  const [here, there] = [new End(), new End()]
  here.peer = there
  there.peer = here
  return [here, there]
}
