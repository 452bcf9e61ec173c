// The answer to one request: its parts counted, each sent when the broker has the one before.
import { SkerryError } from '../protocol/errors.js'
import { protocolVersion } from '../protocol/messages/message.js'
import { type Response, responseCodec } from '../protocol/messages/request.js'

export class Reply {
  readonly #publish: (payload: Buffer) => Promise<boolean>
  #part = 0

  /** `publish` resolves with true once the broker has it. */
  constructor(publish: (payload: Buffer) => Promise<boolean>) {
    this.#publish = publish
  }

  /** Throws `broker.unavailable` when the session has ended: then nobody waits any more. */
  async send(fields: Omit<Response, 'version' | 'part'>): Promise<void> {
    const arrived = await this.#publish(responseCodec.encode({ version: protocolVersion, part: this.#part++, ...fields }))
    if (!arrived) throw new SkerryError('broker.unavailable', 'the session with the broker has ended')
  }
}
