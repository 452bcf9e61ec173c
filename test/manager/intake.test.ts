// Whatever comes from the wire, and whatever happens while it is taken in, the manager goes on.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { Intake, type Receiver } from '../../manager/intake.js'
import { statusCodec } from '../../protocol/messages/status.js'
import { noTraffic, usageCodec } from '../../protocol/messages/usage.js'
import { silent } from './site.js'

const test = suite('intake')
const nothing = () => {}
const receiver: Receiver = {
  heartbeat: nothing,
  status: nothing,
  reported: nothing,
  usage: nothing,
  changes: nothing,
  response: nothing,
  join: nothing,
  renewal: nothing,
  desired: nothing,
  dropped: nothing,
}
const death = statusCodec.encode({ version: 1, epoch: 1, online: false, reason: 'Disconnected' })

test('a database that refuses a write, as on a full disk, costs one message and not the manager', () => {
  const status = () => {
    throw new Error('database or disk is full')
  }
  const intake = new Intake('skerry', { ...receiver, status }, silent)
  intake.handle('skerry/device/a1/status', death, false)
  assert.deepEqual(intake.stats(), { received: 1, dropped: { internal: 1 } })
})

test('sources are remembered in little room, however long their topics are', () => {
  const names: string[] = []
  const dropped = (topic: string) => void names.push(topic)
  const intake = new Intake('skerry', { ...receiver, dropped }, silent)
  const topic = `skerry/device/${'x'.repeat(60_000)}`
  intake.handle(`${topic}/status`, death, false)
  intake.handle(`${topic}y/status`, death, false)
  assert.deepEqual(names.length, 1)
})

test('an account of bytes that a broker has kept is none', () => {
  const intake = new Intake('skerry', receiver, silent)
  const account = usageCodec.encode({ version: 1, count: 1, ...noTraffic })
  intake.handle('skerry/device/a1/usage', account, false)
  intake.handle('skerry/device/a1/usage', account, true)
  assert.deepEqual(intake.stats(), { received: 2, dropped: { 'message.invalid': 1 } })
})

test.run()
