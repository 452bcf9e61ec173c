// A small client of the HTTP API for tests: JSON in and out, and the event stream as it comes.
import type { Credentials } from './credentials.js'
import { within } from './within.js'

export interface Answer<T> {
  readonly status: number
  readonly body: T
}

export interface StreamedEvent {
  readonly id: number
  readonly type: string
  readonly at: string
  readonly device: string | null
  readonly group: string | null
  readonly app: string | null
  readonly data: Record<string, unknown>
}

export class Api {
  constructor(
    readonly url: string,
    readonly credentials: Credentials,
  ) {}

  async call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const compose = typeof body === 'string'
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        ...this.credentials,
        ...(body === undefined ? {} : { 'content-type': compose ? 'application/yaml' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: compose ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T }
  }

  get<T = Record<string, unknown>>(path: string): Promise<Answer<T>> {
    return this.call<T>('GET', path)
  }

  /** Opens the event stream; events from now on, or after `after`. */
  async events(after?: number): Promise<EventReader> {
    const abort = new AbortController()
    const response = await fetch(`${this.url}/api/v1/events/stream`, {
      signal: abort.signal,
      headers: { ...this.credentials, ...(after === undefined ? {} : { 'last-event-id': String(after) }) },
    })
    if (!response.body) throw new Error('the event stream has no body')
    return new EventReader(response.body, abort)
  }
}

export class EventReader {
  readonly seen: StreamedEvent[] = []
  private look = () => {}
  private readonly reading: Promise<void>

  constructor(
    body: ReadableStream<Uint8Array>,
    private readonly abort: AbortController,
  ) {
    this.reading = this.read(body).catch(() => {})
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      rest += decoder.decode(chunk, { stream: true })
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = block.match(/^data: ?(.*)$/m)?.[1]
        if (data) this.seen.push(JSON.parse(data) as StreamedEvent)
      }
      this.look()
    }
  }

  /** The first event, past or to come, that `matches`. */
  async next(what: string, matches: (event: StreamedEvent) => boolean, limitMs = 20_000): Promise<StreamedEvent> {
    const found = new Promise<StreamedEvent>(resolve => {
      this.look = () => {
        const event = this.seen.find(matches)
        if (event) resolve(event)
      }
    })
    this.look()
    return within(limitMs, `event: ${what}; seen: ${this.seen.map(event => event.type).join(' ')}`, found)
  }

  async close(): Promise<void> {
    this.abort.abort()
    await this.reading
  }
}
