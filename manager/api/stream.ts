// One reader of the event stream: first what it missed, then what happens, as fast as it reads and no further behind than allowed.
import type { ServerResponse } from 'node:http'
import type { Clock } from '../../protocol/clock.js'
import { type Event, type EventFilter, matchesFilter } from '../core/events.js'
import type { Journal } from '../journal.js'
import type { Db } from '../store/db.js'
import { readEvents } from '../store/events.js'
import { showEvent } from './show.js'

const pageSize = 500
const pingMs = 15_000
/** A reader this far behind is cut off; it can resume where it was. */
const maxBufferBytes = 1024 * 1024

interface StreamOptions {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly filter: EventFilter
  /** Send what came after this event first; undefined: only what is new. */
  readonly after: number | undefined
}

/** The open streams, so that a stopping server can end them. */
export class Streams {
  readonly #open = new Set<ServerResponse>()

  add(response: ServerResponse): void {
    this.#open.add(response)
    response.once('close', () => this.#open.delete(response))
  }

  close(): void {
    for (const response of this.#open) response.end()
  }
}

export function openStream(response: ServerResponse, { db, journal, clock, filter, after }: StreamOptions): ServerResponse {
  let closed = false
  let cancelPing = () => {}
  let unsubscribe = () => {}

  const send = (text: string): boolean => {
    const flowing = response.write(text)
    if (response.writableLength > maxBufferBytes) response.destroy()
    return flowing
  }
  const ping = () => {
    cancelPing = clock.after(pingMs, () => {
      send(': ping\n\n')
      ping()
    })
  }
  const follow = () => {
    unsubscribe = journal.subscribe(events => {
      const text = events.filter(event => matchesFilter(event, filter)).map(format)
      if (text.length > 0) send(text.join(''))
    })
  }
  /** Page by page, at the reader's pace; no event can come between the last page and the first that is followed. */
  const catchUp = (last: number): void => {
    if (closed) return
    const page = readEvents(db, filter, { after: last, limit: pageSize })
    const newest = page.at(-1)
    if (newest === undefined) follow()
    else if (send(page.map(format).join(''))) setImmediate(() => catchUp(newest.id))
    else response.once('drain', () => catchUp(newest.id))
  }

  response.on('error', () => {})
  response.once('close', () => {
    closed = true
    cancelPing()
    unsubscribe()
  })
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-accel-buffering': 'no',
  })
  response.socket?.setNoDelay(true)
  send(': open\n\n')
  ping()
  if (after === undefined) follow()
  else catchUp(after)
  return response
}

function format(event: Event): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(showEvent(event))}\n\n`
}
