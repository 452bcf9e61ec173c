// Archives for the Engine, written as they are read: a build context may be larger than the memory.

export type TarEntry = {
  /** Relative, with `/`. */
  readonly path: string
  readonly mode: number
  readonly uid?: number
  readonly gid?: number
} & (
  | { readonly kind: 'folder' }
  | { readonly kind: 'link'; readonly to: string }
  | { readonly kind: 'file'; readonly sizeBytes: number; readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array> }
)

const blockBytes = 512
const types = { file: '0', link: '2', folder: '5' } as const
/** Longest path and link that a plain header holds, bytes. */
const plainBytes = 100

/** The bytes of an archive (POSIX ustar, with pax headers for long names). Throws if a file has become shorter or longer meanwhile. */
export async function* writeTar(entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) {
    yield* paxHeader(entry)
    yield header(entry)
    if (entry.kind === 'file') yield* padded(entry.content, entry.sizeBytes, entry.path)
  }
  yield Buffer.alloc(2 * blockBytes)
}

/** A small file's entry. */
export function fileEntry(path: string, text: string, owner: { mode: number; uid?: number; gid?: number }): TarEntry {
  const bytes = Buffer.from(text)
  return { kind: 'file', path, ...owner, sizeBytes: bytes.length, content: [bytes] }
}

async function* padded(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, sizeBytes: number, path: string) {
  let written = 0
  for await (const chunk of content) {
    written += chunk.length
    if (written > sizeBytes) break
    yield chunk
  }
  if (written !== sizeBytes) throw new Error(`${path} has changed while it was read`)
  yield Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes)
}

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(blockBytes)
  block.write(clip(entry.kind === 'folder' ? `${entry.path}/` : entry.path), 0, 'latin1')
  octal(block, entry.mode & 0o7777, 100, 8)
  octal(block, entry.uid ?? 0, 108, 8)
  octal(block, entry.gid ?? 0, 116, 8)
  octal(block, entry.kind === 'file' ? entry.sizeBytes : 0, 124, 12)
  octal(block, 0, 136, 12)
  block.write(types[entry.kind], 156)
  if (entry.kind === 'link') block.write(clip(entry.to), 157, 'latin1')
  return seal(block)
}

/** Long or non-ASCII names stand before the entry in a header of their own. */
function* paxHeader(entry: TarEntry): Generator<Buffer> {
  const records = [
    isPlain(entry.path) ? '' : paxRecord('path', entry.path),
    entry.kind !== 'link' || isPlain(entry.to) ? '' : paxRecord('linkpath', entry.to),
  ].join('')
  if (records === '') return
  const bytes = Buffer.from(records)
  const block = Buffer.alloc(blockBytes)
  block.write('pax', 0)
  octal(block, 0o644, 100, 8)
  octal(block, bytes.length, 124, 12)
  octal(block, 0, 136, 12)
  block.write('x', 156)
  yield seal(block)
  yield Buffer.concat([bytes, Buffer.alloc((blockBytes - (bytes.length % blockBytes)) % blockBytes)])
}

/** `LENGTH key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  const guess = bytes + String(bytes).length
  return `${bytes + String(guess).length}${rest}`
}

function isPlain(name: string): boolean {
  return name.length < plainBytes && /^[\x20-\x7e]*$/.test(name)
}

function clip(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '_').slice(0, plainBytes)
}

function octal(block: Buffer, value: number, at: number, width: number): void {
  block.write(value.toString(8).padStart(width - 1, '0'), at, 'latin1')
}

function seal(block: Buffer): Buffer {
  block.write('ustar\x0000', 257, 'latin1')
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
