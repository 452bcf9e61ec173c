// The connections that have not been let in yet: in a handshake, before their CONNECT, or while a password is looked at.

export class Waiting {
  readonly #most: number
  readonly #mostPerAddress: number
  readonly #addresses = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  constructor(most: number, mostPerAddress: number) {
    this.#most = most
    this.#mostPerAddress = mostPerAddress
  }

  /** False if there is no room; nothing has changed then. */
  enter(name: string, address: string): boolean {
    const count = this.#counts.get(address) ?? 0
    if (this.#addresses.size >= this.#most || count >= this.#mostPerAddress) return false
    this.leave(name)
    this.#addresses.set(name, address)
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1)
    return true
  }

  /** It was let in, or has gone. */
  leave(name: string): void {
    const address = this.#addresses.get(name)
    if (address === undefined) return
    this.#addresses.delete(name)
    const left = (this.#counts.get(address) ?? 0) - 1
    if (left > 0) this.#counts.set(address, left)
    else this.#counts.delete(address)
  }
}
