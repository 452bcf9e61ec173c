// What a device's reconnect costs on the wire, with a session resumed and without: bytes of TCP payload, counted by a relay between device and broker.
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { connect as connectTcp, createServer } from 'node:net'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { printFigure } from './support/figures.js'
import { type Identity, makeIdentities, readIdentities } from './support/identities.js'
import { RawClient } from './support/raw.js'
import { startSkerry } from './support/targets.js'

interface Counted {
  readonly up: number
  readonly down: number
  /** The newest ticket. */
  readonly session: Buffer
  readonly reused: boolean
}

/** Passes one connection on, and counts what passes until both ends are closed. */
async function startCounter(port: number): Promise<{ port: number; counted: Promise<{ up: number; down: number }> }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const counted = once(server, 'connection').then(async ([near]) => {
    const far = connectTcp(port, '127.0.0.1')
    near.pipe(far).pipe(near)
    await Promise.all([once(near, 'close'), once(far, 'close')])
    server.close()
    return { up: near.bytesRead as number, down: near.bytesWritten as number }
  })
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, counted }
}

/** As an agent does it: handshake, CONNECT with a will, CONNACK; then the connection is gone. */
async function reconnect(port: number, identity: Identity, options: ConnectionOptions): Promise<Counted> {
  const counter = await startCounter(port)
  const { cert, key, id } = identity
  const socket = connect({ port: counter.port, host: '127.0.0.1', servername: 'localhost', cert, key, ...options })
  let session: Buffer | undefined
  socket.on('session', ticket => {
    session = ticket
  })
  await once(socket, 'secureConnect')
  const client = new RawClient(socket)
  const will = { topic: `skerry/device/${id}/status`, payload: Buffer.alloc(9), qos: 1, retain: true } as const
  const { returnCode } = await client.hello({ clientId: `dev-${id}`, username: 'run-00000000', keepalive: 30, will })
  if (returnCode !== 0) throw new Error(`refused with ${returnCode}`)
  const reused = socket.isSessionReused()
  session ??= socket.getSession()
  client.close()
  if (session === undefined) throw new Error('no session to resume')
  return { ...(await counter.counted), session, reused }
}

const folder = await makeIdentities(1)
const [identity] = readIdentities(folder)
const target = await startSkerry(folder)
let isAsExpected = true
try {
  if (identity === undefined) throw new Error('no identity')
  const ca = readFileSync(join(folder, 'ca.crt'))
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
    const options = { ca, maxVersion }
    const full = await reconnect(target.port, identity, options)
    const resumed = await reconnect(target.port, identity, { ...options, session: full.session })
    isAsExpected &&= !full.reused && resumed.reused && resumed.up + resumed.down < full.up + full.down
    for (const [what, { up, down }] of Object.entries({ full, resumed })) {
      printFigure(`${maxVersion}, ${what}: bytes up`, up)
      printFigure(`${maxVersion}, ${what}: bytes down`, down)
      printFigure(`${maxVersion}, ${what}: bytes in all`, up + down)
    }
    printFigure(`${maxVersion}: resumed of full`, (100 * (resumed.up + resumed.down)) / (full.up + full.down), '%', '< 100')
  }
} finally {
  await target.stop()
  rmSync(folder, { recursive: true })
}
process.exit(isAsExpected ? 0 : 1)
