// A device of a test's own that has joined a server's fleet: what it connects with.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Credentials, Identity } from '../../agent/identity/identity.js'
import { joinFleet } from '../../agent/join.js'
import { unwrap } from '../../protocol/errors.js'
import { parseJoinToken } from '../../protocol/join-token.js'

const log = pino({ level: 'silent' })

/** Joins with the id, and keeps nothing of it on the disk. */
export async function joinAs(id: string, { url, token }: { readonly url: string; readonly token: string }): Promise<Credentials> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-joined-'))
  try {
    writeFileSync(join(folder, 'id'), `${id}\n`)
    const signal = new AbortController().signal
    const broker = { url }
    await joinFleet({
      folder,
      root: 'skerry',
      broker,
      token: unwrap(parseJoinToken(token)),
      patient: false,
      log,
      signal,
      onEvent: () => {},
    })
    return new Identity(folder, log).credentials!
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
