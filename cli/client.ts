// The HTTP client of the commands: JSON in and out, problems as errors with their code, and the event stream with resume.
import { setTimeout as delay } from 'node:timers/promises'
import { SkerryError } from '../protocol/errors.js'
import type { FleetEvent } from './api/fleet.js'
import { faultOf, parseProblem } from './problem.js'
import { createSseParser } from './sse.js'
import { openFetch, type Trust } from './transport.js'

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface RequestOptions {
  readonly query?: Query
  /** JSON, unless `type` says otherwise for a text. */
  readonly body?: unknown
  readonly type?: string
  readonly signal?: AbortSignal
  /** How long the answer may take, ms; 30 s by default. */
  readonly limitMs?: number
}

export interface Client {
  readonly url: string
  request<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, options?: RequestOptions): Promise<T>
  /** Lines of JSON as they come, as fast as they are taken. Throws the fault that ends them, if one does; ends quietly by `signal`. */
  lines<T>(path: string, options: { query?: Query; signal: AbortSignal }): AsyncGenerator<T>
  /** Events as they come, after reconnects from where it stopped. Ends when `signal` aborts; throws if the first connect fails. */
  events(options: { query?: Query; signal: AbortSignal; onConnect?: () => void }): AsyncGenerator<FleetEvent>
}

const firstRetryMs = 250
const longestRetryMs = 5000
const answerLimitMs = 30_000
/** What a slow link takes in 1 ms, at least. */
const slowBytes = 4

export interface ClientOptions extends Trust {
  readonly token?: string | undefined
}

/** `url` is the server's, without `/api/v1`. */
export function openClient(url: string, { token, ...trust }: ClientOptions = {}): Client {
  const send = openFetch(url, trust)
  const base = `${url.replace(/\/+$/, '')}/api/v1`
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }

  async function fetchAt(path: string, init: RequestInit, query: Query = {}): Promise<Response> {
    const answer = await send(`${base}${path}${formatQuery(query)}`, init).catch((cause: unknown) => {
      throw unreachable(url, cause, init.signal)
    })
    if (!answer.ok) throw await refusalOf(answer)
    return answer
  }

  return {
    url,
    async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
      const type = options.type ?? 'application/json'
      const body = options.type === undefined ? JSON.stringify(options.body) : String(options.body)
      const limit = AbortSignal.timeout(options.limitMs ?? answerLimitMs + Math.ceil((body?.length ?? 0) / slowBytes))
      const answer = await fetchAt(
        path,
        {
          method,
          headers: options.body === undefined ? headers : { ...headers, 'content-type': type },
          signal: options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]),
          ...(options.body === undefined ? {} : { body }),
        },
        options.query,
      )
      const text = await answer.text()
      return (text === '' ? undefined : parseJson(text, url)) as T
    },
    async *lines<T>(path: string, { query = {}, signal }: { query?: Query; signal: AbortSignal }): AsyncGenerator<T> {
      try {
        const answer = await fetchAt(path, { headers: { ...headers, accept: 'application/x-ndjson' }, signal }, query)
        for await (const line of readLines(answer)) {
          const fault = faultOf(parseJson(line, url))
          if (fault !== undefined) throw fault
          yield parseJson(line, url) as T
        }
      } catch (error) {
        if (signal.aborted) return
        throw error instanceof SkerryError ? error : unreachable(url, error, signal)
      }
    },
    async *events({ query = {}, signal, onConnect }): AsyncGenerator<FleetEvent> {
      let last: string | undefined
      let failures = 0
      for (let connected = false; !signal.aborted; ) {
        try {
          const resume = last === undefined ? {} : { 'last-event-id': last }
          const init = { headers: { ...headers, ...resume, accept: 'text/event-stream' }, signal }
          const answer = await fetchAt('/events/stream', init, last === undefined ? query : { ...query, after: undefined })
          connected = true
          failures = 0
          onConnect?.()
          for await (const event of readEvents(answer)) {
            last = String(event.id)
            yield event
          }
        } catch (error) {
          if (signal.aborted) return
          if (!connected || isFinal(error)) throw error
        }
        await delay(Math.min(firstRetryMs * 2 ** failures++, longestRetryMs), undefined, { signal }).catch(() => undefined)
      }
    },
  }
}

async function* readEvents(answer: Response): AsyncGenerator<FleetEvent> {
  if (answer.body === null) return
  const parse = createSseParser()
  const decoder = new TextDecoder()
  for await (const chunk of answer.body) {
    for (const message of parse(decoder.decode(chunk as Uint8Array, { stream: true }))) yield JSON.parse(message.data) as FleetEvent
  }
}

/** The lines that are not empty. */
async function* readLines(answer: Response): AsyncGenerator<string> {
  if (answer.body === null) return
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of answer.body) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter(line => line !== '')
  }
  if (rest !== '') yield rest
}

/** A refusal by the server will not go away by asking again. */
function isFinal(error: unknown): boolean {
  return error instanceof SkerryError && !error.retryable
}

export function formatQuery(query: Query): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) search.append(key, String(each))
  }
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

/** One path of the API from its segments, each escaped. */
export function pathOf(...segments: readonly string[]): string {
  return segments.map(segment => `/${encodeURIComponent(segment)}`).join('')
}

async function refusalOf(answer: Response): Promise<SkerryError> {
  const foreign = `${answer.url} answered ${answer.status} ${answer.statusText}, which is no answer of Skerry`
  return parseProblem(await answer.text().catch(() => '')) ?? new SkerryError('server.unavailable', foreign)
}

function unreachable(url: string, cause: unknown, signal: AbortSignal | null | undefined): SkerryError {
  if (signal?.reason instanceof SkerryError) return signal.reason
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const code = reason instanceof Error && 'code' in reason ? String(reason.code) : reason instanceof Error ? reason.message : String(reason)
  return new SkerryError('server.unavailable', `no server answers at ${url}: ${code}`, { cause })
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SkerryError('server.unavailable', `${url} did not answer in JSON`, { cause })
  }
}
