// Users and programs, as the API shows them.

import { Type } from 'typebox'
import { roles } from '../../../protocol/access.js'
import { nullable, oneOf, ref, time } from './basics.js'

const groupsSchema = nullable(Type.Array(Type.String(), { description: 'Groups that the role is for; null: the whole fleet.' }))
const grant = { name: Type.String(), role: oneOf(roles), groups: groupsSchema }

export const WhoSchema = Type.Object(
  {
    ...grant,
    kind: Type.Unsafe<'user' | 'token' | 'local' | 'config'>({
      ...oneOf(['user', 'token', 'local', 'config']),
      description: 'A user, a program’s token, the machine’s own token, or that of the settings.',
    }),
    expiresAt: nullable(time),
  },
  { $id: 'Who' },
)

export const LoggedInSchema = Type.Intersect(
  [ref(WhoSchema), Type.Object({ token: Type.Optional(Type.String({ description: 'To be sent as a bearer, where one was asked for.' })) })],
  { $id: 'LoggedIn' },
)

export const UserSchema = Type.Object(
  {
    ...grant,
    oneTimePassword: Type.Boolean({ description: 'Whether the password has to be replaced at the first log-in.' }),
    createdAt: time,
    lastSeen: nullable(time),
  },
  { $id: 'User' },
)

export const NewUserSchema = Type.Intersect(
  [ref(UserSchema), Type.Object({ password: nullable(Type.String({ description: 'The one-time password, if one was made.' })) })],
  { $id: 'NewUser' },
)

export const AccessTokenSchema = Type.Object(
  { id: Type.String(), ...grant, createdAt: time, createdBy: Type.String(), expiresAt: time, lastSeen: nullable(time) },
  { $id: 'AccessToken' },
)

export const NewAccessTokenSchema = Type.Intersect([ref(AccessTokenSchema), Type.Object({ token: Type.String() })], {
  $id: 'NewAccessToken',
})
