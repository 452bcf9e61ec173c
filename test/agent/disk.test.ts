// The state folder: what is written is there whole, what is corrupt is set aside, and one process has it.
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AppRecord, encodeRecords } from '../../agent/core/record.js'
import { Disk } from '../../agent/disk.js'
import { writeAtomic } from '../../agent/files.js'
import { Ledger } from '../../agent/ledger.js'
import { openDisk } from '../../agent/open-disk.js'
import { manifestCodec } from '../../protocol/messages/manifest.js'
import type { Hold } from '../../protocol/messages/reported.js'
import { digestText, packSpec } from '../../protocol/spec.js'
import { ManualClock } from '../support/clock.js'

const disks = suite<{ folder: string; open: () => Disk; close: () => void; logged: string[] }>('disk')
const manifest = manifestCodec.encode({ version: 1, instance: Buffer.alloc(8), revision: 7, apps: [], groups: ['line-1'] })

disks.before.each(world => {
  world.folder = mkdtempSync(join(tmpdir(), 'skerry-disk-'))
  world.logged = []
  let open: Disk | undefined
  world.open = () => {
    open?.close()
    open = new Disk(world.folder, pino({ level: 'warn' }, { write: line => void world.logged.push(line) }))
    return open
  }
  world.close = () => {
    open?.close()
    open = undefined
  }
})

disks.after.each(world => {
  world.close()
  rmSync(world.folder, { recursive: true, force: true })
})

disks('the id is made once and kept', ({ open }) => {
  const { id } = open()
  assert.match(id, /^[a-z0-9]{12}$/)
  assert.is(open().id, id)
})

disks('starts are counted, and rise above a floor', ({ open }) => {
  assert.equal([open().countStart(), open().countStart(), open().countStart(9), open().countStart()], [1, 2, 10, 11])
})

disks('a boot since the last start is noticed, the first start is none', ({ open }) => {
  assert.equal([open().noteBoot('a'), open().noteBoot('a'), open().noteBoot('b'), open().noteBoot('b')], [false, false, true, false])
})

disks('why it is held is there again, and gone when it is not', ({ open, folder }) => {
  const hold: Hold = { by: 'group', group: 'line-1', why: 'lapsed', who: 'press PLC', since: 1_767_225_600 }
  open().saveHold(hold)
  assert.equal(open().loadHold(), hold)
  open().saveHold(undefined)
  assert.is(open().loadHold(), undefined)
  writeFileSync(join(folder, 'hold'), 'garbage')
  assert.is(open().loadHold(), undefined)
})

disks('manifests, specs and what was applied are there again', ({ open }) => {
  const disk = open()
  const { digest, payload } = packSpec({ compose: 'services: {}' })
  const name = digestText(digest)
  disk.saveDevice(manifest)
  disk.saveGroup('line-1', manifest)
  disk.saveSpec(name, payload)
  const fault = { code: 'service.exited' as const, message: 'it ended', path: 'services.web' }
  const record: AppRecord = {
    applied: { revision: 3, digest, run: 'running' },
    good: { revision: 2, digest, content: 'c', generation: 4, images: [{ service: 'web', id: 'sha256:1' }] },
    failed: { revision: 3, entry: 'e', generation: 5, fault, retry: false, references: ['img:1'] },
    kept: ['data'],
    images: [{ reference: 'img:1', id: 'sha256:1' }],
  }
  const records = { apps: new Map([['web', record]]), images: [{ id: 'sha256:1', reference: 'img:1' }] }
  disk.saveRecords(records)
  const again = open()
  assert.is(again.loadDevice()?.revision, 7)
  assert.equal([...again.loadGroups().keys()], ['line-1'])
  assert.is(again.loadSpec(name)?.compose, 'services: {}')
  assert.equal(encodeRecords(again.loadRecords()), encodeRecords(records))
  again.pruneSpecs(new Set())
  assert.is(again.loadSpec(name), undefined)
})

disks('what is corrupt is set aside and logged, not fatal', ({ open, folder, logged }) => {
  const disk = open()
  const name = 'A'.repeat(43)
  for (const file of ['device', 'ledger', 'starts', `specs/${name}`, 'groups/line-1']) writeAtomic(join(folder, file), '\xffgarbage')
  assert.is(disk.loadDevice(), undefined)
  assert.is(disk.loadRecords().apps.size, 0)
  assert.is(disk.loadGroups().size, 0)
  assert.is(disk.loadSpec(name), undefined)
  assert.is(disk.countStart(), 1)
  assert.is(logged.length, 5)
  assert.is(readdirSync(folder).filter(file => file.includes('.corrupt-')).length, 5)
})

