import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Acquaintance } from '../../../agent/acquaintance.js'
import { startAgent } from '../../../agent/agent.js'
import { Approach } from '../../../agent/approach.js'
import { type Life, renewAtMs, serverTime } from '../../../agent/core/renewal.js'
import { Identity } from '../../../agent/identity/identity.js'
import { joinFleet } from '../../../agent/join.js'
import { withIdentity } from '../../../agent/reach.js'
import { Renewal } from '../../../agent/renewal.js'
import type { Clock } from '../../../protocol/clock.js'
import { unwrap } from '../../../protocol/errors.js'
import { type JoinAnswer, joinAnswerCodec, joinRequestCodec } from '../../../protocol/join.js'
import { protocolVersion } from '../../../protocol/messages/message.js'
import { ManualClock } from '../../support/clock.js'
import { GateWorld } from '../../support/gate.js'
import { eventually, within } from '../../support/within.js'

const log = pino({ level: 'silent' })
const dayMs = 86_400_000

interface World {
  gate: GateWorld
  folder: string
  clock: ManualClock
  id: string
  identity: Identity
  published: { topic: string; payload: Buffer }[]
  renewal: Renewal
}

const test = suite<World>('agent: renewal')

test.before.each(async context => {
  context.gate = await GateWorld.open()
  context.folder = mkdtempSync(join(tmpdir(), 'skerry-renewal-'))
  context.clock = new ManualClock()
  context.published = []
  await member(context, 30 * dayMs)
})
test.after.each(async ({ gate, folder, renewal }) => {
  renewal.stop()
  await gate.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Joins with a certificate of this life. The manual clock is behind that of the CA, so that certificates live longer by it than they say. */
async function member(context: World, lifeMs: number): Promise<void> {
  const { gate, folder, clock } = context
  gate.answering = (_request, grant) => grant(lifeMs)
  clock.advance(Date.now() - clock.now())
  const signal = new AbortController().signal
  const broker = { url: gate.url }
  context.id = (await joinFleet({ folder, root: 'skerry', broker, patient: false, log, clock, signal, onEvent: () => {} })).id
  context.identity = new Identity(folder, log)
  context.renewal = makeRenewal(context, clock)
}

function makeRenewal({ identity, id, published }: World, clock: Clock): Renewal {
  const renewal = new Renewal({
    identity,
    root: 'skerry',
    device: id,
    name: undefined,
    clock,
    log,
    publish: async (topic, payload) => published.push({ topic, payload }) > 0,
    onTopics: () => {
      for (const topic of renewal.topics()) renewal.noteSubscribed(topic)
    },
  })
  return renewal
}

const certificateOf = ({ identity }: World) => identity.membership?.certificate

test('a certificate is due from two thirds of its life on, by a tenth more for some, and by when it came', () => {
  const life: Life = { fromMs: -dayMs, untilMs: 30 * dayMs, receivedMs: 0 }
  assert.is(renewAtMs(life, 0), 20 * dayMs)
  assert.is(renewAtMs(life, 0.5), 21.5 * dayMs)
  assert.is(renewAtMs({ ...life, receivedMs: 15 * dayMs }, 0), 25 * dayMs)
})

test('what counts is the time since it came: a clock in another year, before or after, changes nothing', () => {
  for (const receivedMs of [0, -20_000 * dayMs, 27_000 * dayMs]) {
    const life: Life = { fromMs: -dayMs, untilMs: 30 * dayMs, receivedMs, issuedMs: 0 }
    assert.is(renewAtMs(life, 0), 20 * dayMs)
    assert.is(serverTime(life, receivedMs + 7 * dayMs), 7 * dayMs)
    assert.is(serverTime(life, receivedMs - 90_000 * dayMs), -dayMs, 'a clock that was set back')
    const untold: Life = { ...life, issuedMs: undefined }
    assert.is(serverTime(untold, receivedMs), receivedMs === 0 ? 0 : -dayMs)
  }
})

test('it is asked for when it is due, not before, and the new one is kept', async context => {
  const { clock, published, renewal, identity, gate } = context
  renewal.noteSession()
  clock.advance(19 * dayMs)
  assert.equal([published.length, renewal.topics().length], [0, 0])
  clock.advance(5 * dayMs)
  assert.ok(published.length > 0)
  assert.is(published[0]?.topic, `skerry/device/${context.id}/renewal`)
  const request = unwrap(joinRequestCodec.decode(published[0]?.payload ?? Buffer.alloc(0)))
  assert.is(request.device, context.id)
  const before = certificateOf(context)
  const asked = published.length
  renewal.receive(await grant(gate, request.csr, context.id, 60 * dayMs))
  assert.is.not(certificateOf(context), before)
  assert.is(certificateOf(context), new Identity(context.folder, log).membership?.certificate)
  assert.ok(identity.dueInMs(clock.now()) > 0)
  assert.equal(renewal.topics(), [])
  clock.advance(dayMs)
  assert.is(published.length, asked)
})

test('one that falls due while it is looked at is asked for at once', context => {
  const { clock, identity, published } = context
  let looks = 0
  const ticking: Clock = {
    now: () => clock.now() + looks++,
    monotonic: () => clock.monotonic(),
    after: (delayMs, run) => clock.after(delayMs, run),
  }
  const renewal = makeRenewal(context, ticking)
  clock.advance(identity.dueInMs(clock.now()) - 1)
  renewal.noteSession()
  clock.advance(60_000)
  renewal.stop()
  assert.is(published.length, 1)
})

async function grant(gate: GateWorld, csr: Uint8Array, device: string, lifeMs: number): Promise<Buffer> {
  const { readRequest } = await import('../../../manager/identity/x509.js')
  const { chain } = await gate.pki.issue(unwrap(await readRequest(csr)), device, lifeMs)
  return joinAnswerCodec.encode({ version: protocolVersion, device, chain })
}

test('a server that is silent, refuses or answers nonsense is asked again, and the certificate stays', async context => {
  const { clock, published, renewal } = context
  renewal.noteSession()
  clock.advance(25 * dayMs)
  const before = certificateOf(context)
  const answers: JoinAnswer[] = [
    { version: protocolVersion, fault: { code: 'join.busy', message: 'later' } },
    { version: protocolVersion, device: context.id, chain: [Buffer.from('x'), Buffer.from('y')] },
  ]
  for (const payload of [Buffer.from('garbage'), ...answers.map(answer => joinAnswerCodec.encode(answer))]) {
    const asked = published.length
    renewal.receive(payload)
    clock.advance(11 * 60_000)
    assert.ok(published.length > asked)
    assert.is(certificateOf(context), before)
  }
})

test('an answer that nobody has asked for changes nothing', async context => {
  const { gate, identity, renewal } = context
  const before = certificateOf(context)
  renewal.receive(await grant(gate, identity.createRequest(context.id), context.id, 60 * dayMs))
  assert.is(certificateOf(context), before)
})

test('a certificate that has ended is replaced by a visit of its own', async context => {
  const { clock, gate, identity, renewal } = context
  clock.advance(31 * dayMs)
  assert.is(identity.hasLapsed(clock.now()), true)
  gate.answering = (_request, grantFor) => grantFor(90 * dayMs)
  await within(10_000, 'the visit ends', renewal.visit(withIdentity({ url: gate.url }, identity.credentials)))
  assert.is(identity.hasLapsed(clock.now()), false)
  assert.is(gate.asked.length, 2)
})

test('a device that is kept from its own topics asks for another certificate, once a day at most', async context => {
  const { gate, folder, identity, renewal, clock } = context
  const memory = new Acquaintance({ folder, log, clock, ownNotBeforeMs: () => identity.notBeforeMs })
  const approach = new Approach({ broker: { url: gate.url }, identity, renewal, memory, clock, log })
  const next = () => within(10_000, 'there is something to connect with', approach.next())
  assert.is((await next()).cert, certificateOf(context))
  assert.is(gate.asked.length, 1)
  const before = certificateOf(context)
  assert.is(approach.noteDenied(), true)
  assert.is.not((await next()).cert, before)
  assert.equal([gate.asked.length, approach.noteDenied()], [2, false])
  clock.advance(dayMs)
  assert.is(approach.noteDenied(), true)
})

test('an agent whose certificate has ended gets another before it says anything', async context => {
  const { gate, folder, identity, renewal } = context
  renewal.stop()
  gate.answering = (_request, grantFor) => grantFor(1_500)
  const signal = new AbortController().signal
  await joinFleet({ folder, root: 'skerry', broker: { url: gate.url }, patient: false, log, signal, onEvent: () => {} })
  gate.answering = (_request, grantFor) => grantFor(30 * dayMs)
  const late = new Identity(folder, log)
  await eventually(5_000, 'the certificate has ended', () => late.hasLapsed(Date.now()))
  const options = { folder, root: 'skerry', broker: { url: gate.url }, identity: late, keys: late, engine: '/nowhere', log }
  const agent = await startAgent(options)
  try {
    await eventually(10_000, 'it is renewed', () => !late.hasLapsed(Date.now()))
    assert.is(gate.asked.length, 3)
    assert.is.not(late.membership?.certificate, identity.membership?.certificate)
  } finally {
    await agent.stop()
  }
})

test.run()
