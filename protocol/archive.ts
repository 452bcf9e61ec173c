// Archives of a folder (tar, also gzip'd) as the files of a bundle, and which of its files are the compose files.
import { posix } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { type FileContents, refusePath } from './bundle.js'
import { type Refusal, SkerryError } from './errors.js'
import { maxBundleBytes, maxBundleFiles, maxSpecBytes } from './messages/spec.js'

/** What an archive may have, unpacked: the files of a bundle and a header for each. */
export const maxArchiveBytes = maxBundleBytes + maxSpecBytes + maxBundleFiles * 2048

/**
 * The files of an archive by path; links to files are the files that they lead to. An archive may hold the folder itself instead of
 * what is in it, unless a file that is `named` is found as it is. Throws `spec.invalid` or `spec.too-large`.
 */
export async function readArchive(bytes: Uint8Array, named: readonly string[] = []): Promise<ReadonlyMap<string, FileContents>> {
  const { files, links, refusals } = await readEntries(await unzip(bytes))
  for (const [path, to] of links) {
    const file = resolveLink(to, files, links)
    if (file === undefined) refusals.push(refusal(path, `it is a link to ${JSON.stringify(to)}, which is no file of the archive`))
    else files.set(path, file)
  }
  const [first, ...others] = refusals
  if (first !== undefined) throw new SkerryError(first.code, first.message, { path: first.path, others: others.slice(0, 49) })
  return named.some(path => files.has(path)) ? files : withoutOuterFolder(files)
}

/** Names that a folder's compose file may have, and those of what is merged over it, in order of preference. */
const mainNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']
const overrideNames = ['compose.override.yaml', 'compose.override.yml', 'docker-compose.override.yaml', 'docker-compose.override.yml']

/** The compose files of a folder that no one has named: none, one, or one and its override. */
export function findComposeFiles(has: (path: string) => boolean): readonly string[] {
  const main = mainNames.find(has)
  const override = overrideNames.find(has)
  if (main === undefined) return []
  return override === undefined ? [main] : [main, override]
}

async function unzip(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: maxArchiveBytes })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')
      throw new SkerryError('spec.too-large', `the archive has more than ${maxArchiveBytes} bytes unpacked`, { cause })
    throw new SkerryError('spec.invalid', 'the archive cannot be decompressed', { cause })
  }
}

interface Entries {
  readonly files: Map<string, FileContents>
  /** Where each link leads to, from the archive's root. */
  readonly links: Map<string, string>
  readonly refusals: Refusal[]
}

function readEntries(bytes: Uint8Array): Promise<Entries> {
  const entries: Entries = { files: new Map(), links: new Map(), refusals: [] }
  return new Promise((resolve, reject) => {
    const reader = extract()
    reader.on('entry', (header, stream, next) => {
      const chunks: Buffer[] = []
      stream.on('data', chunk => chunks.push(chunk))
      stream.on('end', () => {
        note(header, Buffer.concat(chunks), entries)
        next()
      })
    })
    reader.on('error', cause => reject(new SkerryError('spec.invalid', `this is no tar archive: ${cause.message}`, { cause })))
    reader.on('finish', () =>
      entries.files.size + entries.refusals.length > 0
        ? resolve(entries)
        : reject(new SkerryError('spec.invalid', 'the archive has no files')),
    )
    reader.end(bytes)
  })
}

function note(header: Header, contents: Buffer, { files, links, refusals }: Entries): void {
  if (header.type === 'directory') return
  const path = header.name.replace(/^(\.\/)+/, '')
  const reason = refusePath(path)
  if (reason !== undefined) refusals.push(refusal(path, reason))
  else if (header.type === 'symlink') links.set(path, leadsTo(path, header.linkname ?? ''))
  else if (header.type === 'link') links.set(path, posix.normalize(header.linkname ?? ''))
  else if (header.type === 'file' || header.type === 'contiguous-file')
    files.set(path, ((header.mode ?? 0) & 0o100) === 0 ? { contents } : { contents, executable: true })
  else refusals.push(refusal(path, `it is no file but a ${header.type ?? 'something unknown'}`))
}

/** Nothing in an archive is called like what is outside of it: `/…` or `../…`. */
function leadsTo(link: string, to: string): string {
  return posix.isAbsolute(to) ? to : posix.join(posix.dirname(link), to)
}

function resolveLink(to: string, files: ReadonlyMap<string, FileContents>, links: ReadonlyMap<string, string>): FileContents | undefined {
  const seen = new Set<string>()
  let at: string | undefined = to
  while (at !== undefined && !files.has(at) && !seen.has(at)) {
    seen.add(at)
    at = links.get(at)
  }
  return at === undefined ? undefined : files.get(at)
}

function withoutOuterFolder(files: ReadonlyMap<string, FileContents>): ReadonlyMap<string, FileContents> {
  const [outer, ...others] = new Set([...files.keys()].map(path => path.split('/')[0]))
  if (outer === undefined || others.length > 0 || files.has(outer)) return files
  return new Map([...files].map(([path, file]) => [path.slice(outer.length + 1), file]))
}

function refusal(path: string, reason: string): Refusal {
  const quoted = JSON.stringify(path.slice(0, 80))
  return { code: 'spec.invalid', message: `${quoted}: ${reason}`, path: `files[${quoted}]` }
}
