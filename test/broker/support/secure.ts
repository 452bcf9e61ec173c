// A broker that asks who comes: TLS with an authority of its own, and devices and users as the test says.
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type ConnectFields, RawClient } from '../../../bench/support/raw.js'
import type { BrokerOptions } from '../../../broker/broker.js'
import type { TlsMaterial } from '../../../broker/tls.js'
import { type Credentials, TestAuthority, type Wish } from '../../support/certificates.js'
import { FakeAccess } from './access.js'
import { type Running, withBroker } from './brokers.js'

export interface Secure extends Running {
  readonly access: FakeAccess
  readonly authority: TestAuthority
  readonly material: TlsMaterial
  /** Registers a device with a new key, and gives its certificate. */
  device(id: string, wish?: Wish): Promise<Credentials>
}

/** The first listener is one with TLS, the second one without, the third one for WebSocket with TLS. */
export async function withSecureBroker(run: (secure: Secure) => Promise<void>, options: Partial<BrokerOptions> = {}): Promise<void> {
  const authority = await TestAuthority.make()
  const { cert, key } = await authority.server()
  const material = { cert, key, ca: authority.pem }
  const access = new FakeAccess()
  const listeners = [
    { kind: 'tcp', host: '127.0.0.1', port: 0, tls: material },
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
    { kind: 'ws', host: '127.0.0.1', port: 0, tls: material },
  ] as const
  const device = async (id: string, wish?: Wish): Promise<Credentials> => {
    const credentials = await authority.issue(id, wish)
    access.keys.set(id, credentials.keyName)
    return credentials
  }
  await withBroker({ access, listeners, ...options }, running => run({ ...running, access, authority, material, device }))
}

export function openTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // The certificate is one of this test's; that it is the right one is asked where it matters.
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** Connects over TLS; the CONNACK may say anything. */
export async function hello(
  port: number,
  fields: ConnectFields,
  options: ConnectionOptions = {},
): Promise<{ client: RawClient; returnCode: number | undefined; socket: TLSSocket }> {
  const socket = await openTls(port, options)
  const client = new RawClient(socket)
  const { returnCode } = await client.hello(fields)
  return { client, returnCode, socket }
}

/** The same for somebody who has to be let in. */
export async function enterTls(port: number, fields: ConnectFields, options: ConnectionOptions = {}): Promise<RawClient> {
  const { client, returnCode } = await hello(port, fields, options)
  if (returnCode !== 0) throw new Error(`${fields.clientId} was refused with ${returnCode}`)
  return client
}

/** Name and password of a user of {@link FakeAccess}. */
export function asUser(name: string, password = `${name}'s`): ConnectFields {
  return { username: name, password: Buffer.from(password) }
}
