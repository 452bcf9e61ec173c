// A program for benches: devices that connect over TLS with a certificate each. Connects them all when told to, and says when all are in.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { type Identity, readIdentities } from './identities.js'
import { RawClient } from './raw.js'

export interface TlsLoad {
  readonly port: number
  readonly folder: string
  /** Connections opening at a time. */
  readonly inFlight: number
}

function open(port: number, ca: Buffer, { cert, key }: Identity): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, cert, key })
    socket.once('error', reject)
    socket.once('secureConnect', () => resolve(socket))
  })
}

async function enter(port: number, ca: Buffer, identity: Identity): Promise<void> {
  const client = new RawClient(await open(port, ca, identity))
  const { returnCode } = await client.hello({ clientId: `dev-${identity.id}`, keepalive: 600 })
  if (returnCode !== 0) throw new Error(`${identity.id} was refused with ${returnCode}`)
}

async function enterAll({ port, folder, inFlight }: TlsLoad): Promise<number> {
  const ca = readFileSync(join(folder, 'ca.crt'))
  const waiting = readIdentities(folder)
  const started = performance.now()
  const lane = async (): Promise<void> => {
    for (let identity = waiting.pop(); identity !== undefined; identity = waiting.pop()) await enter(port, ca, identity)
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return performance.now() - started
}

process.once('message', load => {
  enterAll(load as TlsLoad).then(
    ms => process.send?.(ms),
    error => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.send?.('ready')
