// Requests as the audit trail tells of them: who makes a change, and what was refused.
import type { FastifyRequest } from 'fastify'
import type { Audit } from '../audit/audit.js'
import type { Actor, Deed } from '../core/audit.js'
import { plainAddress } from '../users/logins.js'
import type { Problem } from './schemas/basics.js'
import type { Api } from './server.js'

/** Whatever a route's handler changes is changed by whoever asked. */
export function auditChanges(api: Api, audit: Audit): void {
  api.addHook('preHandler', (request, _reply, done) => audit.actAs(actorOf(request), done))
}

/** Every refusal of a change; of reading, what is about who may. `isUser`: a name that is nobody's may be a password in the wrong field. */
export function auditRefusal(audit: Audit, request: FastifyRequest, { status, code }: Problem, isUser: (name: string) => boolean): void {
  if (isReading(request.method) && !code.startsWith('auth.')) return
  const claimed = claimOf(request)
  const deed = claimed !== undefined && isUser(claimed) ? { action: 'login', target: `users/${claimed}` } : deedOf(request)
  if (status >= 500) audit.failed(deed, code, actorOf(request))
  else audit.refused(deed, code, actorOf(request))
}

/** Who somebody who logs in says they are. */
function claimOf({ routeOptions, body }: FastifyRequest): string | undefined {
  if (!routeOptions.url?.endsWith('/login') || typeof body !== 'object' || body === null || !('user' in body)) return undefined
  return typeof body.user === 'string' ? body.user : undefined
}

/** Users and tokens share their names; this machine's own token and that of the settings are `local` and `config`. */
function actorOf({ who, ip }: FastifyRequest): Actor {
  return { who: who?.name ?? '', via: 'http', from: plainAddress(ip) }
}

/** The route, and the path that was asked for: no query, as it may hold values of variables. */
function deedOf({ method, url, routeOptions }: FastifyRequest): Deed {
  const [path = ''] = url.split('?')
  return { action: `${method} ${below(routeOptions.url ?? '')}`.trimEnd(), target: below(path).slice(1) }
}

function below(path: string): string {
  return path.replace(/^\/api\/v1(?=\/)/, '')
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
