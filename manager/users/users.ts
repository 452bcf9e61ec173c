// The fleet's users and the tokens of its programs: made, changed and taken away, each durably and with its event.
import { randomBytes } from 'node:crypto'
import type { Role, User } from '../../protocol/access.js'
import type { Clock } from '../../protocol/clock.js'
import { SkerryError, unwrap } from '../../protocol/errors.js'
import { checkName } from '../../protocol/names.js'
import { newEvent } from '../core/events.js'
import type { Inventory } from '../inventory.js'
import type { Journal } from '../journal.js'
import * as tokens from '../store/access-tokens.js'
import type { Db } from '../store/db.js'
import { readGroup } from '../store/groups.js'
import { deleteSessionsOf } from '../store/sessions.js'
import * as users from '../store/users.js'
import { checkPassword, Passwords } from './passwords.js'
import { scopeOf } from './scope.js'
import { formatToken, hashOf, makeOneTimePassword, makeSecret } from './secrets.js'

export interface UsersOptions {
  readonly db: Db
  readonly clock: Clock
  readonly journal: Journal
  readonly inventory: Inventory
}

/** What a user or a token may do. */
export interface Grant {
  readonly role: Role
  readonly groups: users.Groups
}

export interface UserPatch extends Partial<Grant> {
  /** `once`: a new one-time password is made. */
  readonly password?: string | 'once'
  /** A session that goes on; all others of the user end. */
  readonly keep?: string | undefined
  /** What the password was kept as when whoever changes it proved to know it. */
  readonly before?: string
}

/** Names of those who are no users: this machine's own token, and that of the settings. */
const reserved = ['local', 'config']
const firstAdmin = 'admin'
const maxUsers = 10_000
const dayMs = 86_400_000
/** Uses of a token are written down no more often than this. */
const seenMs = 60_000

export class Users {
  readonly passwords = new Passwords()
  readonly #options: UsersOptions
  readonly #listeners = new Set<() => void>()
  #version = 0

  constructor(options: UsersOptions) {
    this.#options = options
  }

