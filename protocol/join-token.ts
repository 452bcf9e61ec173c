// A join token: one word that lets a device into a fleet and tells it which CA the fleet has.
import { accept, type Result, refuse } from './errors.js'

export interface JoinToken {
  /** 16 random bytes, known to the device alone: the manager keeps their SHA-256. */
  readonly secret: Uint8Array
  /** SHA-256 of the CA's certificate in DER, in base64url. */
  readonly ca: string
}

const secretBytes = 16
const tokenForm = /^skj\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

export function formatJoinToken({ secret, ca }: JoinToken): string {
  return `skj.${Buffer.from(secret).toString('base64url')}.${ca}`
}

/** Refuses with `token.invalid`; the text never repeats the token. */
export function parseJoinToken(text: string): Result<JoinToken> {
  const [, secretText, ca] = tokenForm.exec(text) ?? []
  if (secretText === undefined || ca === undefined) {
    return refuse('token.invalid', 'that is no join token: it has the form skj.SECRET.CA, as `skerry token create` prints it')
  }
  return accept({ secret: Buffer.from(secretText, 'base64url').subarray(0, secretBytes), ca })
}
