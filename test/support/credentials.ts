// How tests come in at the HTTP API: with one token that is an admin's, given to every manager that a test starts by itself.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const token = 'a-token-for-tests'

/** For `startManager`. */
export const testHttp = { host: '127.0.0.1', port: 0, tokens: { local: token } } as const

export type Credentials = {
  readonly authorization: string
}

export function bearer(secret: string): Credentials {
  return { authorization: `Bearer ${secret}` }
}

export const credentials = bearer(token)

/** Of a server in a process of its own, by its data folder. */
export function localToken(data: string): string {
  return readFileSync(join(data, 'local.token'), 'utf8').trim()
}

export function localCredentials(data: string): Credentials {
  return bearer(localToken(data))
}
