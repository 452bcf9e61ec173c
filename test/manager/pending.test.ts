// Joining without a token: the fleet's key, waiting for a person, and what holds off those who guess.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ManualClock } from '../support/clock.js'
import { someFacts } from '../support/device.js'
import { certificateOf, noSecret } from '../support/newcomer.js'
import { JoinSite } from './join-site.js'

const clock = new ManualClock()
const dayMs = 86_400_000
const test = suite<{ site: JoinSite }>('pending')
test.before.each(async context => {
  context.site = await JoinSite.start({ clock })
})
test.after.each(async ({ site }) => site.stop())

test('a device without a token waits, is shown with its facts and key, and hears at once that it was approved', async ({ site }) => {
  await site.api('POST', '/groups', { name: 'line-1' })
  const device = await site.newcomer('k3v9')
  const first = await device.ask()
  assert.equal([first.pending, first.device, first.chain], [true, 'k3v9', undefined])
  assert.is((await device.ask()).pending, true)
  const { items } = (await site.api('GET', '/pending')).body
  assert.equal(items.length, 1)
  assert.equal([items[0].key, items[0].device, items[0].state, items[0].facts], [device.key, 'k3v9', 'pending', someFacts])
  assert.is((await site.events('join.pending')).length, 1)

  await site.restart()
  const from = device.heard
  const approved = await site.api('POST', `/pending/${device.key}/approve`, { groups: ['line-1'], labels: { hall: '3' }, device: 'k3v9' })
  assert.equal([approved.status, approved.body.id, approved.body.groups, approved.body.labels], [200, 'k3v9', ['line-1'], { hall: '3' }])
  assert.is(certificateOf(await device.answer(from)).subject, 'CN=k3v9')
  assert.equal((await site.api('GET', '/pending')).body.items, [])
  assert.ok(site.opened.access.device('k3v9', device.key).ok)
  const [joined] = await site.events('device.joined')
  assert.is(joined!.via, 'approval')
})

test('who was away when they were approved gets the certificate when they ask again', async ({ site }) => {
  const device = await site.newcomer('k3v9')
  await device.ask()
  await device.client.unsubscribeAsync(device.answerTopic)
  await site.api('POST', `/pending/${device.key}/approve`, {})
  await site.restart()
  await device.listen()
  assert.is(certificateOf(await device.ask()).subject, 'CN=k3v9')
})

test('who was rejected hears it at once and whenever they ask, until they are approved after all', async ({ site }) => {
  const device = await site.newcomer('k3v9')
  await device.ask()
  const from = device.heard
  assert.is((await site.api('POST', `/pending/${device.key}/reject`)).body.state, 'rejected')
  assert.is((await device.answer(from)).fault?.code, 'join.rejected')
  assert.is((await device.ask()).fault?.code, 'join.rejected')
  assert.is((await site.api('GET', '/pending')).body.items[0].state, 'rejected')
  await site.api('POST', `/pending/${device.key}/approve`, {})
  certificateOf(await device.ask())
  assert.is((await site.events('join.rejected')).length, 1)
})

test('an approval is refused for a key that nobody asks with, for another id than was seen, a taken id, and a group that is none', async ({
  site,
}) => {
  const approve = async (key: string, body: object) => (await site.api('POST', `/pending/${key}/approve`, body)).body.code
  const device = await site.newcomer('k3v9')
  assert.is(await approve(device.key, {}), 'device.unknown')
  assert.is((await site.api('POST', `/pending/${device.key}/reject`)).body.code, 'device.unknown')
  await device.ask()
  await device.ask({ device: 'other' })
  assert.is(await approve(device.key, { device: 'k3v9' }), 'identity.conflict')
  assert.is(await approve(device.key, { device: 'other', groups: ['none'] }), 'group.unknown')
  const holder = await site.newcomer('other')
  certificateOf(await holder.ask({ token: (await site.token()).secret }))
  assert.is(await approve(device.key, { device: 'other' }), 'device.exists')
  assert.is((await device.ask({ device: 'other' })).fault?.code, 'device.exists')
})

test('who has not asked for a day is forgotten', async ({ site }) => {
  const [one, other] = [await site.newcomer('d1'), await site.newcomer('d2')]
  await one.ask()
  clock.advance(dayMs / 2)
  await other.ask()
  clock.advance(dayMs / 2 + 1)
  const { items } = (await site.api('GET', '/pending')).body
  assert.equal(
    items.map((item: { device: string }) => item.device),
    ['d2'],
  )
})

test('a fleet with a key shows only those who know it', async ({ site }) => {
  await site.restart({ fleetKey: 'of the plant' })
  const device = await site.newcomer('k3v9')
  assert.is((await device.ask()).fault?.code, 'join.key')
  assert.is((await device.ask({ fleetKey: 'of the planT' })).fault?.code, 'join.key')
  assert.equal((await site.api('GET', '/pending')).body.items, [])
  assert.is((await device.ask({ fleetKey: 'of the plant' })).pending, true)
  const refused = await site.events('join.refused')
  assert.equal(
    refused.map(({ code, key }) => [code, key]),
    [['join.key', device.key]],
    'once a minute',
  )
  assert.is(JSON.stringify(await site.api('GET', '/events')).includes('of the plan'), false)
})

test('who is wrong ten times a minute is held off, and in the next minute is not', async ({ site }) => {
  const device = await site.newcomer('k3v9')
  for (let n = 0; n < 10; n++) assert.is((await device.ask({ token: noSecret() })).fault?.code, 'token.invalid')
  assert.is((await device.ask({ token: noSecret() })).fault?.code, 'join.busy')
  const { secret } = await site.token()
  assert.is((await device.ask({ token: secret })).fault?.code, 'join.busy')
  clock.advance(60_000)
  certificateOf(await device.ask({ token: secret }))
})

test('when a hundred were wrong within a minute nobody may guess, but a right token lets in', async ({ site }) => {
  await site.restart({ fleetKey: 'of the plant' })
  for (let n = 0; n < 10; n++) {
    const device = await site.newcomer(`wrong-${n}`)
    for (let times = 0; times < 10; times++) assert.is((await device.ask({ token: noSecret() })).fault?.code, 'token.invalid')
  }
  const device = await site.newcomer('k3v9')
  assert.is((await device.ask({ token: noSecret() })).fault?.code, 'join.busy')
  assert.is((await device.ask({ fleetKey: 'of the plant' })).fault?.code, 'join.busy')
  assert.is((await site.events('join.refused')).length, 10)
  certificateOf(await device.ask({ token: (await site.token()).secret }))
})

test('no more than 200 wait, those who do are not pushed out, and a token still lets in', async ({ site }) => {
  const first = await site.newcomer('d0')
  await first.ask()
  for (let n = 1; n < 200; n++) {
    const device = await first.beside(`d${n}`)
    assert.is((await device.ask()).pending, true)
  }
  const late = await site.newcomer('late')
  assert.is((await late.ask()).fault?.code, 'join.busy')
  assert.is((await first.ask()).pending, true)
  assert.is((await site.api('GET', '/pending')).body.items.length, 200)
  await site.api('POST', `/pending/${first.key}/reject`)
  assert.is((await late.ask()).pending, true)
  certificateOf(await (await site.newcomer('with-token')).ask({ token: (await site.token()).secret }))
})

test.run()