disks('a spec that is not what its name says is set aside', ({ open, folder }) => {
  const { payload } = packSpec({ compose: 'services: {}' })
  const other = digestText(packSpec({ compose: 'services: { a: {} }' }).digest)
  writeAtomic(join(folder, 'specs', other), payload)
  assert.is(open().loadSpec(other), undefined)
})

disks('a write that was cut short leaves the old file', ({ open, folder }) => {
  open().saveDevice(manifest)
  writeFileSync(join(folder, 'device.tmp'), manifest.subarray(0, 3))
  assert.is(open().loadDevice()?.revision, 7)
})

disks('files are private to their owner', ({ open, folder }) => {
  open().saveDevice(manifest)
  assert.is(statSync(folder).mode & 0o777, 0o700)
  for (const file of ['id', 'device']) assert.is(statSync(join(folder, file)).mode & 0o777, 0o600)
})

disks('a second process is refused', ({ open, folder }) => {
  open()
  let code: unknown
  try {
    new Disk(folder, pino({ level: 'silent' }))
  } catch (error) {
    code = (error as { code: string }).code
  }
  assert.is(code, 'state.in-use')
})

disks('the lock of a dead process is taken over, also when its pid is another one now', ({ open, folder, close }) => {
  const { id } = open()
  close()
  const { pid } = spawnSync('true')
  for (const owner of [`${pid} 123`, `${process.pid} 123`, '', 'garbage']) {
    writeFileSync(join(folder, 'lock'), owner)
    assert.is(open().id, id)
    close()
  }
})

disks('a full disk keeps no agent from starting that has been here before', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-full-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder]).status === 0
  try {
    if (!mounted) return
    const start = () => {
      const disk = new Disk(folder, pino({ level: 'silent' }))
      return { disk, seen: [disk.id, disk.countStart(), disk.noteBoot(randomUUID())] }
    }
    const first = start()
    first.disk.saveDevice(manifest)
    first.disk.close()
    try {
      writeFileSync(join(folder, 'ballast'), Buffer.alloc(65_536))
    } catch {
      // As much as there was room for.
    }
    const { disk, seen } = start()
    assert.equal(seen, [first.disk.id, 2, true])
    assert.throws(start, 'state.in-use')
    assert.is(disk.loadDevice()?.revision, 7)
    assert.throws(() => disk.saveGroup('line-1', manifest))
    disk.close()
  } finally {
    if (mounted) spawnSync('umount', [folder])
    rmSync(folder, { recursive: true, force: true })
  }
})

disks('the first start on a full disk waits for room, or for the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-full-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', folder]).status === 0
  try {
    if (!mounted) return
    assert.throws(() => writeFileSync(join(folder, 'ballast'), Buffer.alloc(65_536)))
    const clock = new ManualClock()
    const log = pino({ level: 'silent' })
    const ended = new AbortController()
    const refused = openDisk(join(folder, 'state'), { clock, log, signal: ended.signal })
    ended.abort(new Error('ended'))
    assert.match(String(await refused.catch(error => error)), 'ended')
    const opening = openDisk(join(folder, 'state'), { clock, log, signal: new AbortController().signal })
    rmSync(join(folder, 'ballast'))
    clock.advance(60_000)
    const disk = await opening
    assert.match(disk.id, /^[a-z0-9]{12}$/)
    disk.close()
  } finally {
    if (mounted) spawnSync('umount', [folder])
    rmSync(folder, { recursive: true, force: true })
  }
})

disks('to forget leaves the identity alone', ({ open }) => {
  const disk = open()
  disk.countStart()
  disk.saveDevice(manifest)
  disk.saveGroup('line-1', manifest)
  disk.forget()
  assert.is(disk.loadDevice(), undefined)
  assert.is(disk.loadGroups().size, 0)
  assert.is(readFileSync(join(disk.folder, 'id'), 'utf8').trim(), disk.id)
  assert.is(disk.countStart(), 2)
})

disks('what the disk does not take is remembered even so, and written when it can be', ({ open, folder }) => {
  const clock = new ManualClock()
  const disk = open()
  const ledger = new Ledger(disk, clock, pino({ level: 'silent' }))
  const obstacle = join(folder, 'ledger.tmp')
  mkdirSync(obstacle)
  assert.ok(ledger.change('web', () => ({ kept: ['data'] })))
  assert.not(ledger.change('web', () => ({ kept: ['data'] })))
  assert.is(disk.loadRecords().apps.size, 0)
  rmSync(obstacle, { recursive: true })
  clock.advance(10_000)
  assert.equal(disk.loadRecords().apps.get('web')?.kept, ['data'])
  ledger.close()
})

disks.run()
