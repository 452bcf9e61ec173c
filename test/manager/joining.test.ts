// Joining by token and renewal: who gets a certificate, and who is told what instead.
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRequest } from '../../agent/identity/csr.js'
import { statusCodec } from '../../protocol/messages/status.js'
import { ManualClock } from '../support/clock.js'
import { someFacts } from '../support/device.js'
import { certificateOf, makeKeyPair, noSecret } from '../support/newcomer.js'
import { eventually } from '../support/within.js'
import { JoinSite } from './join-site.js'
import { deviceIs } from './site.js'

const clock = new ManualClock()
const hourMs = 3_600_000
const test = suite<{ site: JoinSite }>('joining')
test.before.each(async context => {
  context.site = await JoinSite.start({ clock })
})
test.after.each(async ({ site }) => site.stop())

test('a token lets a device in, with its groups and labels, and its certificate is the CA’s, for its id and key', async ({ site }) => {
  await site.api('POST', '/groups', { name: 'line-1' })
  const { id, secret } = await site.token({ groups: ['line-1'], labels: { hall: '3' }, name: 'hall 3' })
  const device = await site.newcomer('k3v9')
  const answer = await device.ask({ token: secret })
  const own = certificateOf(answer)
  const ca = new X509Certificate(site.pki.caPem)
  assert.is(answer.device, 'k3v9')
  assert.ok(own.checkIssued(ca) && own.verify(ca.publicKey))
  assert.equal(Buffer.from(answer.chain!.at(-1)!), ca.raw)
  assert.is(own.subject, 'CN=k3v9')
  assert.equal(own.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  assert.is(Date.parse(own.validTo), clock.now() + 30 * 24 * hourMs)
  assert.is(answer.keys?.length, 1)

  const { body } = await site.api('GET', '/devices/k3v9')
  assert.equal([body.groups, body.labels, body.facts.name], [['line-1'], { hall: '3' }, 'press'])
  assert.is(body.identity.key, device.key)
  assert.is(body.identity.certificateUntil, new Date(own.validTo).toISOString())
  const { items } = (await site.api('GET', '/tokens')).body
  assert.equal([items[0].id, items[0].used, items[0].uses], [id, 1, 1])
  assert.is(JSON.stringify(items).includes(secret.toString('base64url')), false)
  const [joined] = await site.events('device.joined')
  assert.equal([joined!.key, joined!.via, joined!.token], [device.key, 'token', id])
  assert.ok(site.opened.access.device('k3v9', device.key).ok)
  assert.ok(site.opened.access.groupsOf('k3v9').has('line-1'))
})

test('the same key may ask again and is answered again, also after the manager’s restart; no use is counted', async ({ site }) => {
  const { secret } = await site.token()
  const device = await site.newcomer('k3v9')
  const first = certificateOf(await device.ask({ token: secret }))
  const second = certificateOf(await device.ask({ token: secret }))
  assert.is.not(first.serialNumber, second.serialNumber)
  await site.restart()
  const third = await device.ask()
  assert.is(certificateOf(third).subject, 'CN=k3v9')
  assert.is((await site.api('GET', '/tokens')).body.items[0].used, 1)
  assert.ok(site.opened.access.device('k3v9', device.key).ok)
})

test('a wrong, a deleted, a spent and an expired token are refused, each with its reason', async ({ site }) => {
  const wrong = await site.newcomer('d1')
  assert.is((await wrong.ask({ token: noSecret() })).fault?.code, 'token.invalid')
  const deleted = await site.token()
  assert.is((await site.api('DELETE', `/tokens/${deleted.id}`)).status, 204)
  assert.is((await wrong.ask({ token: deleted.secret })).fault?.code, 'token.invalid')

  const once = await site.token()
  certificateOf(await (await site.newcomer('d2')).ask({ token: once.secret }))
  const late = await site.newcomer('d3')
  const spent = await late.ask({ token: once.secret })
  assert.is(spent.fault?.code, 'token.spent')
  assert.match(spent.fault!.message, /skerry token create/)

  const short = await site.token({ ttlS: 60 })
  clock.advance(60_000)
  assert.is((await late.ask({ token: short.secret })).fault?.code, 'token.expired')
  assert.equal(
    (await site.api('GET', '/devices')).body.items.map((item: { id: string }) => item.id),
    ['d2'],
  )
  const refused = await site.events('join.refused')
  assert.equal(
    refused.map(({ device, code }) => [device, code]),
    [
      ['d1', 'token.invalid'],
      ['d3', 'token.spent'],
      ['d3', 'token.expired'],
    ],
  )
  assert.equal(refused[0]!.addresses, someFacts.addresses)
})

test('of two that use the last of a token at once, one gets in', async ({ site }) => {
  const { secret } = await site.token({ uses: 2 })
  const three = await Promise.all(['d1', 'd2', 'd3'].map(id => site.newcomer(id)))
  const answers = await Promise.all(three.map(each => each.ask({ token: secret })))
  assert.is(answers.filter(answer => answer.chain !== undefined).length, 2)
  assert.equal(
    answers.flatMap(answer => answer.fault?.code ?? []),
    ['token.spent'],
  )
  assert.is((await site.api('GET', '/devices')).body.items.length, 2)
})

test('a request that is none, of another key, or not signed with its own, is refused', async ({ site }) => {
  const { secret } = await site.token({ uses: 9 })
  const device = await site.newcomer('k3v9')
  const forged = Buffer.from(device.csr)
  forged[forged.length - 1]! ^= 1
  const renamed = Buffer.from(device.csr)
  renamed[renamed.indexOf('k3v9')]! ^= 1
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  const hostile = [Buffer.from('garbage'), Buffer.alloc(2048, 0x30), forged, renamed, createRequest(makeKeyPair(), 'k3v9')]
  for (const csr of [...hostile, createRequest(rsa, 'k3v9'), createRequest(p384, 'k3v9')]) {
    assert.is((await device.ask({ csr, token: secret })).fault?.code, 'certificate.invalid')
  }
  assert.is((await site.api('GET', '/tokens')).body.items[0].used, 0)
  certificateOf(await device.ask({ token: secret }))
})

test('an id that another key holds is refused, and the token keeps its use', async ({ site }) => {
  const { secret } = await site.token({ uses: 2 })
  const first = await site.newcomer('k3v9')
  certificateOf(await first.ask({ token: secret }))
  const other = await site.newcomer('k3v9')
  const from = first.heard
  const { fault } = await other.ask({ token: secret })
  assert.is(fault?.code, 'device.exists')
  assert.match(fault!.message, /skerry delete device k3v9/)
  assert.is(first.heard, from)
  assert.ok(site.opened.access.device('k3v9', first.key).ok)
  const refused = site.opened.access.device('k3v9', other.key)
  assert.is(refused.ok || refused.refusals[0].code, 'certificate.revoked')
  assert.is((await site.api('GET', '/tokens')).body.items[0].used, 1)
})

test('a registered device renews with its key, nobody else does, and each renewal is told', async ({ site }) => {
  const { secret } = await site.token()
  const device = await site.newcomer('k3v9')
  const before = certificateOf(await device.ask({ token: secret }))
  clock.advance(40 * 24 * hourMs)
  const after = certificateOf(await device.renew())
  assert.is.not(after.serialNumber, before.serialNumber)
  assert.is(Date.parse(after.validTo), clock.now() + 30 * 24 * hourMs)
  const renewed = await eventually(20_000, 'an event', async () => (await site.events('device.renewed'))[0])
  assert.is(renewed.until, new Date(after.validTo).toISOString())
  const stranger = await site.newcomer('k3v9')
  assert.is((await stranger.renew()).fault?.code, 'certificate.revoked')
  assert.is((await stranger.renew({ csr: Buffer.from('garbage') })).fault?.code, 'certificate.invalid')
})

test('release forgets the key at once, tells the broker, and lets the device come back by a new token only', async ({ site }) => {
  const { secret } = await site.token({ uses: 2 })
  const device = await site.newcomer('k3v9')
  certificateOf(await device.ask({ token: secret }))
  const { access } = site.opened
  let changes = 0
  const stop = access.onChange(() => changes++)
  assert.is((await site.api('DELETE', '/devices/k3v9')).status, 202)
  assert.ok(changes > 0)
  const refused = access.device('k3v9', device.key)
  assert.is(refused.ok || refused.refusals[0].code, 'certificate.revoked')
  assert.is(access.leaving('k3v9', device.key), true)
  assert.is((await device.renew()).fault?.code, 'certificate.revoked')
  await site.restart()
  assert.is(site.opened.access.leaving('k3v9', device.key), true)

  certificateOf(await device.ask({ token: secret }))
  assert.ok(site.opened.access.device('k3v9', device.key).ok)
  assert.is(site.opened.access.leaving('k3v9', device.key), false)
  const { body } = await site.api('GET', '/devices/k3v9')
  assert.equal([body.state, body.reason, body.groups], ['Unknown', 'NeverSeen', []])
  stop()
})

test('a device from before keys is bound by its first join and keeps what it has; one that never joins is not of the fleet', async ({
  site,
}) => {
  await site.restart({ strict: false })
  const device = await site.newcomer('k3v9')
  const birth = (epoch: number) => statusCodec.encode({ version: 1, epoch, online: true, facts: someFacts, intervalS: 10, engine: true })
  await device.client.publishAsync('skerry/device/k3v9/status', birth(1), { qos: 1 })
  await deviceIs(site.manager, 'k3v9', 'Ready')
  await site.api('PATCH', '/devices/k3v9', { name: 'Press 7', labels: { hall: '2', line: '1' } })

  await site.restart({ strict: true })
  const { secret } = await site.token({ labels: { hall: '3' } })
  const refused = site.opened.access.device('k3v9', device.key)
  assert.is(refused.ok || refused.refusals[0].code, 'certificate.revoked')
  certificateOf(await device.ask({ token: secret }))
  const { body } = await site.api('GET', '/devices/k3v9')
  assert.equal([body.name, body.labels, body.identity.key], ['Press 7', { hall: '3', line: '1' }, device.key])

  await device.client.publishAsync('skerry/device/stranger/status', birth(1), { qos: 1 })
  await device.client.publishAsync('skerry/device/k3v9/status', birth(2), { qos: 1 })
  await eventually(20_000, 'the later birth', async () => (await site.api('GET', '/devices/k3v9')).body.epoch === 2)
  assert.is((await site.api('GET', '/devices/stranger')).status, 404)
})

test('an invitation is one line with the CA’s fingerprint; a group that is not there is refused', async ({ site }) => {
  const { status, body } = await site.api('POST', '/tokens', { uses: 3, ttlS: 3600, name: 'for the commissioning' })
  assert.is(status, 201)
  assert.match(body.command, /^skerry agent join \S+ skj\.[\w-]{22}\.[\w-]{43}$/)
  assert.ok(body.token.endsWith(`.${site.pki.caFingerprint}`))
  assert.equal([body.uses, body.used, body.name], [3, 0, 'for the commissioning'])
  assert.is(Date.parse(body.expiresAt), clock.now() + hourMs)
  assert.is((await site.api('POST', '/tokens', { groups: ['none'] })).body.code, 'group.unknown')
  assert.is((await site.api('DELETE', '/tokens/none')).body.code, 'token.unknown')
  assert.is((await site.api('POST', '/tokens', { uses: 0 })).status, 400)
})

test('two with one identity are an event with both addresses', async ({ site }) => {
  site.opened.access.note({ kind: 'identity.conflict', device: 'k3v9', addresses: ['10.1.4.7', '10.1.4.8'] })
  const [conflict] = await eventually(20_000, 'an event', async () => {
    const events = await site.events('device.conflict')
    return events.length > 0 && events
  })
  assert.equal(conflict, { holder: '10.1.4.7', other: '10.1.4.8' })
})

test.run()
