// Writes tar archives (POSIX.1-1988 ustar): files, folders and symbolic links, owned by root.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'

export type Entry =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly to: string }
  | { readonly kind: 'text'; readonly path: string; readonly text: string }
  /** A copy of `from` with its size, executable. */
  | { readonly kind: 'file'; readonly path: string; readonly from: string }

const block = 512
const typeFlags: Record<Entry['kind'], string> = { file: '0', text: '0', link: '2', folder: '5' }

/** The archive in pieces. Paths have at most 100 bytes and start without a slash. */
export async function* writeTar(entries: readonly Entry[]): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    const body = entry.kind === 'text' ? Buffer.from(entry.text) : undefined
    const size = body?.length ?? (entry.kind === 'file' ? (await stat(entry.from)).size : 0)
    yield writeHeader(entry, size)
    if (body !== undefined) yield body
    if (entry.kind === 'file') yield* createReadStream(entry.from)
    if (size % block > 0) yield Buffer.alloc(block - (size % block))
  }
  yield Buffer.alloc(2 * block)
}

function writeHeader(entry: Entry, size: number): Buffer {
  const header = Buffer.alloc(block)
  const octal = (value: number, at: number, length: number): number =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'ascii')
  if (Buffer.byteLength(entry.path) > 100) throw new RangeError(`path too long for this archive: ${entry.path}`)
  header.write(entry.path, 0)
  octal(entry.kind === 'text' ? 0o644 : 0o755, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  header.write(' '.repeat(8), 148)
  header.write(typeFlags[entry.kind], 156)
  if (entry.kind === 'link') header.write(entry.to, 157)
  header.write('ustar\x0000', 257)
  // The checksum is counted with blanks in its own place.
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
