// Facts that a birth only names: known ones cost nothing, others are asked for until they come.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { Introductions } from '../../manager/introductions.js'
import { type Facts, type Status, stampOfFacts, statusCodec } from '../../protocol/messages/status.js'
import { FakeDevice, someFacts } from '../support/device.js'
import { eventually } from '../support/within.js'
import { deviceIs, request, type Site, startSite } from './site.js'

const test = suite('introductions')

const birth = (fields: Partial<Status>): Status => ({ version: 1, epoch: 1, online: true, intervalS: 10, engine: true, ...fields })

test('a stamp is that of the facts as they are written and read', () => {
  const long: Facts = { ...someFacts, name: 'x'.repeat(200), os: 'half \ud83d', cores: 4 }
  const read = statusCodec.decode(statusCodec.encode(birth({ facts: long })))
  assert.ok(read.ok && read.value.facts !== undefined)
  assert.deepEqual(stampOfFacts(read.value.facts), stampOfFacts(long))
  assert.notDeepEqual(stampOfFacts({ ...someFacts, cores: 5 }), stampOfFacts(someFacts))
  const stamped = statusCodec.decode(statusCodec.encode(birth({ stamp: stampOfFacts(someFacts) })))
  assert.ok(stamped.ok && stamped.value.stamp !== undefined && stamped.value.facts === undefined)
})

type Device = Parameters<Introductions['birth']>[0]

function asking() {
  const state = { hears: true, answers: false, asked: 0 }
  const introductions = new Introductions({
    hears: () => state.hears,
    async *ask() {
      state.asked++
      if (!state.answers) throw new Error('no answer')
      yield { version: 1, part: 0, last: true }
    },
  })
  const device = { facts: null as Facts | null } as unknown as Device & { facts: Facts | null }
  return { state, introductions, device }
}

/** Until what was asked has been answered, or not. */
const settled = () => new Promise(resolve => setImmediate(resolve))

test('a device is asked when it is heard, once for an answer, and not once its facts are known', async () => {
  const { state, introductions, device } = asking()
  state.hears = false
  introductions.birth(device, birth({ stamp: stampOfFacts(someFacts) }))
  introductions.heard(device)
  assert.equal(state.asked, 0)
  state.hears = true
  introductions.heard(device)
  introductions.heard(device)
  assert.equal(state.asked, 1)
  await settled()
  state.answers = true
  introductions.heard(device)
  assert.equal(state.asked, 2, 'it did not answer')
  await settled()
  introductions.heard(device)
  assert.equal(state.asked, 2)
  device.facts = someFacts
  introductions.birth(device, birth({ facts: someFacts }))
  introductions.birth(device, birth({ stamp: stampOfFacts(someFacts) }))
  introductions.heard(device)
  assert.equal(state.asked, 2)
})

test('facts that are others than the known ones are asked for', () => {
  const { state, introductions, device } = asking()
  device.facts = someFacts
  introductions.birth(device, birth({ stamp: stampOfFacts({ ...someFacts, agentVersion: '9' }) }))
  assert.equal(state.asked, 1)
})

test('a manager that was away while a device told its facts asks for them', async () => {
  const site: Site = await startSite({})
  try {
    const device = await FakeDevice.connect({ url: site.broker.url, id: 'a1' })
    const later = { ...someFacts, name: 'press-8' }
    await device.birth({ facts: undefined as unknown as Facts, stamp: stampOfFacts(later) })
    await device.request('report', asked => asked.holds === undefined)
    await device.birth({ facts: later, sequence: 1 })
    await eventually(5000, 'the facts', async () => (await request(site.manager, 'GET', '/devices/a1')).body.facts?.name === 'press-8')
    await deviceIs(site.manager, 'a1', 'Ready')
    await device.leave()
  } finally {
    await site.stop()
  }
})

test.run()
