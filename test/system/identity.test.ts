// Devices by their certificates at a TLS broker: who is let in, for what, and who no more; with plain MQTT clients.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import type { MqttClient } from 'mqtt'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openPki } from '../../manager/identity/pki.js'
import { joinAnswerCodec, joinRequestCodec } from '../../protocol/join.js'
import { statusCodec } from '../../protocol/messages/status.js'
import { someFacts } from '../support/device.js'
import { Fort, papersOf } from '../support/fort.js'
import { certificateOf, makeKeyPair, noSecret, spkiOfPair } from '../support/newcomer.js'
import { eventually, within } from '../support/within.js'

const limitMs = 20_000
const refusedCode = 5
const test = suite<{ fort: Fort }>('identity')
test.before.each(async context => {
  context.fort = await Fort.start()
})
test.after.each(async ({ fort }) => fort.stop())

test('who has a token and no certificate may ask, and nothing else; with the certificate it is a device', async ({ fort }) => {
  await fort.api('POST', '/groups', { name: 'line-1' })
  const newcomer = await fort.newcomer('k3v9')
  for (const topic of ['skerry/device/k3v9/desired', 'skerry/group/line-1/desired', 'skerry/join/+/answer', 'skerry/join/+/request']) {
    assert.is(await grantOf(newcomer.client, topic), 128, topic)
  }
  assert.is((await newcomer.ask({ token: noSecret() })).fault?.code, 'token.invalid')
  const answer = await newcomer.ask({ token: await fort.secret({ groups: ['line-1'] }) })
  const device = await fort.connectAs('k3v9', papersOf(newcomer.pair, answer))
  assert.is(await grantOf(device, 'skerry/group/line-1/desired'), 1)
  assert.is(await grantOf(device, 'skerry/group/line-2/desired'), 128)
  await publishStatus(device, 'k3v9', 1)
  await eventually(limitMs, 'k3v9 is Ready', async () => (await fort.api('GET', '/devices/k3v9')).state === 'Ready')
})

test('a certificate past its end lets in for nothing but the next one', async ({ fort }) => {
  const { pair } = await fort.enrol('k3v9')
  const { chain } = await fort.pki.issue(spkiOfPair(pair), 'k3v9', -1000)
  const lapsed = await fort.connectAs('k3v9', papersOf(pair, { chain }))
  assert.is(await grantOf(lapsed, 'skerry/device/k3v9/desired'), 128)
  assert.is(await grantOf(lapsed, 'skerry/device/k3v9/certificate'), 1)
  const answered = nextMessage(lapsed)
  const { csr } = await requestOf(fort, pair)
  const request = joinRequestCodec.encode({ version: 1, csr, device: 'k3v9', facts: someFacts })
  await lapsed.publishAsync('skerry/device/k3v9/renewal', request, { qos: 1 })
  const answer = joinAnswerCodec.decode((await answered).payload)
  assert.ok(answer.ok)
  assert.ok(Date.parse(certificateOf(answer.value).validTo) > Date.now())
  await lapsed.endAsync(true)
  const device = await fort.connectAs('k3v9', papersOf(pair, answer.value))
  assert.is(await grantOf(device, 'skerry/device/k3v9/desired'), 1)
})

