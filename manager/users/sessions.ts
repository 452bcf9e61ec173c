// Sessions: begun by a log-in, carried by a secret, ended by a log-out, by time, and whenever their user is changed.
import type { User } from '../../protocol/access.js'
import { type Result, refuse, unwrap } from '../../protocol/errors.js'
import * as sessions from '../store/sessions.js'
import { readUser, sawUser, type UserRow } from '../store/users.js'
import type { Attempt, Logins } from './logins.js'
import { formatSession, hashOf, makeSecret } from './secrets.js'
import type { Users, UsersOptions } from './users.js'

const hourMs = 3_600_000
/** How long a session may go unused, and how long it may last. */
const limits: Readonly<Record<sessions.SessionKind, { readonly idleMs: number; readonly wholeMs: number }>> = {
  cookie: { idleMs: 12 * hourMs, wholeMs: 7 * 24 * hourMs },
  token: { idleMs: 7 * 24 * hourMs, wholeMs: 30 * 24 * hourMs },
}
/** Uses are written down no more often than this. */
const seenMs = 60_000
const keptPerUser = 50

export interface NewSession {
  /** As a bearer presents it; a cookie carries the same. */
  readonly secret: string
  readonly user: User
  readonly expiresAt: number
}

export interface OpenSession {
  readonly hash: string
  readonly user: User
  readonly expiresAt: number
}

export interface LogIn extends Attempt {
  /** Replaces a one-time password. */
  readonly newPassword?: string
  readonly kind: sessions.SessionKind
}

export class Sessions {
  readonly #options: UsersOptions
  readonly #users: Users
  readonly #logins: Logins

  constructor(options: UsersOptions, users: Users, logins: Logins) {
    this.#options = options
    this.#users = users
    this.#logins = logins
  }

  /** Refuses with `auth.refused`, `auth.limited`, or `auth.password` where a one-time password has to be replaced. */
  async begin(attempt: LogIn): Promise<Result<NewSession>> {
    const found = await this.#logins.check(attempt)
    if (!found.ok) return found
    const { name, once, password } = found.value
    if (once && attempt.newPassword === undefined) {
      return refuse('auth.password', 'this password is good for one log-in only: send a new one with it', 'newPassword')
    }
    if (once) await this.#users.change(name, { password: attempt.newPassword ?? '', before: password })
    return { ok: true, value: this.#insert(name, attempt.kind) }
  }

  /** A user's own new password; the other sessions end. Throws as {@link begin} refuses. */
  async changePassword(attempt: Attempt, newPassword: string, keep: string | undefined): Promise<void> {
    const { name, password } = unwrap(await this.#logins.check(attempt))
    await this.#users.change(name, { password: newPassword, before: password, keep })
  }

  /** The session of a secret, if it is still good; it is used by that. */
  find(secret: string): OpenSession | undefined {
    const hash = hashOf(secret)
    const open = this.look(hash)
    if (open !== undefined) this.#saw(hash, open.user.name)
    return open
  }

  look(hash: string): OpenSession | undefined {
    const { db, clock } = this.#options
    const session = sessions.readSession(db, hash)
    const user = session && readUser(db, session.user)
    if (session === undefined || user === undefined || user.once) return undefined
    const expiresAt = expiryOf(session)
    return expiresAt <= clock.now() ? undefined : { hash, user: this.#users.asUser(user), expiresAt }
  }

  end(hash: string): void {
    this.#options.db.durably(() => sessions.deleteSession(this.#options.db, hash))
  }

  #insert(name: UserRow['name'], kind: sessions.SessionKind): NewSession {
    const { db, clock, journal } = this.#options
    const [secret, now] = [makeSecret(), clock.now()]
    const session = { hash: hashOf(secret), user: name, kind, createdAt: now, seenAt: now }
    journal.flush()
    db.durably(() => {
      for (const each of ['cookie', 'token'] as const) {
        sessions.deleteSessionsBefore(db, each, { seenAt: now - limits[each].idleMs, createdAt: now - limits[each].wholeMs })
      }
      sessions.insertSession(db, session)
      sessions.trimSessions(db, name, keptPerUser)
      sawUser(db, name, now)
    })
    return { secret: formatSession(secret), user: this.#users.asUser(this.#users.find(name)), expiresAt: expiryOf(session) }
  }

  #saw(hash: string, user: string): void {
    const { db, clock } = this.#options
    const session = sessions.readSession(db, hash)
    if (session === undefined || clock.now() - session.seenAt < seenMs) return
    db.quickly(() => {
      sessions.sawSession(db, hash, clock.now())
      sawUser(db, user, clock.now())
    })
  }
}

function expiryOf({ kind, seenAt, createdAt }: sessions.SessionRow): number {
  return Math.min(seenAt + limits[kind].idleMs, createdAt + limits[kind].wholeMs)
}
