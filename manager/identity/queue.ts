// Work that takes its time, a few at a time: one piece a name, and no more waiting than there is room for.

export class Queue {
  readonly #atOnce: number
  readonly #room: number
  readonly #names = new Set<string>()
  readonly #waiting: { readonly name: string; readonly work: () => Promise<void> }[] = []
  #running = 0
  #settled: (() => void)[] = []

  constructor({ atOnce, room }: { readonly atOnce: number; readonly room: number }) {
    this.#atOnce = atOnce
    this.#room = room
  }

  /** False if it is not taken: the same is waiting or at work already, or too much is. `work` must not reject. */
  add(name: string, work: () => Promise<void>): boolean {
    if (this.#names.has(name) || this.#waiting.length >= this.#room) return false
    this.#names.add(name)
    this.#waiting.push({ name, work })
    this.#next()
    return true
  }

  /** Drops what waits and resolves when nothing is at work any more. */
  async stop(): Promise<void> {
    for (const { name } of this.#waiting.splice(0)) this.#names.delete(name)
    if (this.#running > 0) await new Promise<void>(resolve => this.#settled.push(resolve))
  }

  #next(): void {
    if (this.#running >= this.#atOnce) return
    const item = this.#waiting.shift()
    if (item === undefined) return
    this.#running++
    void item.work().finally(() => {
      this.#running--
      this.#names.delete(item.name)
      this.#next()
      if (this.#running === 0) for (const resolve of this.#settled.splice(0)) resolve()
    })
  }
}
