// Everybody's way in: what the HTTP API and the broker ask about credentials, in one place.
import type { Access, User } from '../../protocol/access.js'
import { type Result, SkerryError } from '../../protocol/errors.js'
import type { Who } from '../core/permit.js'
import { readAccessToken } from '../store/access-tokens.js'
import { Logins, plainAddress } from './logins.js'
import { wholeFleet } from './scope.js'
import { fits, hashOf, parseBearer } from './secrets.js'
import { Sessions } from './sessions.js'
import { Users, type UsersOptions } from './users.js'

/** Tokens that are good for everything while the process runs. */
export interface FixedTokens {
  /** This machine's own. */
  readonly local?: string | undefined
  /** The one of the settings. */
  readonly config?: string | undefined
}

/** Tokens are not limited in how often they may be tried: they have to be beyond guessing. */
const shortestToken = 16

/** Somebody's way in, which may close while they use it. */
export interface Caller {
  readonly who: Who
  /** When it closes by itself; null: not while this process runs. */
  readonly expiresAt: number | null
  /** Whether the session or token is still good. */
  isGood(): boolean
  /** The session's hash, if they came by one. */
  readonly session?: string
}

export class Door implements Pick<Access, 'logIn' | 'user' | 'onChange'> {
  readonly users: Users
  readonly sessions: Sessions
  readonly #options: UsersOptions
  readonly #logins: Logins
  readonly #fixed: readonly { readonly kind: 'local' | 'config'; readonly hash: string }[]

  constructor(options: UsersOptions, { local, config }: FixedTokens) {
    this.#options = options
    this.users = new Users(options)
    this.#logins = new Logins(options, this.users)
    this.sessions = new Sessions(options, this.users, this.#logins)
    if (config && config.length < shortestToken) {
      throw new SkerryError('config.invalid', `the token of the HTTP API has at least ${shortestToken} characters`, { path: 'http-token' })
    }
    this.#fixed = [
      ...(local ? [{ kind: 'local', hash: hashOf(local) } as const] : []),
      ...(config ? [{ kind: 'config', hash: hashOf(config) } as const] : []),
    ]
  }

  /** For the broker; see Access in protocol/access.ts. */
  logIn(name: string, password: string, address: string): Promise<Result<User>> {
    return this.#logins.logIn(name, password, address)
  }

  user(name: string): User | undefined {
    return this.users.user(name)
  }

  onChange(listener: () => void): () => void {
    return this.users.onChange(listener)
  }

  /** Who presents this; undefined if it is good for nothing. */
  identify(presented: string, from: string): Caller | undefined {
    const address = plainAddress(from)
    const bearer = parseBearer(presented)
    switch (bearer.kind) {
      case 'session':
        return this.#bySession(bearer.secret, address)
      case 'token':
        return this.#byToken(bearer, address)
      case 'other':
        return this.#byFixed(bearer.secret, address)
    }
  }

  #bySession(secret: string, address: string): Caller | undefined {
    const open = this.sessions.find(secret)
    if (open === undefined) return undefined
    const { user, hash, expiresAt } = open
    const isGood = () => sameScope(this.sessions.look(hash)?.user, user)
    return { who: { ...user, kind: 'user', address }, expiresAt, isGood, session: hash }
  }

  #byToken({ id, secret }: { id: string; secret: string }, address: string): Caller | undefined {
    const { db, clock } = this.#options
    const find = () => {
      const token = readAccessToken(db, id)
      return token !== undefined && token.expiresAt > clock.now() && fits(secret, token.hash) ? token : undefined
    }
    const token = find()
    if (token === undefined) return undefined
    this.users.sawToken(token)
    const who: Who = { ...this.users.asUser(token), kind: 'token', address }
    const isGood = () => {
      const now = find()
      return sameScope(now && this.users.asUser(now), who)
    }
    return { who, expiresAt: token.expiresAt, isGood }
  }

  #byFixed(secret: string, address: string): Caller | undefined {
    const found = this.#fixed.find(({ hash }) => fits(secret, hash))
    if (found === undefined) return undefined
    const who: Who = { name: found.kind, role: 'admin', scope: wholeFleet, kind: found.kind, address }
    return { who, expiresAt: null, isGood: () => true }
  }
}

/** False, too, once one of the groups is gone: a later one of that name is another. */
function sameScope(now: User | undefined, before: User): boolean {
  if (now === undefined) return false
  const [one, other] = [now.scope.groups, before.scope.groups]
  return one === other || (one !== 'all' && other !== 'all' && one.size === other.size)
}
