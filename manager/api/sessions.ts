// Routes of who is there: logging in and out, and one's own name and password.
import { Type } from 'typebox'
import { SkerryError, unwrap } from '../../protocol/errors.js'
import type { Audit } from '../audit/audit.js'
import type { Who } from '../core/permit.js'
import type { Door } from '../users/door.js'
import { plainAddress } from '../users/logins.js'
import { callerOf, open, viewer, whoOf } from './access.js'
import { checkLogInOrigin, clearSessionCookie, setSessionCookie } from './auth.js'
import { oneOf, ProblemSchema, ref } from './schemas/basics.js'
import { LoggedInSchema, WhoSchema } from './schemas/users.js'
import type { Api } from './server.js'

const password = Type.String({ minLength: 1, maxLength: 1024 })
const refusals = { 400: ref(ProblemSchema), 401: ref(ProblemSchema), 403: ref(ProblemSchema), 429: ref(ProblemSchema) }
const tags = ['access']

const logInBody = Type.Object(
  {
    user: Type.String({ maxLength: 128 }),
    password,
    newPassword: Type.Optional(Type.String({ maxLength: 1024, description: 'Replaces a one-time password.' })),
    as: Type.Optional(
      Type.Unsafe<'cookie' | 'token'>({
        ...oneOf(['cookie', 'token']),
        description: 'How the session is carried: a cookie, for pages, or a bearer token in the answer, for programs.',
      }),
    ),
  },
  { additionalProperties: false },
)

export function sessionRoutes(api: Api, door: Door, audit: Audit): void {
  api.post(
    '/login',
    {
      config: open,
      schema: {
        tags,
        summary: 'Begins a session, with a name and a password.',
        security: [],
        body: logInBody,
        response: { 200: ref(LoggedInSchema), ...refusals },
      },
    },
    async (request, reply) => {
      checkLogInOrigin(request)
      const { user: name, password, newPassword, as: kind = 'cookie' } = request.body
      const address = plainAddress(request.ip)
      const attempt = { name, password, address, kind, ...(newPassword === undefined ? {} : { newPassword }) }
      const { secret, user, expiresAt } = unwrap(await door.sessions.begin(attempt))
      audit.noted({ action: 'login', target: `users/${name}` }, { who: name, via: 'http', from: address })
      if (kind === 'cookie') setSessionCookie(request, reply, { secret, expiresAt })
      const token = kind === 'token' ? { token: secret } : {}
      return { ...showWho({ ...user, kind: 'user', address }, expiresAt), ...token }
    },
  )

  api.post(
    '/logout',
    { config: viewer('self'), schema: { tags, summary: 'Ends the session.', response: { 204: Type.Null(), ...refusals } } },
    async (request, reply) => {
      const { session } = callerOf(request)
      if (session === undefined) throw new SkerryError('request.invalid', 'a token is no session: delete it')
      door.sessions.end(session)
      audit.noted({ action: 'logout', target: `users/${whoOf(request).name}` })
      clearSessionCookie(request, reply)
      reply.code(204)
      return null
    },
  )

  api.get(
    '/whoami',
    {
      config: viewer('self'),
      schema: { tags, summary: 'Who asks, with role and groups.', response: { 200: ref(WhoSchema), 401: ref(ProblemSchema) } },
    },
    async request => showWho(whoOf(request), callerOf(request).expiresAt),
  )

  api.post(
    '/password',
    {
      config: viewer('self'),
      schema: {
        tags,
        summary: 'Changes one’s own password. All other sessions end.',
        body: Type.Object({ password, newPassword: Type.String({ maxLength: 1024 }) }, { additionalProperties: false }),
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      const { who, session } = callerOf(request)
      if (who.kind !== 'user') throw new SkerryError('request.invalid', 'a token has no password')
      const { password, newPassword } = request.body
      await door.sessions.changePassword({ name: who.name, password, address: who.address }, newPassword, session)
      reply.code(204)
      return null
    },
  )
}

function showWho({ name, kind, role, scope }: Who, expiresAt: number | null) {
  const groups = scope.groups === 'all' ? null : [...scope.groups].sort()
  return { name, kind, role, groups, expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString() }
}
