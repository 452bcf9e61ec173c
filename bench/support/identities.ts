// A folder of certificates for benches: an authority, a server, and devices with a key each.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestAuthority } from '../../test/support/certificates.js'

export interface Identity {
  readonly id: string
  readonly cert: string
  readonly key: string
  readonly keyName: string
}

/** Whoever makes it removes it. */
export async function makeIdentities(devices: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-tls-'))
  const authority = await TestAuthority.make()
  const server = await authority.server()
  const identities: Identity[] = []
  for (let n = 0; n < devices; n++) identities.push({ id: `bench-${n}`, ...(await authority.issue(`bench-${n}`)) })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 })
  write('ca.crt', authority.pem)
  write('server.crt', server.cert)
  write('server.key', server.key)
  write('devices.json', JSON.stringify(identities))
  return folder
}

export function readIdentities(folder: string): Identity[] {
  return JSON.parse(readFileSync(join(folder, 'devices.json'), 'utf8')) as Identity[]
}
