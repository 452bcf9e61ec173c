// The event stream of a server, each event with the time of its arrival.
import { ask } from './ask.js'

export interface ArrivedEvent {
  readonly type: string
  readonly device: string | null
  readonly at: number
}

/** Calls `arrived` for each event from now on; resolves with a function that ends it. */
export async function follow(url: string, arrived: (event: ArrivedEvent) => void): Promise<() => void> {
  const abort = new AbortController()
  const response = await ask(`${url}/api/v1/events/stream`, { signal: abort.signal })
  if (!response.body) throw new Error('the event stream has no body')
  void read(response.body, arrived).catch(() => {})
  return () => abort.abort()
}

async function read(body: ReadableStream<Uint8Array>, arrived: (event: ArrivedEvent) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    const at = performance.now()
    rest += decoder.decode(chunk, { stream: true })
    const blocks = rest.split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = block.match(/^data: ?(.*)$/m)?.[1]
      if (data) arrived({ ...(JSON.parse(data) as { type: string; device: string | null }), at })
    }
  }
}
