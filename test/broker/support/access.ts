// Whoever keeps devices and users, for tests: plain sets that a test fills and changes.
import type { Access, Notice, Role, Scope, User } from '../../../protocol/access.js'
import { accept, type Result, refuse } from '../../../protocol/errors.js'

export const everything: Scope = { groups: 'all', devices: 'all' }

export class FakeAccess implements Access {
  /** Keys by device. */
  readonly keys = new Map<string, string>()
  readonly groups = new Map<string, Set<string>>()
  readonly users = new Map<string, User & { readonly password: string }>()
  readonly notices: Notice[] = []
  /** Log-ins so far. */
  logIns = 0
  /** What a log-in waits for. */
  hold = async (): Promise<void> => {}
  readonly #listeners = new Set<() => void>()

  addUser(name: string, role: Role, scope: Scope = everything, proof = '1'): void {
    this.users.set(name, { name, role, scope, proof, password: `${name}'s` })
  }

  device(id: string, key: string): Result<true> {
    return this.keys.get(id) === key ? accept(true) : refuse('certificate.revoked', `${id} has no such key`)
  }

  /** Keys of released devices that have not heard it. */
  readonly left = new Map<string, string>()

  leaving(id: string, key: string): boolean {
    return this.left.get(id) === key
  }

  groupsOf(id: string): Pick<ReadonlySet<string>, 'has'> {
    return { has: group => this.groups.get(id)?.has(group) === true }
  }

  async logIn(name: string, password: string): Promise<Result<User>> {
    this.logIns++
    await this.hold()
    const user = this.users.get(name)
    return user?.password === password ? accept(user) : refuse('auth.refused', 'name or password is wrong')
  }

  user(name: string): User | undefined {
    return this.users.get(name)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Tells that something has changed. */
  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  /** How many listen for changes. */
  get listening(): number {
    return this.#listeners.size
  }

  note(notice: Notice): void {
    this.notices.push(notice)
  }
}
