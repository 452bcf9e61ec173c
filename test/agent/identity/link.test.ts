import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { generate, parser } from 'mqtt-packet'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Verdict } from '../../../agent/core/refused.js'
import { Identity } from '../../../agent/identity/identity.js'
import { Link } from '../../../agent/link.js'
import { withIdentity } from '../../../agent/reach.js'
import { Traffic } from '../../../agent/traffic.js'
import { openPki, type Pki } from '../../../manager/identity/pki.js'
import { readRequest } from '../../../manager/identity/x509.js'
import { unwrap } from '../../../protocol/errors.js'
import { profiles } from '../../../protocol/messages/link.js'
import { ManualClock } from '../../support/clock.js'
import { eventually } from '../../support/within.js'

const log = pino({ level: 'silent' })

interface Seen {
  readonly reused: boolean
  readonly subject: string | undefined
  readonly username: string | undefined
}

/** A server that does TLS and answers CONNECT, and remembers who came. */
class Counter {
  readonly seen: Seen[] = []
  returnCode = 0
  readonly #server: Server
  #last: TLSSocket | undefined

  constructor(pki: Pki) {
    this.#server = createServer({ ...pki.server, ca: pki.caPem, requestCert: true, rejectUnauthorized: false }, socket =>
      this.#take(socket),
    )
  }

  async listen(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `mqtts://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  cut(): void {
    this.#last?.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #take(socket: TLSSocket): void {
    this.#last = socket
    const input = parser()
    socket.on('error', () => {})
    socket.on('data', bytes => input.parse(bytes))
    input.on('packet', packet => {
      if (packet.cmd !== 'connect') return
      const subject = socket.getPeerX509Certificate()?.subject
      this.seen.push({ reused: socket.isSessionReused(), subject, username: packet.username })
      socket.write(generate({ cmd: 'connack', returnCode: this.returnCode, sessionPresent: false }))
      if (this.returnCode > 0) socket.end()
    })
  }
}

interface World {
  folder: string
  pki: Pki
  identity: Identity
  counter: Counter
  url: string
  clock: ManualClock
  link: Link
  verdicts: Verdict[]
}

const test = suite<World>('agent: link with a certificate')

test.before.each(async context => {
  context.folder = mkdtempSync(join(tmpdir(), 'skerry-link-'))
  context.pki = await openPki(join(context.folder, 'pki'), { log })
  context.identity = new Identity(context.folder, log)
  context.counter = new Counter(context.pki)
  context.url = await context.counter.listen()
  context.clock = new ManualClock()
  context.verdicts = []
  await certify(context)
  context.link = makeLink(context)
})
test.after.each(async ({ folder, pki, counter, link }) => {
  await link.stop()
  counter.close()
  pki.close()
  rmSync(folder, { recursive: true, force: true })
})

async function certify({ pki, identity, url }: World): Promise<void> {
  const { chain } = await pki.issue(unwrap(await readRequest(identity.createRequest('press-7'))), 'press-7')
  unwrap(identity.join({ chain, device: 'press-7', now: Date.now() }, { server: url, ca: pki.caFingerprint, keys: [Buffer.alloc(32)] }))
}

function makeLink({ identity, url, clock, verdicts }: World): Link {
  return new Link({
    reach: () => withIdentity({ url }, identity.credentials),
    clientId: 'dev-press-7',
    statusTopic: 'skerry/device/press-7/status',
    openSession: () => ({ epoch: 1, will: Buffer.from('x') }),
    settings: () => ({ ...profiles.lan, intervalS: 20, keepaliveS: 600 }),
    retries: { firstMs: 1_000, maxMs: 60_000 },
    clock,
    random: () => 0.5,
    log,
    traffic: new Traffic('skerry', clock),
    onOpening: () => {},
    onConnected: () => {},
    onSubscribed: () => {},
    onDenied: () => {},
    onLost: () => {},
    onRefused: verdict => verdicts.push(verdict),
    onMessage: () => {},
  })
}

/** Ends the connection from the other side, and has the link make its next. */
async function again({ counter, link, clock }: World): Promise<void> {
  const before = counter.seen.length
  counter.cut()
  await eventually(5_000, 'the link notices', () => !link.connected)
  await comes({ counter, clock }, before + 1)
  await eventually(5_000, 'the link is up', () => link.connected)
}

async function comes({ counter, clock }: Pick<World, 'counter' | 'clock'>, times: number, stepMs = 2_000): Promise<void> {
  await eventually(10_000, `${times} connects`, () => {
    if (counter.seen.length < times) clock.advance(stepMs)
    return counter.seen.length >= times
  })
}

test('it shows its certificate and its run; later connections resume the session until there is another certificate', async context => {
  const { link, counter } = context
  link.start()
  await eventually(5_000, 'the link is up', () => link.connected)
  const [first] = counter.seen
  assert.equal([first?.reused, first?.subject], [false, 'CN=press-7'])
  assert.match(first?.username ?? '', /^run-[0-9a-f]{8}$/)
  await again(context)
  await again(context)
  assert.equal(counter.seen.slice(1), [
    { ...first, reused: true },
    { ...first, reused: true },
  ])
  await certify(context)
  await again(context)
  assert.is(counter.seen[3]?.reused, false)
})

test('each start is another run', ({ folder, identity }) => {
  assert.is.not(new Identity(folder, log).credentials?.username, identity.credentials?.username)
})

test('of two with one identity the one that is refused waits for half a minute at least', async context => {
  const { link, counter, clock, verdicts } = context
  counter.returnCode = 2
  link.start()
  await eventually(5_000, 'it is refused', () => verdicts.length === 1)
  assert.is(verdicts[0]?.refusal.code, 'identity.conflict')
  counter.returnCode = 0
  clock.advance(29_000)
  assert.is(counter.seen.length, 1)
  await comes(context, 2)
  await eventually(5_000, 'it is let in', () => link.connected)
})

test('a server with another authority is not believed', async context => {
  const { folder, identity, url, clock, verdicts } = context
  const other = await openPki(join(folder, 'other'), { log })
  const { chain } = await other.issue(unwrap(await readRequest(identity.createRequest('press-7'))), 'press-7')
  unwrap(identity.join({ chain, device: 'press-7', now: clock.now() }, { server: url, ca: other.caFingerprint, keys: [Buffer.alloc(32)] }))
  context.link.start()
  await eventually(5_000, 'it is refused', () => verdicts.length === 1)
  assert.is(verdicts[0]?.refusal.code, 'ca.mismatch')
  assert.equal(context.counter.seen, [])
  assert.not.ok(new X509Certificate(context.pki.caPem).raw.equals(new X509Certificate(other.caPem).raw))
  other.close()
})

test.run()
