// A program for benches and tests: Skerry's broker alone, as it ships. Tells its parent the port; ends with SIGTERM or with its parent.
// With a folder of certificates it listens with TLS and lets in the devices that the folder names, and nobody else.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { type BrokerOptions, startBroker } from '../../broker/broker.js'
import type { Access } from '../../protocol/access.js'
import { accept, refuse } from '../../protocol/errors.js'
import { readIdentities } from './identities.js'

const [file = 'broker.db', folder] = process.argv.slice(2)

function accessOf(keys: ReadonlyMap<string, string>): Access {
  return {
    device: (id, key) => (keys.get(id) === key ? accept(true) : refuse('certificate.revoked', id)),
    leaving: () => false,
    groupsOf: () => new Set(),
    logIn: async () => refuse('auth.refused', 'there are no users'),
    user: () => undefined,
    onChange: () => () => {},
    note: () => {},
  }
}

function secure(from: string): Pick<BrokerOptions, 'access' | 'listeners'> {
  const read = (name: string) => readFileSync(join(from, name))
  const tls = { cert: read('server.crt'), key: read('server.key'), ca: read('ca.crt') }
  const keys = new Map(readIdentities(from).map(({ id, keyName }) => [id, keyName]))
  return { access: accessOf(keys), listeners: [{ ...loopback, tls }] }
}

const loopback = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const
const open = { listeners: [loopback] }
const broker = await startBroker({ file, ...(folder === undefined ? open : secure(folder)), log: pino({ level: 'warn' }) })
process.once('SIGTERM', () => void broker.stop().then(() => process.exit()))
// Nobody is left to stop it.
process.once('disconnect', () => process.exit())
process.send?.(broker.addresses[0]?.port)
