// Secrets of sessions and tokens: random enough that a plain hash hides them.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const secretBytes = 32

export function makeSecret(): string {
  return randomBytes(secretBytes).toString('base64url')
}

/** SHA-256 in base64url. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** Whether a secret is the one that was hashed, in constant time. */
export function fits(secret: string, hash: string): boolean {
  return timingSafeEqual(createHash('sha256').update(secret).digest(), Buffer.from(hash, 'base64url'))
}

/** A password for a person to type once: 100 random bits. */
export function makeOneTimePassword(): string {
  const letters = 'abcdefghijkmnpqrstuvwxyz23456789'
  const text = [...randomBytes(20)].map(byte => letters[byte % letters.length]).join('')
  return text.replace(/.{5}(?!$)/g, '$&-')
}

const sessionPrefix = 'sks.'
const tokenPattern = /^skt\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{43})$/

/** What somebody presents as a bearer: a session's secret, a program's token, or any other text. */
export type Bearer =
  | { readonly kind: 'session'; readonly secret: string }
  | { readonly kind: 'token'; readonly id: string; readonly secret: string }
  | { readonly kind: 'other'; readonly secret: string }

export function parseBearer(text: string): Bearer {
  if (text.startsWith(sessionPrefix)) return { kind: 'session', secret: text.slice(sessionPrefix.length) }
  const [, id, secret] = tokenPattern.exec(text) ?? []
  return id === undefined || secret === undefined ? { kind: 'other', secret: text } : { kind: 'token', id, secret }
}

export function formatSession(secret: string): string {
  return `${sessionPrefix}${secret}`
}

export function formatToken(id: string, secret: string): string {
  return `skt.${id}.${secret}`
}
