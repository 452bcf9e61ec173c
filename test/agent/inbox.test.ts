// A message that the disk does not take is taken later, and ends nothing meanwhile.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Disk } from '../../agent/disk.js'
import { Holdings } from '../../agent/holdings.js'
import { Inbox } from '../../agent/inbox.js'
import { manifestCodec } from '../../protocol/messages/manifest.js'
import { ManualClock } from '../support/clock.js'
import { HeldKeys, manager } from '../support/signing.js'

const log = pino({ level: 'silent' })
const desired = 'skerry/device/a1/desired'
const manifest = (revision: number) =>
  manager.sign(desired, manifestCodec.encode({ version: 1, instance: Buffer.alloc(8), revision, apps: [], groups: [] }))
const nothing = {
  keys: new HeldKeys(),
  onStanding: () => {},
  onAskAgain: () => {},
  onEpochFloor: () => {},
  onRelease: () => {},
  onRequest: () => undefined,
}
const leaseMs = () => 32_000
const inboxes = suite('inbox')

inboxes('a manifest that cannot be written is tried again until it can, the newest one only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-inbox-'))
  const disk = new Disk(folder, log)
  try {
    const clock = new ManualClock()
    const holdings = new Holdings(disk, log)
    const revisions: number[] = []
    const onDesired = () => revisions.push(holdings.revision())
    const inbox = new Inbox({ root: 'skerry', device: 'a1', holdings, clock, log, leaseMs, onDesired, ...nothing })
    const obstacle = join(folder, 'device.tmp')
    mkdirSync(obstacle)
    inbox.receive(desired, manifest(1))
    inbox.receive(desired, manifest(2))
    clock.advance(60_000)
    assert.equal(revisions, [])
    rmSync(obstacle, { recursive: true })
    clock.advance(60_000)
    assert.equal(revisions, [2])
    inbox.stop()
  } finally {
    disk.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

inboxes('a request is handed on unless it is for another device, cleared, or was kept by the broker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-inbox-'))
  const disk = new Disk(folder, log)
  try {
    const asked: string[] = []
    const holdings = new Holdings(disk, log)
    const onRequest = (rid: string, payload: Uint8Array) => {
      asked.push(rid)
      return payload.length === 1 ? ({ code: 'message.invalid', message: 'nothing' } as const) : undefined
    }
    const options = {
      root: 'skerry',
      device: 'a1',
      holdings,
      clock: new ManualClock(),
      log,
      leaseMs,
      onDesired: () => {},
      ...nothing,
      onRequest,
    }
    const inbox = new Inbox(options)
    assert.ok(inbox.topics().includes('skerry/device/a1/request/+'))
    const ask = (topic: string, text: string, retained = false) => inbox.receive(topic, manager.sign(topic, Buffer.from(text)), retained)
    ask('skerry/device/a1/request/one', 'ab')
    assert.is(inbox.dropped, 0)
    ask('skerry/device/a1/request/two', 'a')
    ask('skerry/device/a1/request/three', 'ab', true)
    ask('skerry/device/b1/request/four', 'ab')
    ask('skerry/device/a1/response/five', 'ab')
    inbox.receive('skerry/device/a1/request/six', Buffer.alloc(0))
    assert.equal(asked, ['one', 'two'])
    assert.is(inbox.dropped, 4)
    inbox.stop()
  } finally {
    disk.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

inboxes.run()
