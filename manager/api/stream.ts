// One reader of the event stream: first what it missed, then what happens, as fast as it reads and no further behind than allowed.
import type { ServerResponse } from 'node:http'
import type { User } from '../../protocol/access.js'
import type { Clock } from '../../protocol/clock.js'
import { type Event, type EventFilter, matchesFilter } from '../core/events.js'
import { isEventShown } from '../core/permit.js'
import type { Fleet } from '../fleet.js'
import type { Journal } from '../journal.js'
import type { Db } from '../store/db.js'
import { readEvents } from '../store/events.js'
import type { Caller, Door } from '../users/door.js'
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
  /** Whose events; others are left out. */
  readonly who: User
  /** Send what came after this event first; undefined: only what is new. */
  readonly after: number | undefined
}

const recheckMs = 15_000

/** The open streams: they end with the server, and with what let their readers in. */
export class Streams {
  readonly #fleet: Pick<Fleet, 'clock'>
  readonly #door: Pick<Door, 'onChange'>
  readonly #open = new Map<ServerResponse, Caller>()
  #stop = () => {}

  constructor(fleet: Pick<Fleet, 'clock'>, door: Pick<Door, 'onChange'>) {
    this.#fleet = fleet
    this.#door = door
  }

  add(response: ServerResponse, caller: Caller): void {
    if (this.#open.size === 0) this.#start()
    this.#open.set(response, caller)
    response.once('close', () => {
      this.#open.delete(response)
      if (this.#open.size === 0) this.#stop()
    })
  }

  close(): void {
    for (const response of this.#open.keys()) response.end()
  }

  #start(): void {
    const ignore = this.#door.onChange(() => this.#check())
    let cancel = () => {}
    const again = () => {
      cancel = this.#fleet.clock.after(recheckMs, () => {
        this.#check()
        again()
      })
    }
    again()
    this.#stop = () => {
      cancel()
      ignore()
    }
  }

  #check(): void {
    for (const [response, caller] of this.#open) if (!caller.isGood()) response.end()
  }
}

export function openStream(response: ServerResponse, { db, journal, clock, filter, who, after }: StreamOptions): ServerResponse {
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
      const text = events.filter(event => matchesFilter(event, filter) && isEventShown(who, event)).map(format)
      if (text.length > 0) send(text.join(''))
    })
  }
  /** Page by page, at the reader's pace; no event can come between the last page and the first that is followed. */
  const catchUp = (last: number): void => {
    if (closed) return
    const page = readEvents(db, filter, { after: last, limit: pageSize })
    const newest = page.at(-1)
    const shown = page.filter(event => isEventShown(who, event)).map(format)
    if (newest === undefined) follow()
    else if (shown.length === 0 || send(shown.join(''))) setImmediate(() => catchUp(newest.id))
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