  /** Follows the fleet, as scopes do. Returns the one-time password of the first admin, if there is no user yet. */
  start(): string | undefined {
    this.#options.journal.subscribe(events => {
      if (!events.some(({ type }) => type.startsWith('group.') || type === 'device.released')) return
      this.#version++
      this.#tell()
    })
    if (users.readUsers(this.#options.db).length > 0) return undefined
    const password = makeOneTimePassword()
    this.#insert({ name: firstAdmin, role: 'admin', groups: null }, { password: this.passwords.hashOneTime(password), once: true })
    return password
  }

  /** Called when users, tokens or groups were changed. Returns how to stop it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  list(): users.UserRow[] {
    return users.readUsers(this.#options.db)
  }

  has(name: string): boolean {
    return users.readUser(this.#options.db, name) !== undefined
  }

  /** Throws `user.unknown`. */
  find(name: string): users.UserRow {
    const user = users.readUser(this.#options.db, name)
    if (user === undefined) throw new SkerryError('user.unknown', `there is no user ${JSON.stringify(name.slice(0, 64))}`)
    return user
  }

  /** Makes a user, with a one-time password (which it returns) unless one is given. Throws `user.exists`, `name.invalid`, `auth.password`. */
  async create(name: string, grant: Grant, password?: string): Promise<string | undefined> {
    this.#checkNew(name, grant)
    if (this.list().length >= maxUsers) throw new SkerryError('request.invalid', `there are ${maxUsers} users already`)
    const { kept, once, made } = await this.#keep(name, password ?? 'once')
    this.#checkNew(name, grant)
    this.#insert({ name, ...grant }, { password: kept, once })
    return made
  }

  /** Ends the user's sessions. Returns the one-time password, if one was to be made. Throws `user.unknown`, `group.unknown`, `auth.password`. */
  async change(name: string, { role, groups, password, keep, before: expected }: UserPatch): Promise<string | undefined> {
    if (groups !== undefined) this.#checkGroups(groups)
    this.find(name)
    const set = password === undefined ? undefined : await this.#keep(name, password)
    const before = this.find(name)
    if (expected !== undefined && before.password !== expected) throw new SkerryError('auth.refused', 'the password was changed meanwhile')
    const after = {
      ...before,
      ...(role === undefined ? {} : { role }),
      ...(groups === undefined ? {} : { groups }),
      ...(set === undefined ? {} : { password: set.kept, once: set.once }),
    }
    const { db, journal } = this.#options
    journal.change(note => {
      users.updateUser(db, after)
      deleteSessionsOf(db, name, keep)
      const data = { role: after.role, groups: after.groups, password: set !== undefined }
      note(newEvent('user.changed', `user ${name} was changed`, { data: { user: name, ...data } }))
    })
    this.#tell()
    return set?.made
  }

  /** Throws `user.unknown`. */
  remove(name: string): void {
    this.find(name)
    const { db, journal } = this.#options
    journal.change(note => {
      users.deleteUser(db, name)
      deleteSessionsOf(db, name)
      note(newEvent('user.deleted', `user ${name} was deleted`, { data: { user: name } }))
    })
    this.#tell()
  }

  listTokens(): tokens.AccessTokenRow[] {
    return tokens.readAccessTokens(this.#options.db)
  }

  /** Makes a program's token and returns it: it is not shown again. Throws `user.exists`, `name.invalid`, `group.unknown`. */
  createToken(
    name: string,
    { role, groups }: Grant,
    { days, by }: { days: number; by: string },
  ): { token: string; row: tokens.AccessTokenRow } {
    this.#checkNew(name, { role, groups })
    const { db, journal, clock } = this.#options
    const [id, secret, createdAt] = [randomBytes(6).toString('base64url'), makeSecret(), clock.now()]
    const row = { id, hash: hashOf(secret), name, role, groups, createdAt, createdBy: by, expiresAt: createdAt + days * dayMs }
    journal.change(note => {
      tokens.insertAccessToken(db, row)
      note(newEvent('access-token.created', `token ${name} was made by ${by}`, { data: { token: name, role, groups, days } }))
    })
    return { token: formatToken(id, secret), row: { ...row, lastSeen: null } }
  }

  /** By name or id. Throws `token.unknown`. */
  removeToken(reference: string): void {
    const { db, journal } = this.#options
    const token = tokens.readAccessTokenNamed(db, reference) ?? tokens.readAccessToken(db, reference)
    if (token === undefined) throw new SkerryError('token.unknown', `there is no token ${JSON.stringify(reference.slice(0, 64))}`)
    journal.change(note => {
      tokens.deleteAccessToken(db, token.id)
      note(newEvent('access-token.deleted', `token ${token.name} was deleted`, { data: { token: token.name } }))
    })
    this.#tell()
  }

  /** Its token was used. */
  sawToken({ id, lastSeen }: tokens.AccessTokenRow): void {
    const { db, clock } = this.#options
    if (clock.now() - (lastSeen ?? 0) >= seenMs) tokens.sawAccessToken(db, id, clock.now())
  }

  /** A user or a program by name, as it is now; undefined: not there, no longer good, or not yet ready to do anything. */
  user(name: string): User | undefined {
    const { db, clock } = this.#options
    const user = users.readUser(db, name)
    if (user !== undefined) return user.once ? undefined : this.asUser(user)
    const token = tokens.readAccessTokenNamed(db, name)
    return token === undefined || token.expiresAt <= clock.now() ? undefined : this.asUser(token)
  }

  asUser({ name, role, groups, ...kept }: users.UserRow | tokens.AccessTokenRow): User {
    const { db, inventory } = this.#options
    const proof = 'password' in kept ? hashOf(kept.password) : kept.id
    return { name, role, proof, scope: scopeOf({ db, inventory, version: () => this.#version }, groups) }
  }

  #insert(user: { readonly name: string } & Grant, { password, once }: Pick<users.UserRow, 'password' | 'once'>): void {
    const { db, journal, clock } = this.#options
    const { name, role, groups } = user
    journal.change(note => {
      users.insertUser(db, { name, role, groups, password, once, createdAt: clock.now() })
      note(newEvent('user.created', `user ${name} was made`, { data: { user: name, role, groups } }))
    })
    this.#tell()
  }

  async #keep(name: string, password: string | 'once'): Promise<{ kept: string; once: boolean; made?: string }> {
    if (password !== 'once') return { kept: await this.passwords.hash(unwrap(checkPassword(password, name))), once: false }
    const made = makeOneTimePassword()
    return { kept: this.passwords.hashOneTime(made), once: true, made }
  }

  /** Users and tokens share their names: a broker's client says a name and a password, whoever it is. */
  #checkNew(name: string, { groups }: Grant): void {
    unwrap(checkName('user', name))
    this.#checkGroups(groups)
    const { db } = this.#options
    const isTaken = reserved.includes(name) || users.readUser(db, name) !== undefined || tokens.readAccessTokenNamed(db, name) !== undefined
    if (isTaken) throw new SkerryError('user.exists', `there is a user or token ${name} already`)
  }

  #checkGroups(groups: users.Groups): void {
    for (const [n, group] of (groups ?? []).entries()) {
      if (readGroup(this.#options.db, group) !== undefined) continue
      throw new SkerryError('group.unknown', `there is no group ${JSON.stringify(group.slice(0, 64))}`, { path: `groups[${n}]` })
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
