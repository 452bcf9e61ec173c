// Who may come to the broker, and who they are there: what the broker asks of whoever keeps the fleet's devices and users.
import type { Result } from './errors.js'

export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

/** What of the fleet somebody's role is about. The sets are live: they follow the fleet while somebody is connected. */
export interface Scope {
  readonly groups: 'all' | ReadonlySet<string>
  /** Ids of the devices in those groups, and their names where only one device has that name and none has it as its id. */
  readonly devices: 'all' | ReadonlySet<string>
}

/** The names of groups, live. */
export type Groups = Pick<ReadonlySet<string>, 'has'>

/** A person or a program. */
export interface User {
  readonly name: string
  readonly role: Role
  readonly scope: Scope
  /** Changes when the password does: whoever came in with an older one has to come again. */
  readonly proof?: string
}

/** What the broker saw and the fleet's people should know. */
export type Notice =
  /** Two that live claim one identity; the second was turned away. Addresses as `10.1.4.7`. */
  | { readonly kind: 'identity.conflict'; readonly device: string; readonly addresses: readonly [holder: string, other: string] }
  /** Somebody was not let in, or not let do something; each source and reason once in a while. */
  | { readonly kind: 'refused'; readonly reason: string; readonly who: string; readonly address: string; readonly detail?: string }

/** Asked at CONNECT and whenever something has changed; every answer but that about a password comes at once. */
export interface Access {
  /** Whether a device's certificate is still good for the fleet. `key` is the SHA-256 of its public key (SPKI), in base64url. */
  device(id: string, key: string): Result<true>
  /**
   * Whether a device that {@link device} refuses was registered with this key until it was released, and has not been told so yet.
   * It may come in for that alone: to what a device may, but on its own topics only, without renewal, and neither groups nor specs.
   */
  leaving(id: string, key: string): boolean
  /** The groups that a device is in: what it may read of. */
  groupsOf(id: string): Groups
  /** Who has this name and password. Refuses with `auth.refused` or `auth.limited`. */
  logIn(name: string, password: string, address: string): Promise<Result<User>>
  /** The user as it is now; undefined: no longer there. */
  user(name: string): User | undefined
  /** Called when devices or users were changed so that an open connection may have to end. Returns how to stop it. */
  onChange(listener: () => void): () => void
  note(notice: Notice): void
}
