// User name and password, compared in a time that tells nothing about them.
import { createHash, timingSafeEqual } from 'node:crypto'

export interface Credentials {
  readonly username: string
  readonly password: string
}

export function sameCredentials(wanted: Credentials, username: string | undefined, password: Uint8Array | undefined): boolean {
  const nameFits = sameBytes(Buffer.from(wanted.username), Buffer.from(username ?? ''))
  const passwordFits = sameBytes(Buffer.from(wanted.password), password ?? new Uint8Array())
  return nameFits && passwordFits
}

/** Digests have one length, so neither the length nor the first difference shows. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
