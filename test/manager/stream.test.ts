// The event stream: what happens now, and exactly what was missed since a given event.
import * as assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { suite } from 'uvu'
import { openStream } from '../../manager/api/stream.js'
import { newEvent } from '../../manager/core/events.js'
import { Journal } from '../../manager/journal.js'
import { openDb } from '../../manager/store/db.js'
import { wholeFleet } from '../../manager/users/scope.js'
import { systemClock } from '../../protocol/clock.js'
import { eventually } from '../support/within.js'
import { openEvents, request, type Site, silent, startSite } from './site.js'

const test = suite<{ site: Site }>('event stream')

test.before(async context => {
  context.site = await startSite()
})
test.after(async ({ site }) => site.stop())

const createGroup = (site: Site, name: string) => request(site.manager, 'POST', '/groups', { name })
const names = (events: readonly { group?: unknown }[]) => events.map(({ group }) => group)

test('a reader hears what happens after it came', async ({ site }) => {
  await createGroup(site, 'before')
  const stream = await openEvents(site.manager)
  await createGroup(site, 'after')
  await stream.find(({ type }) => type === 'group.created')
  assert.deepEqual(names(stream.events as never), ['after'])
  await stream.close()
})

test('Last-Event-ID resumes with exactly the missed events, in order, and then goes on', async ({ site }) => {
  const stream = await openEvents(site.manager)
  await createGroup(site, 'seen')
  const { id } = await stream.find(({ type }) => type === 'group.created')
  await stream.close()
  const missed = Array.from({ length: 30 }, (_, n) => `missed-${n}`)
  for (const name of missed) await createGroup(site, name)
  const resumed = await openEvents(site.manager, { 'last-event-id': String(id) })
  await createGroup(site, 'new')
  await eventually(5000, 'all events', () => resumed.events.length >= 31)
  assert.deepEqual(names(resumed.events as never), [...missed, 'new'])
  const ids = resumed.events.map(event => event.id)
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((one, other) => one - other),
  )
  await resumed.close()
  const after = (await request(site.manager, 'GET', `/events?after=${id}&limit=5`)).body.items
  assert.deepEqual(names(after), missed.slice(0, 5))
  const newest = (await request(site.manager, 'GET', '/events?limit=1')).body.items
  assert.deepEqual(names(newest), ['new'])
})

test('a filter lets through only what fits', async ({ site }) => {
  const stream = await openEvents(site.manager, {}, '?group=wanted&after=0')
  await createGroup(site, 'other')
  await createGroup(site, 'wanted')
  await stream.find(() => true)
  assert.deepEqual(names(stream.events as never), ['wanted'])
  await stream.close()
})

test('a reader that does not read is cut off', () => {
  const db = openDb(':memory:')
  const journal = new Journal(db, systemClock, silent)
  const response = new StuckResponse()
  openStream(response as unknown as ServerResponse, {
    db,
    journal,
    clock: systemClock,
    filter: {},
    who: { name: 'any', role: 'viewer', scope: wholeFleet },
    after: undefined,
  })
  const note = () => journal.change(add => add(newEvent('device.changed', 'x'.repeat(100_000))))
  for (let n = 0; n < 10; n++) note()
  assert.equal(response.destroyed, false)
  for (let n = 0; n < 3; n++) note()
  assert.equal(response.destroyed, true)
  journal.stop()
  db.close()
})

/** A response whose reader takes nothing. */
class StuckResponse extends EventEmitter {
  readonly socket = null
  writableLength = 0
  destroyed = false

  writeHead(): void {}

  write(text: string): boolean {
    this.writableLength += text.length
    return false
  }

  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }
}

test.run()
