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
import { manifestCodec } from '../../protocol/messages.js'
import { ManualClock } from '../support/clock.js'

const log = pino({ level: 'silent' })
const manifest = (revision: number) => manifestCodec.encode({ version: 1, instance: Buffer.alloc(8), revision, apps: [], groups: [] })
const inboxes = suite('inbox')

inboxes('a manifest that cannot be written is tried again until it can, the newest one only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-inbox-'))
  const disk = new Disk(folder, log)
  try {
    const clock = new ManualClock()
    const holdings = new Holdings(disk, log)
    const revisions: number[] = []
    const onDesired = () => revisions.push(holdings.revision())
    const inbox = new Inbox({ root: 'skerry', device: 'a1', holdings, clock, log, onDesired, onEpochFloor: () => {}, onRelease: () => {} })
    const obstacle = join(folder, 'device.tmp')
    mkdirSync(obstacle)
    inbox.receive('skerry/device/a1/desired', manifest(1))
    inbox.receive('skerry/device/a1/desired', manifest(2))
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

inboxes.run()
