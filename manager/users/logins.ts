// Who has a name and a password: by the page and the command line for a session, and by the broker's clients at every connect.
import { createHmac, randomBytes } from 'node:crypto'
import type { User } from '../../protocol/access.js'
import { accept, type Result, refuse, SkerryError } from '../../protocol/errors.js'
import { newEvent } from '../core/events.js'
import { readAccessToken } from '../store/access-tokens.js'
import { readUser, type UserRow } from '../store/users.js'
import { LoginLimits } from './limits.js'
import { Once } from './once.js'
import { fits, parseBearer } from './secrets.js'
import type { Users, UsersOptions } from './users.js'

export interface Attempt {
  readonly name: string
  readonly password: string
  readonly address: string
}

/** Passwords that were right are remembered, by a hash that this process alone can make. */
const maxProved = 10_000
const tellAgainMs = 60_000
const refused = 'no user has this name and password'

export class Logins {
  readonly #options: UsersOptions
  readonly #users: Users
  readonly #limits = new LoginLimits()
  readonly #told = new Once({ againMs: tellAgainMs, atMost: 60 })
  readonly #key = randomBytes(32)
  /** What the password was checked against, by the hash of name and password. */
  readonly #proved = new Map<string, string>()
  readonly #underWay = new Map<string, Promise<UserRow | undefined>>()

  constructor(options: UsersOptions, users: Users) {
    this.#options = options
    this.#users = users
  }

  /** For the broker: whoever has to change a one-time password first is not let in. */
  async logIn(name: string, password: string, address: string): Promise<Result<User>> {
    const attempt = { name, password, address: plainAddress(address) }
    if (parseBearer(password).kind === 'token') return this.#logInByToken(attempt)
    const found = await this.check(attempt)
    if (!found.ok) return found
    if (found.value.once) return refuse('auth.refused', `${name} has to replace the one-time password first`)
    return accept(this.#users.asUser(found.value))
  }

  /** Refuses with `auth.refused` or `auth.limited`. */
  async check(attempt: Attempt): Promise<Result<UserRow>> {
    const { name, address } = attempt
    const limited = this.#checkLimit(attempt)
    if (limited !== undefined) return limited
    const user = readUser(this.#options.db, name)
    const proof = createHmac('sha256', this.#key)
      .update(JSON.stringify([name, attempt.password]))
      .digest('base64url')
    const known = user !== undefined && this.#proved.get(proof) === user.password
    const found = known ? user : await this.#tryOnce(proof, attempt, user).catch(limitedAt)
    if (found instanceof SkerryError) return refuse('auth.limited', found.message)
    if (found === undefined) return this.#refuse(attempt)
    this.#limits.know(name, address)
    return accept(found)
  }

  /** Several that come with the same name and password are one guess. */
  #tryOnce(proof: string, attempt: Attempt, user: UserRow | undefined): Promise<UserRow | undefined> {
    const underWay = this.#underWay.get(proof)
    if (underWay !== undefined) return underWay
    const started = this.#try(proof, attempt, user).finally(() => this.#underWay.delete(proof))
    this.#underWay.set(proof, started)
    return started
  }

  async #try(proof: string, { name, password, address }: Attempt, user: UserRow | undefined): Promise<UserRow | undefined> {
    const { db, clock } = this.#options
    this.#limits.count(name, address, { guesses: 1, now: clock.monotonic() })
    const isRight = await this.#users.passwords.verify(password, user?.password)
    const now = readUser(db, name)
    // It may have been changed while it was checked.
    if (!isRight || user === undefined || now?.password !== user.password) return undefined
    this.#limits.count(name, address, { guesses: -1, now: clock.monotonic() })
    if (!user.once) this.#prove(proof, user.password)
    return now
  }

  #prove(proof: string, kept: string): void {
    this.#proved.set(proof, kept)
    const [oldest] = this.#proved.keys()
    if (this.#proved.size > maxProved && oldest !== undefined) this.#proved.delete(oldest)
  }

  #logInByToken(attempt: Attempt): Result<User> {
    const { db, clock } = this.#options
    const { name, address } = attempt
    const limited = this.#checkLimit(attempt)
    if (limited !== undefined) return limited
    const bearer = parseBearer(attempt.password)
    const token = bearer.kind === 'token' ? readAccessToken(db, bearer.id) : undefined
    const isRight = token !== undefined && fits(bearer.secret, token.hash) && token.name === name && token.expiresAt > clock.now()
    if (!isRight) {
      this.#limits.count(name, address, { guesses: 1, now: clock.monotonic() })
      return this.#refuse(attempt)
    }
    this.#users.sawToken(token)
    return accept(this.#users.asUser(token))
  }

  #checkLimit(attempt: Attempt): ReturnType<typeof refuse> | undefined {
    const waitMs = this.#limits.wait(attempt.name, attempt.address, this.#options.clock.monotonic())
    if (waitMs === 0) return undefined
    this.#tell(attempt, 'auth.limited')
    return refuse('auth.limited', `too many log-ins have failed: try again in ${Math.ceil(waitMs / 1000)} s`)
  }

  #refuse(attempt: Attempt): ReturnType<typeof refuse> {
    this.#tell(attempt, 'auth.refused')
    return refuse('auth.refused', refused)
  }

  /** What is no user's name may be a password that went into the wrong field: it is not told. */
  #tell({ name, address }: Attempt, code: 'auth.refused' | 'auth.limited'): void {
    const { db, clock, journal } = this.#options
    const user = readUser(db, name) === undefined ? null : name
    if (!this.#told.isNew(`${code} ${address} ${user}`, clock.monotonic())) return
    const what = code === 'auth.refused' ? 'refused' : 'refused for a while'
    journal.note(
      newEvent('login.refused', `a log-in of ${user ?? 'nobody known'} from ${address} was ${what}`, { data: { user, address, code } }),
    )
  }
}

function limitedAt(error: unknown): SkerryError {
  if (error instanceof SkerryError && error.code === 'auth.limited') return error
  throw error
}

/** IPv4 as people write it. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
