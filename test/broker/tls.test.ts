// TLS of the broker: sessions that are resumed, also after a restart, and certificates that are replaced while connections stay.
import { statSync, utimesSync } from 'node:fs'
import { suite } from 'uvu'
import { equal, is, ok } from 'uvu/assert'
import type { ConnectFields } from '../../bench/support/raw.js'
import { keyNameOf } from '../../protocol/fingerprint.js'
import { TestAuthority } from '../support/certificates.js'
import { enterTls, hello, openTls, withSecureBroker } from './support/secure.js'

const test = suite('TLS of the broker')
const dayMs = 86_400_000

for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
  test(`a resumed session is as good as a new one and no better (${maxVersion})`, () =>
    withSecureBroker(async ({ broker, port, device, access }) => {
      const a = await device('a')
      const { client, session } = await sessionOf(port, { ...a, maxVersion })
      await client.leave()
      const again = await hello(port, { clientId: 'dev-a' }, { ...a, maxVersion, session })
      equal([again.returnCode, again.socket.isSessionReused()], [0, true])
      await again.client.leave()
      // Nobody becomes another by it.
      is((await hello(port, { clientId: 'dev-b' }, { ...a, maxVersion, session })).returnCode, 5)
      access.keys.delete('a')
      const revoked = await hello(port, { clientId: 'dev-a' }, { ...a, maxVersion, session })
      equal([revoked.returnCode, revoked.socket.isSessionReused()], [5, true])
      is(broker.stats().dropped['certificate-revoked'], 1)
    }))

  test(`a session without a certificate does not become one with by being resumed (${maxVersion})`, () =>
    withSecureBroker(async ({ port, device, access }) => {
      await device('a')
      access.addUser('plc', 'operator')
      const { client, session } = await sessionOf(port, { maxVersion }, { clientId: 'x', username: 'plc', password: Buffer.from("plc's") })
      await client.leave()
      const again = await hello(port, { clientId: 'dev-a' }, { maxVersion, session })
      equal([again.returnCode, again.socket.isSessionReused()], [5, true])
    }))
}

/** Comes in over TLS and waits for a ticket. */
async function sessionOf(port: number, options: Parameters<typeof openTls>[1], fields: ConnectFields = { clientId: 'dev-a' }) {
  const tickets: Buffer[] = []
  const { client, returnCode, socket } = await hello(port, fields, options)
  socket.on('session', ticket => tickets.push(ticket))
  is(returnCode, 0)
  await client.sync()
  const session = tickets.at(-1) ?? socket.getSession()
  ok(session)
  return { client, session }
}

test('sessions are resumed after a restart, and the key of their tickets is for nobody else to read', async () => {
  await withSecureBroker(async ({ port, device, restart, file }) => {
    const a = await device('a')
    const { client, session } = await sessionOf(port, a)
    client.close()
    const { port: now } = await restart()
    const again = await hello(now, { clientId: 'dev-a' }, { ...a, session })
    equal([again.returnCode, again.socket.isSessionReused()], [0, true])
    again.client.close()
    const key = file.replace('broker.db', 'tickets.key')
    is(statSync(key).mode & 0o777, 0o600)
    // An old one is not used any more.
    utimesSync(key, new Date(), new Date(Date.now() - 8 * dayMs))
    const later = await restart()
    const full = await hello(later.port, { clientId: 'dev-a' }, { ...a, session })
    equal([full.returnCode, full.socket.isSessionReused()], [0, false])
  })
})

test('certificate and authority are replaced while connections stay, and what is none changes nothing', () =>
  withSecureBroker(async ({ broker, port, device, authority }) => {
    const a = await device('a')
    const stays = await enterTls(port, { clientId: 'dev-a' }, a)
    const next = await authority.server()
    const before = await subjectKey(port)
    for (const bad of [
      { cert: 'none', key: next.key },
      { ...next, key: (await authority.server()).key },
    ]) {
      let failed = false
      try {
        broker.replaceTls({ ...bad, ca: authority.pem })
      } catch {
        failed = true
      }
      ok(failed)
    }
    is(await subjectKey(port), before)
    broker.replaceTls({ cert: next.cert, key: next.key, ca: authority.pem })
    is(await subjectKey(port), next.keyName)
    await stays.sync()
    is((await hello(port, { clientId: 'dev-a' }, a)).returnCode, 0)
    const foreign = await TestAuthority.make()
    broker.replaceTls({ cert: next.cert, key: next.key, ca: foreign.pem })
    is((await hello(port, { clientId: 'dev-a' }, a)).returnCode, 5)
  }))

async function subjectKey(port: number): Promise<string> {
  const socket = await openTls(port)
  const certificate = socket.getPeerX509Certificate()
  ok(certificate)
  socket.destroy()
  return keyNameOf(certificate.publicKey)
}

test.run()
