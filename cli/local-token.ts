// This machine's own token: a server makes it at each start for the commands of whoever may read its data folder.
import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClientOptions } from './client.js'

const fileOf = (data: string): string => join(data, 'local.token')

export interface LocalToken {
  readonly secret: string
  remove(): Promise<void>
}

/** Written aside and renamed, readable by its owner only. */
export async function makeLocalToken(data: string): Promise<LocalToken> {
  const secret = `skl.${randomBytes(32).toString('base64url')}`
  const file = fileOf(data)
  const aside = `${file}.${process.pid}`
  await rm(aside, { force: true })
  await writeFile(aside, `${secret}\n`, { mode: 0o600, flag: 'wx' })
  await rename(aside, file)
  return { secret, remove: () => rm(file, { force: true }) }
}

/** How to get into the server that runs on this data folder; without a token if this user may not read it. */
export async function localAccess(url: string, data: string): Promise<ClientOptions> {
  const token = (await readFile(fileOf(data), 'utf8').catch(() => '')).trim() || undefined
  if (isLoopback(url)) return { token, loopback: true }
  return { token, ca: await readFile(join(data, 'pki', 'ca.crt'), 'utf8').catch(() => undefined) }
}

function isLoopback(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname)
}
