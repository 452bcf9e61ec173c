// Takes turns while there is reason to: one at a time, and one more after it if it is woken meanwhile.

export class Loop {
  readonly #turn: () => Promise<void>
  #woken = false
  #busy = false
  #stopped = false
  #ended: Promise<void> | undefined

  /** `turn` must not throw. */
  constructor(turn: () => Promise<void>) {
    this.#turn = turn
  }

  get stopped(): boolean {
    return this.#stopped
  }

  wake(): void {
    this.#woken = true
    if (!this.#busy) this.#ended = this.#run()
  }

  /** Takes no further turn; waits for the one under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#ended
  }

  async #run(): Promise<void> {
    this.#busy = true
    while (this.#woken && !this.#stopped) {
      this.#woken = false
      await this.#turn()
    }
    this.#busy = false
  }
}
