// The Engine's streams of JSON lines: events, and the progress of a pull.
import { StringDecoder } from 'node:string_decoder'
import type { PullProgress } from './engine.js'

/** Longest line that is kept, bytes: a stream that never ends one is cut. */
const maxLine = 1024 * 1024

/** Calls `onLine` with each line, parsed. Ends with the stream; an abort destroys it. */
export async function readLines(stream: NodeJS.ReadableStream, signal: AbortSignal, onLine: (line: unknown) => void): Promise<void> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const stop = () => (stream as NodeJS.ReadableStream & { destroy(): void }).destroy()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    for await (const chunk of stream) {
      rest += typeof chunk === 'string' ? chunk : decoder.write(chunk)
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > maxLine) throw new Error('the Engine sent a line without end')
      for (const line of lines) if (line.trim() !== '') onLine(JSON.parse(line))
    }
    if (rest.trim() !== '') onLine(JSON.parse(rest))
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

interface PullLine {
  readonly id?: string
  readonly status?: string
  readonly error?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
}

/** A layer's bytes are counted as they come; after that it is checked and unpacked, which tells of bytes once more. */
function hasCome(status: string | undefined): boolean {
  return status === 'Download complete' || status === 'Pull complete' || status === 'Extracting' || status === 'Verifying Checksum'
}

/** Sums up the layers of a pull. Throws what the registry answered. */
export async function followPull(
  image: string,
  stream: NodeJS.ReadableStream,
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const layers = new Map<string, { current: number; total: number }>()
  await readLines(stream, signal, raw => {
    const line = raw as PullLine
    if (line.error !== undefined) throw new Error(line.error)
    const { current, total } = line.progressDetail ?? {}
    if (line.id !== undefined && current !== undefined && total !== undefined && line.status === 'Downloading')
      layers.set(line.id, { current, total })
    const layer = layers.get(line.id ?? '')
    if (line.id !== undefined && layer !== undefined && hasCome(line.status)) layers.set(line.id, { ...layer, current: layer.total })
    const sums = [...layers.values()]
    onProgress({
      image,
      status: line.status ?? '',
      currentBytes: sums.reduce((sum, layer) => sum + layer.current, 0),
      totalBytes: sums.reduce((sum, layer) => sum + layer.total, 0),
    })
  })
  signal.throwIfAborted()
}
