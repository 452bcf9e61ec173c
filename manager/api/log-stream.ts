// Logs as an HTTP answer: text, JSON lines or server-sent events, as fast as the client reads and no faster.
import type { ServerResponse } from 'node:http'
import type { Clock } from '../../protocol/clock.js'
import { type Refusal, SkerryError } from '../../protocol/errors.js'
import type { Response } from '../../protocol/messages/request.js'
import { Lines, type LogLine } from '../core/lines.js'

export interface LogForm {
  readonly type: string
  line(line: LogLine): string
  /** Shows that it goes on while there is nothing to say. */
  readonly ping: string
  /** How it ends: with nothing left, or because of a fault. */
  end(fault: Refusal | undefined): string
}

const text: LogForm = {
  type: 'text/plain; charset=utf-8',
  ping: '',
  line: ({ service, time, line }) => `${service} | ${time === undefined ? '' : `${time} `}${line}\n`,
  end: fault => (fault === undefined ? '' : `error: ${fault.message} (${fault.code})\n`),
}

const json: LogForm = {
  type: 'application/x-ndjson',
  ping: '\n',
  line: line => `${JSON.stringify(line)}\n`,
  end: fault => (fault === undefined ? '' : `${JSON.stringify({ fault })}\n`),
}

const events: LogForm = {
  type: 'text/event-stream',
  ping: ': ping\n\n',
  line: line => `data: ${JSON.stringify(line)}\n\n`,
  end: fault => (fault === undefined ? 'event: end\ndata: {}\n\n' : `event: fault\ndata: ${JSON.stringify(fault)}\n\n`),
}

/** By the Accept header; text unless it asks for one of the others. */
export function formOf(accept: string | undefined): LogForm {
  if (accept?.includes('text/event-stream')) return events
  return accept?.includes('application/x-ndjson') ? json : text
}

const pingMs = 15_000

/** Takes a part only when the client has room for it. A client that goes away ends it; `signal` tells. */
export async function writeLogs(
  response: ServerResponse,
  parts: AsyncIterable<Response>,
  { form, timestamps, clock, signal }: { form: LogForm; timestamps: boolean; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const lines = new Lines(timestamps)
  const stopPings = startPings(response, form, clock)
  const fault = await drain(response, parts, { show: part => lines.take(part).map(form.line).join(''), signal })
  stopPings()
  if (signal.aborted) return
  response.end(lines.end().map(form.line).join('') + form.end(fault))
}

/** Clients and proxies give up an answer that stays silent for minutes. */
function startPings(response: ServerResponse, { ping }: LogForm, clock: Clock): () => void {
  let cancel = () => {}
  const again = () => {
    cancel = clock.after(pingMs, () => {
      if (ping !== '' && response.writableLength === 0) response.write(ping)
      again()
    })
  }
  again()
  return () => cancel()
}

async function drain(
  response: ServerResponse,
  parts: AsyncIterable<Response>,
  { show, signal }: { show: (part: Response) => string; signal: AbortSignal },
): Promise<Refusal | undefined> {
  try {
    for await (const part of parts) {
      const shown = show(part)
      if (shown !== '' && !response.write(shown)) await room(response, signal)
    }
    return undefined
  } catch (error) {
    return error instanceof SkerryError ? error.refusal : { code: 'internal', message: String(error) }
  }
}

function room(response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      response.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    response.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
  })
}
