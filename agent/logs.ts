// Answers a request for logs: reads the containers of the services that are meant, and sends what they wrote within the credit.
import type { Clock } from '../protocol/clock.js'
import { SkerryError } from '../protocol/errors.js'
import type { Request } from '../protocol/messages/request.js'
import type { LogBatch } from './core/log-pieces.js'
import type { Credit } from './credit.js'
import type { Engine, LogQuery, LogSource } from './engine.js'
import type { LogLimits } from './log-limits.js'
import { pause } from './pause.js'
import type { Reply } from './reply.js'
import { Turns } from './turns.js'

/** On a thin link whatever else is to be said waits for one part at most. */
const maxPartBytes = 8 * 1024
/** How often to look for containers that were started or made anew. */
const lookMs = 1000

export interface LogWork {
  readonly engine: Pick<Engine, 'logSources' | 'readLog'>
  readonly clock: Clock
  readonly app: string
  /** False once the device has no such app any more. */
  readonly exists: () => boolean
  readonly request: Request
  readonly credit: Credit
  readonly limits: LogLimits
  readonly reply: Reply
  readonly signal: AbortSignal
}

/** Without `follow` until everything is sent; with it until the app is gone, or `signal` aborts, whose reason it then throws. */
export async function sendLogs(work: LogWork): Promise<void> {
  const send = sender(work)
  if (work.request.follow === true) return follow(work, send)
  for (const source of await sourcesOf(work)) await sendFrom(work, source, { send, query: firstQuery(work, source) })
  work.signal.throwIfAborted()
}

async function sourcesOf({ engine, app, request: { services = [] } }: LogWork): Promise<LogSource[]> {
  const all = await engine.logSources(app)
  return services.length === 0 ? all : all.filter(({ service }) => services.includes(service))
}

/** `web`, and `web-2` for the containers of a service beyond the first. */
function nameOf({ service, number }: LogSource): string {
  return number === 1 ? service : `${service}-${number}`
}

type Send = (source: LogSource, batch: LogBatch) => Promise<void>

/** A part at a time, cut to what the link allows, and to the credit that there is. */
function sender({ credit, limits, reply, signal }: LogWork): Send {
  const turns = new Turns()
  let sentInAll = 0
  return (source, { stream, data }) =>
    turns.run(async () => {
      for (let sent = 0; sent < data.length; ) {
        const allowed = await limits.take(Math.min(maxPartBytes, data.length - sent), sentInAll, signal)
        const bytes = await credit.take(allowed, signal)
        await reply.send({ service: nameOf(source), stream, data: data.subarray(sent, sent + bytes) })
        sent += bytes
        sentInAll += bytes
      }
    })
}

/** Returns the time of the newest line that was sent. A log that cannot be read, as with the driver `none`, is told by its service. */
async function sendFrom({ engine, signal }: LogWork, source: LogSource, { send, query }: { send: Send; query: LogQuery }): Promise<string> {
  let newest = query.after
  try {
    for await (const batch of engine.readLog(query, signal)) {
      await send(source, batch)
      if (batch.time > newest) newest = batch.time
    }
  } catch (error) {
    if (!(error instanceof SkerryError) || error.code !== 'engine.refused') throw error
    throw new SkerryError(error.code, `the log of ${nameOf(source)} cannot be read: ${error.message}`, {
      cause: error,
      path: `services.${source.service}.logging`,
    })
  }
  return newest
}

function firstQuery({ request }: LogWork, { id }: LogSource): LogQuery {
  const { follow = false, tail, sinceS, timestamps = false } = request
  return { id, follow, tail, sinceS, after: '', timestamps }
}

/** Containers that appear later are read from their beginning; those that start again, from where they ended. */
async function follow(work: LogWork, send: Send): Promise<void> {
  const { clock, signal } = work
  const reading = new Set<string>()
  /** Containers that were read, each with the time of the newest line that was sent. */
  const positions = new Map<string, string>()
  let failed: { readonly error: unknown } | undefined
  const read = (source: LogSource, query: LogQuery, otherwise: string) => {
    reading.add(source.id)
    positions.set(source.id, otherwise)
    sendFrom(work, source, { send, query })
      .then(newest => newest !== '' && positions.set(source.id, newest))
      .catch((error: unknown) => {
        failed ??= { error }
      })
      .finally(() => reading.delete(source.id))
  }
  for (let first = true; failed === undefined; first = false) {
    signal.throwIfAborted()
    if (!work.exists() && reading.size === 0) return
    for (const source of await sourcesOf(work)) {
      if (reading.has(source.id)) continue
      const query = firstQuery(work, source)
      const position = positions.get(source.id)
      const anew = { ...query, tail: undefined, sinceS: undefined, after: position ?? '' }
      if (position === undefined) read(source, first ? query : anew, first ? timeOf(clock.now()) : '')
      else if (source.running) read(source, anew, position)
    }
    await pause(clock, lookMs, signal)
  }
  throw failed.error
}

/** As the Engine writes times of lines. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000000Z')
}
