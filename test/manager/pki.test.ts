// The CA and the server's certificate: made once, kept private, renewed in time, and good in the eyes of OpenSSL and of a TLS client.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { pino } from 'pino'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { addressesOf, type Machine, namesOf } from '../../manager/identity/names.js'
import { openPki, type Pki } from '../../manager/identity/pki.js'
import { SkerryError } from '../../protocol/errors.js'
import { ManualClock } from '../support/clock.js'
import { eventually } from '../support/within.js'

const log = pino({ level: 'silent' })
const dayMs = 86_400_000
const plain: Machine = { hostname: 'plant-server', interfaces: {} }

async function inFolder(act: (folder: string, pkiOf: (options?: object) => Promise<Pki>) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-pki-'))
  const open: Pki[] = []
  const pkiOf = async (options: object = {}) => {
    const pki = await openPki(join(folder, 'pki'), { log, machine: () => plain, ...options })
    open.push(pki)
    return pki
  }
  try {
    await act(join(folder, 'pki'), pkiOf)
  } finally {
    for (const pki of open) pki.close()
    await rm(folder, { recursive: true, force: true })
  }
}

test('the first start makes a CA and a server certificate that nobody else can read, the next start finds them', () =>
  inFolder(async (folder, pkiOf) => {
    const first = await pkiOf()
    for (const file of ['ca.key', 'ca.crt', 'server.key', 'server.crt'])
      assert.is((await stat(join(folder, file))).mode & 0o777, 0o600, file)
    assert.is((await stat(folder)).mode & 0o777, 0o700)
    assert.is(first.caFingerprint, createHash('sha256').update(new X509Certificate(first.caPem).raw).digest('base64url'))
    const second = await pkiOf()
    assert.is(second.caFingerprint, first.caFingerprint)
    assert.equal(second.server, first.server)
  }))

const withOpenSsl = spawnSync('openssl', ['version']).status === 0 ? test : test.skip

withOpenSsl('OpenSSL takes the server certificate for a server and a device certificate for a client, and neither for the other', () =>
  inFolder(async (folder, pkiOf) => {
    const pki = await pkiOf({ names: ['skerry.plant.example', '10.1.2.3'] })
    const { chain } = await pki.issue(spki(), 'k3v9')
    await writeFile(join(folder, 'device.crt'), pem(chain[0]!))
    const verify = (file: string, purpose: string) => {
      const args = ['verify', '-x509_strict', '-CAfile', join(folder, 'ca.crt'), '-purpose', purpose, join(folder, file)]
      return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString()
    }
    assert.match(verify('server.crt', 'sslserver'), /OK/)
    assert.match(verify('device.crt', 'sslclient'), /OK/)
    assert.throws(() => verify('server.crt', 'sslclient'))
    assert.throws(() => verify('device.crt', 'sslserver'))
    const device = new X509Certificate(chain[0]!)
    assert.is(device.subject, 'CN=k3v9')
    assert.is(device.ca, false)
    assert.ok(Date.parse(device.validFrom) < Date.now() - dayMs / 2)
    assert.equal(chain.at(-1), new X509Certificate(pki.caPem).raw)
    assert.match(new X509Certificate(pki.server.cert).publicKey.asymmetricKeyDetails?.namedCurve ?? '', /prime256v1/)
  }),
)

