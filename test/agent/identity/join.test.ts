import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Disk } from '../../../agent/disk.js'
import { Identity } from '../../../agent/identity/identity.js'
import { type JoinEvent, type JoinOptions, joinFleet } from '../../../agent/join.js'
import { systemClock } from '../../../protocol/clock.js'
import { SkerryError } from '../../../protocol/errors.js'
import { protocolVersion } from '../../../protocol/messages/message.js'
import { noTraffic } from '../../../protocol/messages/usage.js'
import { GateWorld } from '../../support/gate.js'
import { eventually, within } from '../../support/within.js'

const log = pino({ level: 'silent' })
const test = suite<{ gate: GateWorld; folder: string; events: JoinEvent[] }>('agent: joining')

test.before.each(async context => {
  context.gate = await GateWorld.open()
  context.folder = mkdtempSync(join(tmpdir(), 'skerry-join-'))
  context.events = []
})
test.after.each(async ({ gate, folder }) => {
  await gate.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Given {
  readonly gate: GateWorld
  readonly folder: string
  readonly events: JoinEvent[]
}

function enter({ gate, folder, events }: Given, more: Partial<JoinOptions> = {}) {
  return within(
    20_000,
    'joining ends',
    joinFleet({
      folder,
      root: 'skerry',
      broker: { url: gate.url },
      patient: false,
      log,
      signal: new AbortController().signal,
      onEvent: event => events.push(event),
      ...more,
    }),
  )
}

async function refusalOf(run: Promise<unknown>): Promise<SkerryError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.instance(error, SkerryError)
  return error as SkerryError
}

function withDisk<T>(folder: string, use: (disk: Disk) => T): T {
  const disk = new Disk(folder, log)
  try {
    return use(disk)
  } finally {
    disk.close()
  }
}

function readServer(folder: string) {
  return JSON.parse(readFileSync(join(folder, 'server.json'), 'utf8'))
}

const tokenOf = ({ pki }: GateWorld) => ({ secret: Buffer.alloc(16, 7), ca: pki.caFingerprint })

test('a device with a token gets a certificate for its key and id, and keeps it where nobody else reads', async context => {
  const { gate, folder } = context
  const { id } = await enter(context, { token: tokenOf(gate), name: 'press-7' })
  const identity = new Identity(folder, log)
  const own = new X509Certificate(identity.membership?.certificate ?? '')
  assert.is(own.subject, `CN=${id}`)
  assert.is(own.verify(new X509Certificate(gate.pki.caPem).publicKey), true)
  assert.is(identity.membership?.server, gate.url)
  assert.equal(identity.keys().map(Buffer.from), [gate.signingKey])
  for (const file of ['device.key', 'membership.json']) assert.is(statSync(join(folder, file)).mode & 0o777, 0o600, file)
  const [request] = gate.asked
  assert.is(request?.facts.name, 'press-7')
  assert.equal(Buffer.from(request?.token ?? []), Buffer.alloc(16, 7))
  assert.ok(identity.dueInMs(Date.now()) > 0)
})

test('the same over a WebSocket', async context => {
  const { gate } = context
  await enter(context, { token: tokenOf(gate), broker: { url: gate.webSocketUrl } })
  assert.is(gate.asked.length, 1)
})

test('a server whose authority is not the token’s is told nothing', async context => {
  const { gate, folder } = context
  const error = await refusalOf(enter(context, { token: { secret: Buffer.alloc(16, 7), ca: 'A'.repeat(43) } }))
  assert.is(error.code, 'ca.mismatch')
  assert.is(gate.broker.stats().publishes, 0)
  assert.equal(gate.asked, [])
  assert.is(new Identity(folder, log).membership, undefined)
})

test('joining twice asks with the same key and id', async context => {
  const { gate, folder } = context
  const first = await enter(context)
  const key = readFileSync(join(folder, 'device.key'), 'utf8')
  const second = await enter(context)
  assert.is(second.id, first.id)
  assert.is(readFileSync(join(folder, 'device.key'), 'utf8'), key)
  assert.is(gate.asked.length, 2)
})

test('a device that has joined begins a count of its bytes, as the manager may have forgotten the one before', async context => {
  const { folder } = context
  await enter(context)
  const count = { number: 65_536, instance: Buffer.alloc(8, 1), traffic: noTraffic, toldBytes: 0 }
  withDisk(folder, disk => disk.saveCount(count))
  await enter(context)
  assert.is(
    withDisk(folder, disk => disk.loadCount()),
    undefined,
  )
})

test('a device that was refused keeps its count', async context => {
  const { gate, folder } = context
  withDisk(folder, disk => disk.saveCount({ number: 65_536, traffic: noTraffic, toldBytes: 0 }))
  gate.answering = async () => ({ version: protocolVersion, fault: { code: 'token.spent', message: 'this token has been used' } })
  await refusalOf(enter(context))
  assert.is(withDisk(folder, disk => disk.loadCount())?.number, 65_536)
})

test('a device that has joined knows where its server is, and since when that had its certificate', async context => {
  const { gate, folder } = context
  const old = { floorMs: Date.UTC(2090, 0), addresses: { localhost: ['192.0.2.9'], 'old.test': ['192.0.2.9'] } }
  writeFileSync(join(folder, 'server.json'), JSON.stringify(old))
  gate.answering = async () => ({ version: protocolVersion, fault: { code: 'token.spent', message: 'this token has been used' } })
  const broker = { url: gate.url.replace('127.0.0.1', 'localhost') }
  await refusalOf(enter(context, { broker }))
  assert.equal(readServer(folder), old, 'of who has been refused nothing changes')
  gate.answering = (_request, grant) => grant()
  await enter(context, { broker, clock: { ...systemClock, now: () => 0 } })
  const { floorMs, addresses } = readServer(folder)
  assert.equal(addresses, { localhost: ['127.0.0.1'] })
  const starts = [new X509Certificate(gate.pki.server.cert), new X509Certificate(new Identity(folder, log).membership?.certificate ?? '')]
  assert.is(floorMs, Math.max(...starts.map(({ validFrom }) => Date.parse(validFrom))))
})

test('without a token the device waits for a person, with its key and the authority told, and gets the answer at once', async context => {
  const { gate, folder, events } = context
  gate.answering = async () => ({ version: protocolVersion, pending: true })
  const joining = enter(context, { fleetKey: 'plant' })
  await eventually(10_000, 'the device waits', () => events.some(({ kind }) => kind === 'pending'))
  const key = new Identity(folder, log).keyName
  assert.equal(events, [
    { kind: 'found', ca: gate.pki.caFingerprint },
    { kind: 'pending', key, ca: gate.pki.caFingerprint },
  ])
  assert.is(gate.asked[0]?.fleetKey, 'plant')
  gate.answering = (_request, grant) => grant()
  await gate.again()
  assert.ok((await joining).id)
})

test('a refusal of the server is what joining ends with', async context => {
  const { gate, folder } = context
  gate.answering = async () => ({ version: protocolVersion, fault: { code: 'token.spent', message: 'this token has been used' } })
  const error = await refusalOf(enter(context, { token: tokenOf(gate) }))
  assert.equal([error.code, error.message], ['token.spent', 'this token has been used'])
  assert.is(new Identity(folder, log).membership, undefined)
})

test('a busy server is asked again', async context => {
  const { gate, events } = context
  gate.answering = async (_request, grant) =>
    gate.asked.length > 1 ? grant() : { version: protocolVersion, fault: { code: 'join.busy', message: 'too many' } }
  await enter(context)
  assert.is(events.filter(({ kind }) => kind === 'failed').length, 1)
})

test('certificates for another device, another key, of another authority, or with no signing key are not taken', async context => {
  const { gate, folder } = context
  const other = await GateWorld.open()
  try {
    const wrong: [string, string, GateWorld['answering']][] = [
      [
        'another device',
        'certificate.invalid',
        async (request, grant) => ({ ...(await grant()), chain: await issued(gate, request.csr, 'other') }),
      ],
      ['another key', 'certificate.invalid', async (_request, grant) => ({ ...(await grant()), chain: await foreignKey(gate, folder) })],
      [
        'another authority',
        'ca.mismatch',
        async (request, grant) => ({ ...(await grant()), chain: await issued(other, request.csr, request.device) }),
      ],
      ['no signing key', 'certificate.invalid', async (_request, grant) => ({ ...(await grant()), keys: [] })],
      ['garbage', 'certificate.invalid', async (_request, grant) => ({ ...(await grant()), chain: [Buffer.from('x'), Buffer.from('y')] })],
    ]
    for (const [what, code, answering] of wrong) {
      gate.answering = answering
      assert.is((await refusalOf(enter(context))).code, code, what)
      assert.is(new Identity(folder, log).membership, undefined, what)
    }
  } finally {
    await other.close()
  }
})

async function issued(gate: GateWorld, csr: Uint8Array, device: string): Promise<readonly Buffer[]> {
  const { readRequest } = await import('../../../manager/identity/x509.js')
  const request = await readRequest(csr)
  if (!request.ok) throw new Error('no request')
  return (await gate.pki.issue(request.value, device)).chain
}

async function foreignKey(gate: GateWorld, folder: string): Promise<readonly Buffer[]> {
  const { makeKey, spkiOf } = await import('../../../manager/identity/x509.js')
  const id = readFileSync(join(folder, 'id'), 'utf8').trim()
  return (await gate.pki.issue(spkiOf(makeKey()), id)).chain
}

test('what is no TLS, or nobody, is named; a plain address is refused before anything is sent', async context => {
  const silent = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as { port: number }
  try {
    const error = await refusalOf(enter(context, { broker: { url: `mqtts://127.0.0.1:${port}` } }))
    assert.is(error.code, 'broker.unavailable')
    assert.match(error.message, 'does not speak TLS')
  } finally {
    silent.close()
  }
  const nobody = await refusalOf(enter(context, { broker: { url: 'mqtts://127.0.0.1:1' } }))
  assert.match(nobody.message, 'no server answers at mqtts://127.0.0.1:1: ECONNREFUSED')
  assert.is((await refusalOf(enter(context, { broker: { url: 'mqtt://192.0.2.9:1883' } }))).code, 'config.invalid')
})

test('a key that cannot be read is not replaced by another', async context => {
  const { folder } = context
  await enter(context)
  writeFileSync(join(folder, 'device.key'), 'x')
  assert.is((await refusalOf(enter(context))).code, 'config.invalid')
  assert.is(readFileSync(join(folder, 'device.key'), 'utf8'), 'x')
})

test('a membership that cannot be read is set aside', async context => {
  const { folder } = context
  await enter(context)
  writeFileSync(join(folder, 'membership.json'), '{"server":1}')
  assert.is(new Identity(folder, log).membership, undefined)
})

test.run()
