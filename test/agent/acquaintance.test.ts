import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Acquaintance } from '../../agent/acquaintance.js'
import { raiseFloor } from '../../agent/core/time-floor.js'
import type { Resolve } from '../../agent/lookup.js'
import { ManualClock } from '../support/clock.js'
import { within } from '../support/within.js'

const log = pino({ level: 'silent' })
const at = (text: string) => Date.parse(`${text}T00:00:00Z`)
const unknown = Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
const host = 'plant.test'

const test = suite<{ folder: string }>('agent: what is remembered of the server')
test.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'skerry-server-'))
})
test.after.each(({ folder }) => rmSync(folder, { recursive: true }))

interface Given {
  readonly now?: string
  readonly clock?: ManualClock
  readonly own?: string
  readonly resolve?: Resolve
}

function open(folder: string, { now = '2026-06-01', clock = new ManualClock(), own, resolve }: Given = {}): Acquaintance {
  const ownNotBeforeMs = () => (own === undefined ? undefined : at(own))
  clock.advance(at(now) - clock.now())
  return new Acquaintance({ folder, log, clock, ownNotBeforeMs, ...(resolve === undefined ? {} : { resolve }) })
}

function find(lookup: LookupFunction): Promise<string> {
  const found = new Promise<string>(resolve => {
    lookup(host, { all: true }, (error, addresses) => {
      resolve(error === null && Array.isArray(addresses) ? addresses.map(({ address }) => address).join(' ') : (error?.code ?? ''))
    })
  })
  return within(20_000, 'the name is looked up', found)
}

test('the floor never falls, and does not pass a clock that may be right', () => {
  const times = fc.integer({ min: 0, max: at('2300-01-01') })
  const rises = fc.property(times, times, times, (floor, from, now) => {
    const next = raiseFloor(floor, from, now)
    assert.ok(next >= floor && next <= Math.max(floor, from))
    if (now >= floor) assert.ok(next <= now)
  })
  fc.assert(rises)
  assert.is(raiseFloor(5, Number.NaN, 1), 5)
})

test('what time it is is not said by a clock that is certainly wrong', ({ folder }) => {
  assert.is(open(folder, { now: '1970-01-02' }).nowS(), undefined)
  assert.is(open(folder, { now: '2026-06-01', own: '2026-06-02' }).nowS(), at('2026-06-01') / 1000)
  assert.is(open(folder, { now: '2026-06-03' }).nowS(), at('2026-06-03') / 1000)
})

test('the newest start of a certificate is the floor, whatever the clock says, and stays so', ({ folder }) => {
  for (const now of ['1970-01-02', '2100-01-01']) {
    const known = open(folder, { now, own: '2026-03-01' })
    assert.is(known.floorMs(), at('2026-03-01'))
    known.note({ host, address: undefined, notBeforeMs: at('2026-05-01') })
    assert.is(known.floorMs(), at('2026-05-01'))
    known.note({ host, address: undefined, notBeforeMs: at('2026-02-01') })
    assert.is(open(folder, { now }).floorMs(), at('2026-05-01'))
    rmSync(join(folder, 'server.json'))
  }
})

test('a server that was years ahead for a while does not lock out a device with a right clock', ({ folder }) => {
  const known = open(folder, { now: '2026-06-01', own: '2026-05-20' })
  known.note({ host, address: undefined, notBeforeMs: at('2090-01-01') })
  assert.is(known.floorMs(), at('2026-06-01'))
})

test('where a name does not resolve, the addresses of before are tried, the last one first, after a restart too', async ({ folder }) => {
  const nobody: Resolve = () => Promise.reject(unknown)
  assert.is(await find(open(folder, { resolve: nobody }).lookup), 'ENOTFOUND')
  const known = open(folder, { resolve: async () => [{ address: '192.0.2.9', family: 4 }] })
  known.note({ host, address: '192.0.2.1', notBeforeMs: undefined })
  known.note({ host, address: '2001:db8::2', notBeforeMs: undefined })
  known.note({ host: 'other.test', address: '192.0.2.77', notBeforeMs: undefined })
  assert.is(await find(known.lookup), '192.0.2.9')
  assert.is(await find(open(folder, { resolve: nobody }).lookup), '2001:db8::2 192.0.2.1')
})

test('a resolver that hangs is waited for a while only, and not asked again meanwhile', async ({ folder }) => {
  let asked = 0
  const clock = new ManualClock()
  const known = open(folder, {
    clock,
    resolve: () => {
      asked++
      return new Promise(() => {})
    },
  })
  known.note({ host, address: '192.0.2.1', notBeforeMs: undefined })
  const both = Promise.all([find(known.lookup), find(known.lookup)])
  clock.advance(10_000)
  assert.equal(await both, ['192.0.2.1', '192.0.2.1'])
  assert.is(asked, 1)
})

test('a file that cannot be read is learned anew', ({ folder }) => {
  for (const text of ['', 'x', '{"floorMs":"1","addresses":{}}', '{"floorMs":1,"addresses":{"a":"b"}}', '{"floorMs":1}']) {
    writeFileSync(join(folder, 'server.json'), text)
    open(folder).note({ host, address: '192.0.2.1', notBeforeMs: undefined })
    assert.equal(JSON.parse(readFileSync(join(folder, 'server.json'), 'utf8')).addresses, { [host]: ['192.0.2.1'] }, text)
  }
})

test.run()
