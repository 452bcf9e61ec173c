// Routes of users.
import { type Static, Type } from 'typebox'
import { roles } from '../../protocol/access.js'
import type { UserRow } from '../store/users.js'
import type { Door } from '../users/door.js'
import { admin } from './access.js'
import { listOf, nullable, oneOf, ProblemSchema, ref } from './schemas/basics.js'
import { NewUserSchema, UserSchema } from './schemas/users.js'
import type { Api } from './server.js'

const tags = ['access']
const problems = { 400: ref(ProblemSchema), 403: ref(ProblemSchema), 404: ref(ProblemSchema) }
const userParams = Type.Object({ user: Type.String() })
const groups = nullable(Type.Array(Type.String(), { maxItems: 1000, description: 'Groups that the role is for.' }))
const password = Type.String({ maxLength: 1024 })

const newUser = Type.Object(
  {
    name: Type.String(),
    role: oneOf(roles),
    groups: Type.Optional(Type.Unsafe<Static<typeof groups>>({ ...groups, description: 'Null or absent: the whole fleet.' })),
    password: Type.Optional(Type.Unsafe<string>({ ...password, description: 'Absent: a one-time password is made, and answered once.' })),
  },
  { additionalProperties: false },
)

const patch = Type.Object({ role: Type.Optional(oneOf(roles)), groups: Type.Optional(groups) }, { additionalProperties: false })

export function userRoutes(api: Api, door: Door): void {
  api.get(
    '/users',
    { config: admin('fleet'), schema: { tags, summary: 'All users, sorted by name.', response: { 200: listOf(UserSchema) } } },
    async () => ({ items: door.users.list().map(showUser) }),
  )

  api.post(
    '/users',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Makes a user.',
        body: newUser,
        response: { 201: ref(NewUserSchema), ...problems, 409: ref(ProblemSchema) },
      },
    },
    async ({ body: { name, role, groups = null, password } }, reply) => {
      const made = await door.users.create(name, { role, groups }, password)
      reply.code(201)
      return showNew(door.users.find(name), made)
    },
  )

  api.get(
    '/users/:user',
    {
      config: admin('fleet'),
      schema: { tags, summary: 'One user.', params: userParams, response: { 200: ref(UserSchema), 404: ref(ProblemSchema) } },
    },
    async ({ params }) => showUser(door.users.find(params.user)),
  )

  api.patch(
    '/users/:user',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Changes a user’s role or groups. The user’s sessions end.',
        params: userParams,
        body: patch,
        response: { 200: ref(UserSchema), ...problems },
      },
    },
    async ({ params, body }) => {
      if (Object.keys(body).length > 0) await door.users.change(params.user, body)
      return showUser(door.users.find(params.user))
    },
  )

  api.post(
    '/users/:user/password',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Sets a user’s password, or makes a one-time password, which is answered once. The user’s sessions end.',
        params: userParams,
        body: Type.Object({ password: Type.Optional(password) }, { additionalProperties: false }),
        response: { 200: ref(NewUserSchema), ...problems },
      },
    },
    async ({ params, body }) => {
      const made = await door.users.change(params.user, { password: body.password ?? 'once' })
      return showNew(door.users.find(params.user), made)
    },
  )

  api.delete(
    '/users/:user',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Deletes a user, with all sessions.',
        params: userParams,
        response: { 204: Type.Null(), 404: ref(ProblemSchema) },
      },
    },
    async ({ params }, reply) => {
      door.users.remove(params.user)
      reply.code(204)
      return null
    },
  )
}

function showUser({ name, role, groups, once, createdAt, lastSeen }: UserRow) {
  return {
    name,
    role,
    groups: groups === null ? null : [...groups],
    oneTimePassword: once,
    createdAt: new Date(createdAt).toISOString(),
    lastSeen: lastSeen === null ? null : new Date(lastSeen).toISOString(),
  }
}

function showNew(user: UserRow, password: string | undefined) {
  return { ...showUser(user), password: password ?? null }
}
