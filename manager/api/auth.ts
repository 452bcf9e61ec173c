// Who may use the API: whoever knows the token; without a token, whoever is on this machine and not a web page of another site.
import { createHash, timingSafeEqual } from 'node:crypto'
import { SkerryError } from '../../protocol/errors.js'

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i

/** Throws `listener.insecure` for a host beyond this machine without a token. */
export function checkListener(host: string, token: string | undefined): void {
  if (token !== undefined && token !== '') return
  if (loopback.test(host)) return
  throw new SkerryError('listener.insecure', `without a token the API listens on this machine only, not on ${host}`)
}

interface Credentials {
  readonly authorization?: string | undefined
  readonly origin?: string | undefined
  readonly host?: string | undefined
}

/** Throws `auth.refused`. The token is compared in constant time. */
export function checkRequest({ authorization, origin, host }: Credentials, token: string | undefined): void {
  if (token !== undefined && token !== '') {
    if (!equals(authorization ?? '', `Bearer ${token}`))
      throw new SkerryError('auth.refused', 'this needs the header Authorization: Bearer TOKEN')
    return
  }
  // Without a token a browser's user would lend their access to any page: by another origin, or by a name that points here.
  if (!loopback.test((host ?? 'localhost').replace(/:\d+$/, ''))) {
    throw new SkerryError('auth.refused', 'without a token the API answers to localhost only')
  }
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) {
    throw new SkerryError('auth.refused', 'without a token the API does not answer to pages of other sites')
  }
}

function equals(given: string, expected: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(given), hash(expected))
}
