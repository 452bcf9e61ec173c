// Credentials of a request: a bearer token, or a session's cookie, which only pages of this server may use to change anything.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { SkerryError } from '../../protocol/errors.js'
import type { Caller, Door } from '../users/door.js'

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i

/** Throws `listener.insecure` for a host beyond this machine without TLS. */
export function checkListener(host: string, isSecure: boolean): void {
  if (isSecure || loopback.test(host)) return
  throw new SkerryError('listener.insecure', `without TLS the API listens on this machine only, not on ${host}`)
}

/** Who asks. Throws `auth.refused`, `auth.limited`, or `auth.forbidden` for a page of another site. */
export function identifyRequest(door: Door, request: FastifyRequest): Caller {
  const { authorization } = request.headers
  const [, bearer] = /^Bearer +(\S{1,4096}) *$/i.exec(authorization ?? '') ?? []
  const cookie = authorization === undefined ? request.cookies[cookieName(request)] : undefined
  const presented = bearer ?? cookie
  if (presented === undefined) throw new SkerryError('auth.refused', 'log in, or send the header Authorization: Bearer TOKEN')
  const caller = door.identify(presented, request.ip)
  if (caller === undefined || (bearer === undefined && caller.session === undefined)) {
    throw new SkerryError('auth.refused', 'the session or token is not good, or no longer')
  }
  if (bearer === undefined && !safeMethods.has(request.method)) checkSameOrigin(request)
  return caller
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A browser sends a session's cookie whoever made its page send the request: only what it says came from a page of this very
 * server is let through. Throws `auth.forbidden`.
 */
function checkSameOrigin({ headers }: FastifyRequest): void {
  const { origin, host, 'sec-fetch-site': site } = headers
  if (isForeign(headers) || (origin === undefined && site === undefined)) {
    throw new SkerryError('auth.forbidden', `a session's cookie changes things for pages of ${(host ?? 'this server').slice(0, 100)} only`)
  }
}

/** Throws `auth.forbidden` for a log-in that the page of another site sends: its reader would act for somebody else. */
export function checkLogInOrigin({ headers }: FastifyRequest): void {
  if (isForeign(headers)) throw new SkerryError('auth.forbidden', 'pages of other sites cannot log anybody in')
}

/** Whether the browser says that another site's page sends it. */
function isForeign({ origin, host, 'sec-fetch-site': site }: FastifyRequest['headers']): boolean {
  if (site !== undefined && site !== 'same-origin') return true
  return origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)
}

/** With the prefix a browser takes it over TLS only, from this host and for all of it. */
function cookieName({ protocol }: FastifyRequest): string {
  return protocol === 'https' ? '__Host-skerry' : 'skerry'
}

export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { secret, expiresAt }: { secret: string; expiresAt: number },
): void {
  const secure = request.protocol === 'https'
  reply.setCookie(cookieName(request), secret, { path: '/', httpOnly: true, sameSite: 'strict', secure, expires: new Date(expiresAt) })
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(cookieName(request), { path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' })
}