test('a TLS client that knows the CA reaches the server by each of its names, and sees the CA in the chain', () =>
  inFolder(async (_folder, pkiOf) => {
    const pki = await pkiOf({ names: ['skerry.plant.example', '10.1.2.3'] })
    const server = tls.createServer({ ...pki.server }, socket => socket.end())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    for (const servername of ['localhost', 'skerry.plant.example', 'plant-server', '10.1.2.3', '::1']) {
      const chain = await handshake({
        port,
        host: '127.0.0.1',
        ca: pki.caPem,
        checkServerIdentity: (_, cert) => tls.checkServerIdentity(servername, cert),
      })
      assert.equal(chain.at(-1), new X509Certificate(pki.caPem).raw, servername)
    }
    const other = {
      port,
      host: '127.0.0.1',
      ca: pki.caPem,
      checkServerIdentity: (_: string, cert: tls.PeerCertificate) => tls.checkServerIdentity('other.example', cert),
    }
    await handshake(other).then(
      () => assert.unreachable(),
      error => assert.is(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID'),
    )
    await new Promise(resolve => server.close(resolve))
  }))

test('the server certificate is renewed at two thirds of its life, with a new key, and whoever listens is told', () =>
  inFolder(async (_folder, pkiOf) => {
    const clock = new ManualClock()
    const pki = await pkiOf({ clock })
    const before = pki.server
    const told: unknown[] = []
    pki.onServerCertificate(credentials => told.push(credentials))
    clock.advance(59 * dayMs)
    await new Promise(resolve => setImmediate(resolve))
    clock.advance(60_000)
    await new Promise(resolve => setImmediate(resolve))
    assert.is(pki.server, before)
    await eventually(20_000, 'a new certificate', () => {
      clock.advance(dayMs / 4)
      return pki.server !== before
    })
    assert.equal(told, [pki.server])
    assert.is.not(pki.server.key, before.key)
    assert.ok(Date.parse(new X509Certificate(pki.server.cert).validTo) > clock.now() + 85 * dayMs)
    assert.equal((await pkiOf({ clock })).server, pki.server)
  }))

test('a new name or address of the machine renews the certificate; one that went away does not, nor does a network of containers', () =>
  inFolder(async (_folder, pkiOf) => {
    const clock = new ManualClock()
    let machine: Machine = withAddress('10.1.2.3')
    const pki = await pkiOf({ clock, machine: () => machine })
    const before = pki.server
    assert.equal((await pkiOf({ clock, machine: () => plain })).server, before)
    const bridged = await pkiOf({ clock, machine: () => withAddress('172.18.0.1', 'br-0123456789ab') })
    assert.equal(bridged.server, before)
    machine = withAddress('10.9.9.9')
    await eventually(20_000, 'a new certificate', () => {
      clock.advance(60_000)
      return pki.server !== before
    })
    assert.is(new X509Certificate(pki.server.cert).checkIP('10.9.9.9'), '10.9.9.9')
    const named = await pkiOf({ clock, names: ['new.example'] })
    assert.is(new X509Certificate(named.server.cert).checkHost('new.example'), 'new.example')
  }))

test('a start that was cut short is made good; a CA without its key, or with another, is refused', () =>
  inFolder(async (folder, pkiOf) => {
    const first = await pkiOf()
    const ca = await readFile(join(folder, 'ca.crt'), 'utf8')
    const key = await readFile(join(folder, 'ca.key'), 'utf8')
    // The server's key was replaced, its certificate not yet.
    await writeFile(join(folder, 'server.key'), otherKey())
    const second = await pkiOf()
    assert.is.not(second.server.cert, first.server.cert)
    assert.is(second.caFingerprint, first.caFingerprint)
    // The CA's certificate was lost: the server's chain has it.
    await rm(join(folder, 'ca.crt'))
    assert.is((await pkiOf()).caFingerprint, first.caFingerprint)
    assert.is(await readFile(join(folder, 'ca.crt'), 'utf8'), ca)
    // The CA's key was written, and nothing else yet.
    for (const file of ['ca.crt', 'server.crt', 'server.key']) await rm(join(folder, file))
    const third = await pkiOf()
    assert.ok(new X509Certificate(third.caPem).checkIssued(new X509Certificate(ca)))
    await rm(join(folder, 'ca.key'))
    await refusesConfig(pkiOf)
    await writeFile(join(folder, 'ca.key'), otherKey())
    await refusesConfig(pkiOf)
    await writeFile(join(folder, 'ca.key'), key)
    assert.is((await pkiOf()).caFingerprint, third.caFingerprint)
  }))

test('names are those of the machine and those configured; what is no name, and link-local addresses, are left out', () => {
  const interfaces = {
    docker0: [address('172.17.0.1')],
    eth0: [address('10.1.2.3'), address('fe80::1'), address('2001:db8::7')],
    lo: [{ ...address('127.0.0.1'), internal: true }],
  }
  const names = namesOf({ hostname: 'Bad_Host', interfaces }, ['Plant.example', '*.evil', ''])
  assert.equal(names, ['10.1.2.3', '127.0.0.1', '172.17.0.1', '2001:db8::7', '::1', 'localhost', 'plant.example'])
  assert.equal(addressesOf(interfaces), ['10.1.2.3', '2001:db8::7', '172.17.0.1'])
})

async function refusesConfig(open: () => Promise<unknown>): Promise<void> {
  await open().then(
    () => assert.unreachable(),
    error => assert.is(error instanceof SkerryError && error.code, 'config.invalid'),
  )
}

/** The chain that the server presents, DER, its own first. */
function handshake(options: tls.ConnectionOptions): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect(options, () => {
      const chain: Buffer[] = []
      for (let at = socket.getPeerCertificate(true); at !== undefined; at = at.issuerCertificate) {
        chain.push(at.raw)
        if (at.issuerCertificate === at) break
      }
      socket.destroy()
      resolve(chain)
    })
    socket.on('error', reject)
  })
}

function address(text: string) {
  const family = text.includes(':') ? ('IPv6' as const) : ('IPv4' as const)
  return { address: text, family, internal: false, netmask: '', mac: '', cidr: null, scopeid: 0 } as NonNullable<
    Machine['interfaces'][string]
  >[number]
}

function withAddress(text: string, name = 'eth0'): Machine {
  return { ...plain, interfaces: { [name]: [address(text)] } }
}

function spki(): Buffer {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' })
}

function otherKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

function pem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
}

test.run()
