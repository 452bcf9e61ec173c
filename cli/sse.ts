// Server-sent events, read as the HTML standard says (9.2.6): chunks of text in, messages out.

export interface SseMessage {
  readonly id: string
  readonly event: string
  readonly data: string
}

/** A parser that keeps what is incomplete between calls. Comments and empty messages give nothing. */
export function createSseParser(): (chunk: string) => SseMessage[] {
  let rest = ''
  let id = ''
  let event = ''
  let data: string[] = []

  const readLine = (line: string): SseMessage | undefined => {
    if (line === '') {
      const message = data.length === 0 ? undefined : { id, event: event === '' ? 'message' : event, data: data.join('\n') }
      event = ''
      data = []
      return message
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    if (field === 'event') event = value
    if (field === 'id' && !value.includes('\0')) id = value
    return undefined
  }

  return chunk => {
    // A CR at the end may be half of a CRLF: it waits for the next chunk.
    const text = rest + chunk
    const lines = text.split(/\r\n|\n|\r(?=[^\n])/)
    rest = lines.pop() ?? ''
    return lines.map(readLine).filter(message => message !== undefined)
  }
}
