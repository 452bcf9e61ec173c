// One request under way: takes in the answer's parts, hands them to the reader, and gives credit as they are read.
import { isErrorCode, SkerryError } from '../protocol/errors.js'
import type { Fault } from '../protocol/messages/message.js'
import type { Request, Response } from '../protocol/messages/request.js'
import { judgePart, nextGrant, windowBytes } from './core/exchange.js'

interface ExchangeOptions {
  readonly device: string
  readonly epoch: number
  readonly kind: Request['kind']
  readonly send: (fields: Pick<Request, 'kind' | 'creditBytes'>) => void
}

export class Exchange {
  readonly device: string
  readonly epoch: number
  readonly kind: Request['kind']
  readonly #send: ExchangeOptions['send']
  readonly #parts: Response[] = []
  #next = 0
  #granted = windowBytes
  #received = 0
  #taken = 0
  #failure: { readonly error: unknown } | undefined
  #complete = false
  #wake = () => {}

  constructor({ device, epoch, kind, send }: ExchangeOptions) {
    this.device = device
    this.epoch = epoch
    this.kind = kind
    this.#send = send
  }

  get answered(): boolean {
    return this.#next > 0
  }

  receive(response: Response): void {
    if (this.#complete) return
    const verdict = judgePart(response.part, this.#next)
    if (verdict === 'repeated') return
    if (verdict === 'gap') return void this.fail(new SkerryError('response.lost', 'a part of the answer was lost on its way'))
    this.#next++
    this.#received += response.data?.length ?? 0
    if (this.#received > this.#granted) return void this.fail(new SkerryError('message.invalid', 'the device sends more than it may'))
    this.#parts.push(response)
    this.#complete = response.last === true
    this.#wake()
  }

  /** Whatever has come is still read. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  /** Says that somebody still reads. */
  renew(): void {
    this.#send({ kind: 'credit', creditBytes: this.#granted })
  }

  /** Each part once the one before has been dealt with. Throws the answer's fault, or why there is none. Stopped early, it tells the device. */
  async *read(): AsyncGenerator<Response> {
    try {
      for (;;) {
        const part = this.#parts.shift()
        if (part === undefined) {
          if (this.#failure !== undefined) throw this.#failure.error
          await new Promise<void>(resolve => {
            this.#wake = resolve
          })
          continue
        }
        if (part.fault !== undefined) throw faultOf(part.fault)
        yield part
        if (part.last === true) return
        this.#noteTaken(part.data?.length ?? 0)
      }
    } finally {
      if (!this.#complete) this.#send({ kind: 'cancel' })
    }
  }

  #noteTaken(bytes: number): void {
    this.#taken += bytes
    const sum = nextGrant(this.#granted, this.#taken)
    if (sum === undefined || this.#complete) return
    this.#granted = sum
    this.renew()
  }
}

/** A newer agent may have codes that are not known here. */
function faultOf({ code, message, path }: Fault): SkerryError {
  return isErrorCode(code) ? new SkerryError(code, message, { path }) : new SkerryError('internal', `${message} (${code})`, { path })
}
