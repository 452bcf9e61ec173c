// The history of the fleet: the newest events, in the one order in which they happened.
import type { Event, EventFilter, EventType, NewEvent } from '../core/events.js'
import type { Db } from './db.js'

/** How many events are kept. */
const keptEvents = 100_000
const pruneEvery = 1000

/** Stores events in their order. Call it within a transaction. */
export function insertEvents(db: Db, events: readonly NewEvent[], at: number): Event[] {
  return events.map(event => {
    const id = insertEvent(db, event, at)
    if (id % pruneEvery === 0) db.runSql('delete from events where id <= ?', [id - keptEvents])
    return { ...event, id, at }
  })
}

export interface EventPage {
  /** Only events after this one. */
  readonly after?: number | undefined
  /** Only events before this one; not together with `after`. */
  readonly before?: number | undefined
  readonly limit: number
}

/** The oldest events after `page.after`; without it the newest ones, or those before `page.before`. Always oldest first. */
export function readEvents(db: Db, filter: EventFilter, page: EventPage): Event[] {
  let query = db.build.selectFrom('events').selectAll().limit(page.limit)
  if (filter.device !== undefined) query = query.where('device', '=', filter.device)
  if (filter.group !== undefined) query = query.where('group_name', '=', filter.group)
  if (filter.app !== undefined) query = query.where('app', '=', filter.app)
  if (filter.type !== undefined) query = query.where('type', '=', filter.type)
  if (page.after !== undefined) return db.all(query.where('id', '>', page.after).orderBy('id')).map(toEvent)
  if (page.before !== undefined) query = query.where('id', '<', page.before)
  return db.all(query.orderBy('id', 'desc')).map(toEvent).reverse()
}

function insertEvent(db: Db, event: NewEvent, at: number): number {
  const { type, device, group, app, message, data } = event
  return db.insertSql('insert into events (at, type, device, group_name, app, message, data) values (?, ?, ?, ?, ?, ?, ?)', [
    at,
    type,
    device,
    group,
    app,
    message,
    JSON.stringify(data),
  ])
}

interface EventRow {
  readonly id: number
  readonly at: number
  readonly type: string
  readonly device: string | null
  readonly group_name: string | null
  readonly app: string | null
  readonly message: string
  readonly data: string
}

function toEvent(row: EventRow): Event {
  return {
    id: row.id,
    at: row.at,
    type: row.type as EventType,
    device: row.device,
    group: row.group_name,
    app: row.app,
    message: row.message,
    data: JSON.parse(row.data) as Record<string, unknown>,
  }
}
