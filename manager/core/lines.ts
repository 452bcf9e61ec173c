// Lines of logs put together from the parts that a device sends: pure. Parts of several services and streams come mixed.
import type { Response } from '../../protocol/messages/request.js'

export interface LogLine {
  readonly service: string
  readonly stream: 'out' | 'err'
  /** As the device wrote it; absent without timestamps. */
  readonly time?: string
  readonly line: string
}

/** Longer lines are cut. */
const maxLineBytes = 64 * 1024
const newline = 0x0a

export class Lines {
  readonly #timestamps: boolean
  readonly #rests = new Map<string, { service: string; stream: 'out' | 'err'; rest: Buffer }>()

  constructor(timestamps: boolean) {
    this.#timestamps = timestamps
  }

  take({ service = '', stream = 'out', data }: Pick<Response, 'service' | 'stream' | 'data'>): LogLine[] {
    if (data === undefined) return []
    const key = `${stream}/${service}`
    const known = this.#rests.get(key)
    const all = known === undefined ? Buffer.from(data) : Buffer.concat([known.rest, data])
    const { lines, rest } = cut(all)
    this.#rests.set(key, { service, stream, rest })
    return lines.map(line => this.#show(service, stream, line))
  }

  /** What no line end followed. */
  end(): LogLine[] {
    const rests = [...this.#rests.values()].filter(({ rest }) => rest.length > 0)
    this.#rests.clear()
    return rests.map(({ service, stream, rest }) => this.#show(service, stream, rest))
  }

  #show(service: string, stream: 'out' | 'err', bytes: Buffer): LogLine {
    const text = bytes.toString('utf8').replace(/\r$/, '')
    const [, time, line = ''] = (this.#timestamps && /^(\d{4}-\d\d-\d\dT\S+) (.*)$/s.exec(text)) || []
    return time === undefined ? { service, stream, line: text } : { service, stream, time, line }
  }
}

function cut(bytes: Buffer): { lines: Buffer[]; rest: Buffer } {
  const lines: Buffer[] = []
  let rest = bytes
  for (let end = endOf(rest); end >= 0; end = endOf(rest)) {
    lines.push(rest.subarray(0, end))
    rest = rest.subarray(rest[end] === newline ? end + 1 : end)
  }
  return { lines, rest }
}

/** Where the first line ends; negative if it has not ended. */
function endOf(bytes: Buffer): number {
  const end = bytes.subarray(0, maxLineBytes).indexOf(newline)
  return end < 0 && bytes.length >= maxLineBytes ? maxLineBytes : end
}
