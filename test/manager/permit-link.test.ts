// What the manager tells the broker of permits, and when: leases that come late, and what others say meanwhile.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { type PermitRecord, permitAt } from '../../manager/core/held.js'
import type { Fleet } from '../../manager/fleet.js'
import { Journal } from '../../manager/journal.js'
import type { Link } from '../../manager/link.js'
import { takePermit } from '../../manager/permit-arrivals.js'
import { PermitLink } from '../../manager/permit-link.js'
import { givePermit } from '../../manager/permits.js'
import { openDb } from '../../manager/store/db.js'
import { insertGroup } from '../../manager/store/groups.js'
import { readNextPending, readPermit } from '../../manager/store/permits.js'
import { ManualClock } from '../support/clock.js'
import { eventually } from '../support/within.js'
import { silent } from './site.js'

const test = suite('link of permits')
const root = 'skerry'
const line = { kind: 'group', name: 'line-1' } as const
const other = { kind: 'group', name: 'line-2' } as const
const eva = { user: 'eva', address: '192.0.2.1' }
const day = 24 * 60 * 60 * 1000

/** A broker that acknowledges when the test says so. */
class FakeLink {
  readonly hears = true
  readonly published: string[] = []
  readonly #waiting: (() => void)[] = []
  #silent = false

  publish(name: string, payload: Uint8Array): Promise<void> {
    this.published.push(`${name.split('/').at(-1)} ${Buffer.from(payload)}`)
    return this.#silent ? new Promise(resolve => this.#waiting.push(resolve)) : Promise.resolve()
  }

  /** Acknowledges nothing until it is told to. */
  wait(): void {
    this.#silent = true
  }

  acknowledge(): void {
    this.#waiting.shift()?.()
  }

  async subscribe(): Promise<void> {}
  async unsubscribe(): Promise<void> {}
}

/** What comes over MQTT has its turn: the manager's own, or a PLC's. */
function hear(fleet: Fleet, payload: string): void {
  const topic = 'skerry/permit/group/line-1'
  const bytes = Buffer.from(payload)
  if (fleet.permits.takeEcho(topic, bytes)) return
  const senders = { user: () => undefined, areKnown: false }
  takePermit({ root, fleet, senders }, { topic, payload: bytes, retained: true, sender: undefined })
}

function open() {
  const db = openDb(':memory:')
  const clock = new ManualClock()
  const journal = new Journal(db, clock, silent)
  for (const { name } of [line, other]) insertGroup(db, name, 0)
  const audit = { actAs: (_actor: unknown, act: () => unknown) => act() }
  const fleet = { db, clock, journal, audit, inventory: { devices: new Map() } }
  const make = () => new PermitLink({ root, log: silent, fleet: () => fleet as unknown as Fleet })
  const site = { ...fleet, permits: make() }
  return {
    site: site as unknown as Fleet,
    clock,
    /** Another manager on the same database. */
    restart() {
      site.permits = make()
    },
    /** A connection to a broker that keeps nothing, once that is known. */
    connect(prepare: (link: FakeLink) => void = () => {}): FakeLink {
      const link = new FakeLink()
      prepare(link)
      site.permits.up(link as unknown as Link)
      clock.advance(500)
      return link
    },
    close() {
      journal.stop()
      db.close()
    },
  }
}

const publishes = (link: FakeLink, ...expected: string[]) =>
  eventually(5000, `${expected}`, () => link.published.length >= expected.length).then(() => assert.deepEqual(link.published, expected))

const told = (site: Fleet) => eventually(5000, 'all is told', () => readNextPending(site.db) === undefined)

test('a lease that the broker has lost is told again as what is left of it, and as a 0 when it is over', async () => {
  const { site, clock, connect, close } = open()
  const first = connect()
  givePermit(site, line, { value: true, leaseS: 60 }, eva)
  await publishes(first, 'line-1 {"value":1,"lease":60,"by":"eva"}')
  site.permits.down()
  clock.advance(20_000)
  await publishes(connect(), 'line-1 {"value":1,"lease":39,"by":"eva"}')
  site.permits.down()
  clock.advance(3 * day)
  await publishes(connect(), 'line-1 {"value":0,"by":"eva"}')
  await told(site)
  const { value, leaseS, by, user, address } = readPermit(site.db, line)!
  assert.deepEqual([value, leaseS, by, user, address], [false, null, 'eva', 'eva', '192.0.2.1'])
  site.permits.down()
  await publishes(connect(), 'line-1 {"value":0,"by":"eva"}')
  close()
})

test('a lease that was given and not told before the manager ended has run on; given anew it begins anew', async () => {
  const { site, clock, connect, restart, close } = open()
  const cut = connect(link => link.wait())
  givePermit(site, line, { value: true, leaseS: 60 }, eva)
  givePermit(site, other, { value: true }, eva)
  await publishes(cut, 'line-1 {"value":1,"lease":60,"by":"eva"}')
  restart()
  clock.advance(day)
  const link = connect()
  await publishes(link, 'line-1 {"value":0,"by":"eva"}', 'line-2 {"value":1,"by":"eva"}')
  link.published.splice(0)
  givePermit(site, line, { value: true, leaseS: 60 }, eva)
  await publishes(link, 'line-1 {"value":1,"lease":60,"by":"eva"}')
  clock.advance(50_000)
  givePermit(site, line, { value: true, leaseS: 60 }, eva)
  site.permits.down()
  clock.advance(30_000)
  await publishes(connect(), 'line-1 {"value":1,"lease":29,"by":"eva"}', 'line-2 {"value":1,"by":"eva"}')
  close()
})

