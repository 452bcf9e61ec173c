// What the HTTP API answers about users, sessions and tokens.

import type { Role } from '../../protocol/access.js'

/** Groups that a role is for; null: the whole fleet. */
type Groups = readonly string[] | null

export interface Who {
  readonly name: string
  readonly kind: 'user' | 'token' | 'local' | 'config'
  readonly role: Role
  readonly groups: Groups
  readonly expiresAt: string | null
}

export interface LoggedIn extends Who {
  /** The session's, where a token was asked for. */
  readonly token?: string
}

export interface User {
  readonly name: string
  readonly role: Role
  readonly groups: Groups
  readonly oneTimePassword: boolean
  readonly createdAt: string
  readonly lastSeen: string | null
}

export interface NewUser extends User {
  /** The one-time password, if one was made. */
  readonly password: string | null
}

export interface AccessToken {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly groups: Groups
  readonly createdAt: string
  readonly createdBy: string
  readonly expiresAt: string
  readonly lastSeen: string | null
}
