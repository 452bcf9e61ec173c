// How much may be sent: what was granted in all, less what was sent. Whoever has used it up waits.

export class Credit {
  #granted: number
  #sent = 0
  #wake = () => {}

  constructor(grantedBytes: number) {
    this.#granted = grantedBytes
  }

  /** Sums only grow: an older grant that comes again changes nothing. */
  grant(bytesInAll: number): void {
    if (bytesInAll <= this.#granted) return
    this.#granted = bytesInAll
    this.#wake()
  }

  /** Takes 1 to `most` bytes, once there are any. For one taker at a time. Throws the signal's reason when it aborts. */
  async take(most: number, signal: AbortSignal): Promise<number> {
    while (this.#granted <= this.#sent) await this.#granting(signal)
    signal.throwIfAborted()
    const taken = Math.min(most, this.#granted - this.#sent)
    this.#sent += taken
    return taken
  }

  #granting(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      this.#wake = () => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
    })
  }
}
