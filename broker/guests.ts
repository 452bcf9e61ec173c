// The clients that are in, or about to be: where each comes from and who it is.
import type { Client } from 'aedes'
import type { Principal } from './auth.js'
import type { Arrival } from './listeners.js'

/** What is known of a connection before it says who it is. */
export interface Visit extends Omit<Arrival, 'socket'> {
  /** Made inside the process. */
  readonly trusted: boolean
}

export interface Guest {
  readonly visit: Visit
  readonly principal: Principal
  /** The run that a device's agent names. */
  readonly run: string | undefined
}

const nowhere: Visit = { address: 'unknown', trusted: false, secure: false }

export class Guests {
  readonly #visits = new WeakMap<object, Visit>()
  readonly #guests = new Map<Client, Guest>()
  /** Who has left: their wills are published after that. */
  readonly #parted = new WeakMap<Client, Principal>()

  /** Tells where a connection comes from, before Aedes gets it. */
  expect(connection: object, visit: Visit): void {
    this.#visits.set(connection, visit)
  }

  enter(client: Client, guest: Guest): void {
    this.#guests.set(client, guest)
    client.conn.once('close', () => {
      const last = this.principalOf(client)
      if (last !== undefined) this.#parted.set(client, last)
      this.#guests.delete(client)
    })
  }

  /** Somebody who is in turns out to be somewhat else. */
  change(client: Client, guest: Guest): void {
    if (this.#guests.has(client)) this.#guests.set(client, guest)
  }

  all(): [Client, Guest][] {
    return [...this.#guests]
  }

  find(client: Client | undefined): Guest | undefined {
    return client === undefined ? undefined : this.#guests.get(client)
  }

  principalOf(client: Client): Principal | undefined {
    return this.#guests.get(client)?.principal
  }

  /** Who says what this client says, also by its will. */
  authorOf(client: Client): Principal | undefined {
    return this.principalOf(client) ?? this.#parted.get(client)
  }

  visitOf(client: Client): Visit {
    return this.#visits.get(client.conn) ?? nowhere
  }

  /** What to call a client. Before it is let in nothing that it says of itself is believed. */
  nameOf(client: Client): string {
    const principal = this.principalOf(client)
    const { address } = this.visitOf(client)
    if (principal === undefined) return address
    return principal.kind === 'user' ? principal.user.name : client.id || address
  }
}