test('of some hundred leases that wait each is told once and in its turn: what is left of it, and a 0 where it is over', async () => {
  const { site, clock, connect, restart, close } = open()
  const names = Array.from({ length: 400 }, (_, n) => `cell-${n}`)
  for (const name of names) insertGroup(site.db, name, 0)
  const give = (name: string, leaseS: number) => givePermit(site, { kind: 'group', name }, { value: true, leaseS }, eva)
  connect(link => link.wait())
  for (const [n, name] of names.entries()) give(name, n % 2 === 0 ? 600 : 10)
  restart()
  clock.advance(60_000)
  const cut = connect(link => link.wait())
  await publishes(cut, 'cell-0 {"value":1,"lease":539,"by":"eva"}')
  // Nothing is said of those that have still to be told.
  for (const [n, name] of names.entries()) assert.equal(readPermit(site.db, { kind: 'group', name })?.leaseS, n % 2 === 0 ? 600 : 10)
  site.permits.down()
  const link = connect()
  const left = (lost: string) => names.map((name, n) => `${name} ${n % 2 === 0 ? lost : hold}`)
  const first = '{"value":1,"lease":539,"by":"eva"}'
  await publishes(link, ...left(first))
  await told(site)
  // What the broker has kept of it is no other giver's.
  site.permits.down()
  site.permits.up(link as unknown as Link)
  for (const [n, name] of names.entries()) site.permits.seen(`skerry/permit/group/${name}`, Buffer.from(n % 2 === 0 ? first : hold))
  for (const name of names) assert.equal(readPermit(site.db, { kind: 'group', name })?.via, 'http')
  site.permits.down()
  // Lost by a broker that has to be told of all of them.
  clock.advance(60_000)
  const next = connect()
  await told(site)
  assert.deepEqual(next.published.sort(), left('{"value":1,"lease":478,"by":"eva"}').sort())
  close()
})

const hold = '{"value":0,"by":"eva"}'

test('a hold that the broker has still to be told of stays, whatever of before is heard', async () => {
  const { site, connect, close } = open()
  const link = connect(each => each.wait())
  givePermit(site, other, { value: true }, eva)
  await publishes(link, 'line-2 {"value":1,"by":"eva"}')
  givePermit(site, line, { value: false }, eva)
  for (const payload of ['{"value":1,"lease":30,"by":"press PLC"}', '']) {
    hear(site, payload)
    assert.equal(readPermit(site.db, line)?.by, 'eva')
  }
  link.acknowledge()
  await publishes(link, 'line-2 {"value":1,"by":"eva"}', `line-1 ${hold}`)
  hear(site, '1')
  assert.equal(readPermit(site.db, line)?.value, false)
  hear(site, hold)
  link.acknowledge()
  await told(site)
  assert.equal(readPermit(site.db, line)?.value, false)
  hear(site, '1')
  assert.equal(readPermit(site.db, line)?.value, true)
  close()
})

test('what is heard behind the manager’s own is the last word, acknowledged or not', async () => {
  const { site, connect, close } = open()
  const link = connect(each => each.wait())
  givePermit(site, line, { value: false }, eva)
  await publishes(link, `line-1 ${hold}`)
  hear(site, hold)
  hear(site, '1')
  assert.equal(readPermit(site.db, line)?.value, true)
  link.acknowledge()
  // Told after what was under way: nothing is said of the first again.
  givePermit(site, other, { value: false }, eva)
  await publishes(link, `line-1 ${hold}`, `line-2 ${hold}`)
  assert.equal(readPermit(site.db, line)?.value, true)
  close()
})

test('a permit that a user takes back is taken away at the broker, though a PLC’s of before is heard meanwhile', async () => {
  const { site, connect, close } = open()
  const link = connect(each => each.wait())
  givePermit(site, line, { value: false }, eva)
  await publishes(link, `line-1 ${hold}`)
  givePermit(site, line, null, eva)
  hear(site, hold)
  hear(site, '1')
  assert.equal(readPermit(site.db, line), undefined)
  link.acknowledge()
  await publishes(link, `line-1 ${hold}`, 'line-1 ')
  close()
})

test('what holds of a permit by now is never more than was given', () => {
  const at = (leaseS: number | null, goneMs: number) => {
    const record: PermitRecord = { target: line, value: true, leaseS, by: null, ...eva, via: 'http', since: 0, given: day }
    return permitAt(record, day + goneMs)
  }
  assert.deepEqual(at(null, 9 * day), { value: true })
  assert.deepEqual(at(60, 999), { value: true, leaseS: 60 })
  assert.deepEqual(at(60, 1001), { value: true, leaseS: 58 })
  assert.deepEqual(at(60, 59_000), { value: true, leaseS: 1 })
  assert.deepEqual(at(60, 59_001), { value: false })
  assert.deepEqual(at(60, -30_000), { value: true, leaseS: 30 })
  assert.deepEqual(at(60, -day), { value: false })
})

test.run()