test('release cuts the connection at once; the device comes in to hear of it, says so, and is let in no more', async ({ fort }) => {
  await fort.api('POST', '/groups', { name: 'line-1' })
  const papers = await fort.enrol('k3v9', { groups: ['line-1'] })
  const device = await fort.connectAs('k3v9', papers)
  await publishStatus(device, 'k3v9', 1)
  await eventually(limitMs, 'k3v9 is there', async () => (await fort.api('GET', '/devices/k3v9')).state === 'Ready')
  const cut = closed(device)
  await fort.api('DELETE', '/devices/k3v9')
  await within(limitMs, 'the connection is cut', cut)

  const leaving = await fort.connectAs('k3v9', papers)
  assert.is(await grantOf(leaving, 'skerry/group/line-1/desired'), 128)
  const manifest = nextMessage(leaving)
  assert.is(await grantOf(leaving, 'skerry/device/k3v9/desired'), 1)
  assert.is((await manifest).retain, true)
  const gone = closed(leaving)
  await leaving.publishAsync('skerry/device/k3v9/status', statusCodec.encode({ version: 1, epoch: 2, online: false, reason: 'Released' }), {
    qos: 1,
    retain: true,
  })
  await within(limitMs, 'the connection is cut', gone)
  assert.is(await fort.refusalOf(fort.connectAs('k3v9', papers)), refusedCode)
  assert.is((await fort.api('GET', '/devices/k3v9')).code, 'device.unknown')

  const again = await fort.newcomer('k3v9', papers.pair)
  assert.is((await again.ask()).pending, true)
  const back = papersOf(papers.pair, await again.ask({ token: await fort.secret() }))
  assert.is(await grantOf(await fort.connectAs('k3v9', back), 'skerry/device/k3v9/desired'), 1)
})

test('a certificate of another CA, of another device, of a key that is not registered, and none at all are refused', async ({ fort }) => {
  const papers = await fort.enrol('k3v9')
  await fort.enrol('other')
  const folder = await mkdtemp(join(tmpdir(), 'skerry-foreign-'))
  const foreign = await openPki(join(folder, 'pki'), { log: pino({ level: 'silent' }) })
  try {
    const { chain } = await foreign.issue(spkiOfPair(papers.pair), 'k3v9')
    assert.is(await fort.refusalOf(fort.connectAs('k3v9', papersOf(papers.pair, { chain }))), refusedCode)
  } finally {
    foreign.close()
    await rm(folder, { recursive: true, force: true })
  }
  assert.is(await fort.refusalOf(fort.connectAs('other', papers)), refusedCode)
  const stranger = makeKeyPair()
  const stolen = await fort.pki.issue(spkiOfPair(stranger), 'k3v9')
  assert.is(await fort.refusalOf(fort.connectAs('k3v9', papersOf(stranger, stolen))), refusedCode)
  assert.is(await fort.refusalOf(fort.connect({ clientId: 'dev-k3v9' })), refusedCode)
  await fort.connectAs('k3v9', papers)
})

test('the server’s new certificate serves the next connection and ends none', async ({ fort }) => {
  const papers = await fort.enrol('k3v9')
  const before = await fort.connectAs('k3v9', papers)
  const old = presented(before)
  await fort.pki.renewServer()
  await before.publishAsync('skerry/h/k3v9', Buffer.alloc(0), { qos: 1 })
  assert.is(before.connected, true)
  const other = await fort.connectAs('other', await fort.enrol('other'))
  assert.is.not(presented(other), old)
  assert.is(before.connected, true)
})

async function grantOf(client: MqttClient, topic: string): Promise<number> {
  return client.subscribeAsync(topic, { qos: 1 }).then(
    ([grant]) => grant!.qos,
    error => error.packet.granted[0],
  )
}

async function publishStatus(client: MqttClient, device: string, epoch: number): Promise<void> {
  const birth = { version: 1, epoch, online: true, facts: someFacts, intervalS: 10, engine: true }
  await client.publishAsync(`skerry/device/${device}/status`, statusCodec.encode(birth), { qos: 1, retain: true })
}

function nextMessage(client: MqttClient): Promise<{ payload: Buffer; retain: boolean }> {
  const message = new Promise<{ payload: Buffer; retain: boolean }>(resolve =>
    client.once('message', (_topic, payload, { retain }) => resolve({ payload, retain })),
  )
  return within(limitMs, 'a message', message)
}

function closed(client: MqttClient): Promise<void> {
  return new Promise(resolve => client.once('close', () => resolve()))
}

async function requestOf(fort: Fort, pair: ReturnType<typeof makeKeyPair>): Promise<{ csr: Buffer }> {
  const newcomer = await fort.newcomer('k3v9', pair)
  await newcomer.leave()
  return newcomer
}

/** The serial number of the certificate that the server has shown. */
function presented(client: MqttClient): string {
  const certificate = (client.stream as TLSSocket).getPeerX509Certificate()
  return certificate!.serialNumber
}

test.run()
