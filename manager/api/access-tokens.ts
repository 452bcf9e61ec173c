// Routes of programs' tokens.
import { Type } from 'typebox'
import { roles } from '../../protocol/access.js'
import type { AccessTokenRow } from '../store/access-tokens.js'
import type { Door } from '../users/door.js'
import { admin, whoOf } from './access.js'
import { listOf, nullable, oneOf, ProblemSchema, ref } from './schemas/basics.js'
import { AccessTokenSchema, NewAccessTokenSchema } from './schemas/users.js'
import type { Api } from './server.js'

const tags = ['access']
const maxDays = 5 * 366

const newToken = Type.Object(
  {
    name: Type.String({ description: 'Also the user name with which the token is a password of the broker.' }),
    role: oneOf(roles),
    groups: Type.Optional(nullable(Type.Array(Type.String(), { maxItems: 1000, description: 'Groups that the role is for.' }))),
    days: Type.Integer({ minimum: 1, maximum: maxDays, description: 'How long it is good for.' }),
  },
  { additionalProperties: false },
)

export function accessTokenRoutes(api: Api, door: Door): void {
  api.get(
    '/access-tokens',
    {
      config: admin('fleet'),
      schema: { tags, summary: 'All tokens of programs, sorted by name.', response: { 200: listOf(AccessTokenSchema) } },
    },
    async () => ({ items: door.users.listTokens().map(show) }),
  )

  api.post(
    '/access-tokens',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Makes a token for a program. It is answered here and never again.',
        body: newToken,
        response: { 201: ref(NewAccessTokenSchema), 400: ref(ProblemSchema), 404: ref(ProblemSchema), 409: ref(ProblemSchema) },
      },
    },
    async (request, reply) => {
      const { name, role, groups = null, days } = request.body
      const { token, row } = door.users.createToken(name, { role, groups }, { days, by: whoOf(request).name })
      reply.code(201)
      return { ...show(row), token }
    },
  )

  api.delete(
    '/access-tokens/:token',
    {
      config: admin('fleet'),
      schema: {
        tags,
        summary: 'Takes a program’s token away, by its name or id.',
        params: Type.Object({ token: Type.String() }),
        response: { 204: Type.Null(), 404: ref(ProblemSchema) },
      },
    },
    async ({ params }, reply) => {
      door.users.removeToken(params.token)
      reply.code(204)
      return null
    },
  )
}

function show({ id, name, role, groups, createdAt, createdBy, expiresAt, lastSeen }: AccessTokenRow) {
  return {
    id,
    name,
    role,
    groups: groups === null ? null : [...groups],
    createdAt: new Date(createdAt).toISOString(),
    createdBy,
    expiresAt: new Date(expiresAt).toISOString(),
    lastSeen: lastSeen === null ? null : new Date(lastSeen).toISOString(),
  }
}
