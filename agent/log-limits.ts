// What logs may take of the link: so much a second of all requests together, and so much in one of them, as it is set at the time.
import type { Clock } from '../protocol/clock.js'
import { SkerryError } from '../protocol/errors.js'
import type { Link } from '../protocol/messages/link.js'
import { type Bucket, draw, fill } from './core/bucket.js'
import { pause } from './pause.js'
import { Turns } from './turns.js'

export type LogLink = Pick<Link, 'logBytesPerS' | 'logBytes'>

export class LogLimits {
  readonly #clock: Clock
  readonly #link: () => LogLink
  readonly #turns = new Turns()
  #bucket: Bucket | undefined

  constructor(clock: Clock, link: () => LogLink) {
    this.#clock = clock
    this.#link = link
  }

  /** Takes 1 to `most` bytes for a request that has sent `sent`. Throws `log.limited` where that is all, and the signal's reason when it aborts. */
  async take(most: number, sent: number, signal: AbortSignal): Promise<number> {
    const { logBytes = Number.POSITIVE_INFINITY } = this.#link()
    if (sent >= logBytes) {
      const why = `the log ends here: a request may have ${logBytes} bytes on this device's link; ask for fewer of the newest lines`
      throw new SkerryError('log.limited', why)
    }
    return await this.#turns.run(() => this.#draw(Math.min(most, logBytes - sent), signal))
  }

  async #draw(wanted: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted()
      const { logBytesPerS } = this.#link()
      if (logBytesPerS === undefined) return wanted
      const bucket = fill(this.#bucket, this.#clock.monotonic(), logBytesPerS)
      const drawn = draw(bucket, wanted, logBytesPerS)
      this.#bucket = 'bytes' in drawn ? { ...bucket, bytes: bucket.bytes - drawn.bytes } : bucket
      if ('bytes' in drawn) return drawn.bytes
      await pause(this.#clock, drawn.waitMs, signal)
    }
  }
}
