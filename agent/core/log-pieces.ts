// The Engine's log streams cut into pieces of lines, each with its time: pure. Streams of containers with a terminal are plain
// lines; all others come in frames of 8 bytes of header (stream, 0, 0, 0, length) and a record (Engine API, "Attach to a container").

export type LogStream = 'out' | 'err'

export interface LogPiece {
  readonly stream: LogStream
  /** As the Engine writes it, RFC 3339 with nanoseconds in UTC, so that times compare as texts; empty if it gave none. */
  readonly time: string
  /** Whether a line begins here. */
  readonly begins: boolean
  readonly data: Buffer
}

/** Keeps what is incomplete between calls: at most a header or a time. */
export type Cutter = (chunk: Buffer) => LogPiece[]

const headerBytes = 8
/** A time has 30 bytes, or 35 with an offset; whatever has no space by then begins with none. */
const timeBytes = 40

export function createFrameCutter(): Cutter {
  let rest: Buffer = Buffer.alloc(0)
  let stream: LogStream = 'out'
  let left = 0
  /** Time of the record under way; undefined while its beginning has not come. */
  let time: string | undefined
  const midLine = { out: false, err: false }

  const piece = (data: Buffer): LogPiece[] => {
    left -= data.length
    if (data.length === 0) return []
    const begins = !midLine[stream]
    midLine[stream] = data.at(-1) !== newline
    return [{ stream, time: time ?? '', begins, data }]
  }

  const next = (): LogPiece[] | undefined => {
    if (left === 0) {
      if (rest.length < headerBytes) return undefined
      stream = rest[0] === 2 ? 'err' : 'out'
      left = rest.readUInt32BE(4)
      time = undefined
      rest = rest.subarray(headerBytes)
    }
    if (time === undefined) {
      if (rest.length < Math.min(left, timeBytes)) return undefined
      const head = readTime(rest.subarray(0, left))
      time = head.time
      left -= head.bytes
      rest = rest.subarray(head.bytes)
    }
    if (left > 0 && rest.length === 0) return undefined
    const data = rest.subarray(0, left)
    rest = rest.subarray(data.length)
    return piece(data)
  }

  return chunk => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const pieces: LogPiece[] = []
    for (let cut = next(); cut !== undefined; cut = next()) pieces.push(...cut)
    return pieces
  }
}

export function createTerminalCutter(): Cutter {
  let rest: Buffer = Buffer.alloc(0)
  let time: string | undefined
  let begins = true

  return chunk => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const pieces: LogPiece[] = []
    while (rest.length > 0) {
      const end = rest.indexOf(newline)
      if (time === undefined) {
        if (end < 0 && rest.length < timeBytes) break
        const head = readTime(rest)
        time = head.time
        rest = rest.subarray(head.bytes)
      }
      const stop = rest.indexOf(newline)
      const data = stop < 0 ? rest : rest.subarray(0, stop + 1)
      rest = rest.subarray(data.length)
      if (data.length > 0) pieces.push({ stream: 'out', time, begins, data })
      begins = stop >= 0
      if (stop >= 0) time = undefined
    }
    return pieces
  }
}

/** What one read of the Engine gives to send on. */
export interface LogBatch {
  readonly stream: LogStream
  /** Of the newest line in it. */
  readonly time: string
  readonly data: Buffer
}

/** Neighbours of one stream in one buffer. `after`: what is not newer was sent before. */
export function batchPieces(pieces: readonly LogPiece[], { timestamps, after }: { timestamps: boolean; after: string }): LogBatch[] {
  const batches: { stream: LogStream; time: string; data: Buffer[] }[] = []
  for (const { stream, time, begins, data } of pieces) {
    if (time !== '' && time <= after) continue
    const parts = timestamps && begins && time !== '' ? [Buffer.from(`${time} `), data] : [data]
    const last = batches.at(-1)
    if (last?.stream === stream) {
      last.time = time
      last.data.push(...parts)
    } else batches.push({ stream, time, data: parts })
  }
  return batches.map(({ stream, time, data }) => ({ stream, time, data: Buffer.concat(data) }))
}

/** A line's time as the Engine takes it for `since`: seconds and nanoseconds. */
export function sinceOf(time: string): string {
  const [, fraction = '0'] = /\.(\d+)/.exec(time) ?? []
  return `${Math.floor(Date.parse(time) / 1000)}.${fraction.padEnd(9, '0')}`
}

const newline = 0x0a

function readTime(record: Buffer): { time: string; bytes: number } {
  const space = record.subarray(0, timeBytes).indexOf(0x20)
  const time = space < 0 ? '' : record.toString('latin1', 0, space)
  return /^\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)$/.test(time) ? { time, bytes: space + 1 } : { time: '', bytes: 0 }
}
