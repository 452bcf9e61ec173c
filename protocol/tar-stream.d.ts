// What Skerry uses of tar-stream, which has no types of its own.
declare module 'tar-stream' {
  import type { Readable, Writable } from 'node:stream'

  interface Header {
    readonly name: string
    readonly mode?: number
    readonly size?: number
    readonly uid?: number
    readonly gid?: number
    readonly mtime?: Date
    readonly type?: 'file' | 'link' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo' | 'contiguous-file' | null
    readonly linkname?: string | null
  }

  interface Extract extends Writable {
    on(event: 'entry', listener: (header: Header, stream: Readable, next: (error?: Error) => void) => void): this
    on(event: 'finish', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
  }

  interface Pack extends Readable {
    entry(header: Header, contents: Buffer | string): Writable
    finalize(): void
  }

  function extract(): Extract
  function pack(): Pack
}
