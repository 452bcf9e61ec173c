// A build context: the files of a folder as an archive, without those that it says to leave out.
import { constants, existsSync, realpathSync } from 'node:fs'
import { lstat, open, readdir, readFile, readlink } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { Build } from '../protocol/compose/parts.js'
import { readIgnoreRules } from './core/ignore.js'
import { hostPath } from './core/mounts.js'
import { HeldFolder } from './held-folder.js'
import { fileEntry, type TarEntry, writeTar } from './tar.js'

/** Where a Dockerfile that is not of the context stands in the archive: a name that no file has. */
const placedDockerfile = '.dockerfile-of-the-spec'
/** Of a Dockerfile, and of a list of what to leave out. */
const maxTextBytes = 1024 * 1024
const chunkBytes = 64 * 1024

export interface Context {
  readonly archive: AsyncIterable<Uint8Array>
  /** The Dockerfile's path in the archive. */
  readonly dockerfile: string
}

export interface ContextPlace {
  /** What relative paths start from. */
  readonly folder: string
  /** Containers may write there: what is outside is not reached by links. */
  readonly isConfined: boolean
}

/** Throws what the file system answers when the archive is read. */
export async function openContext(build: Build, place: ContextPlace): Promise<Context> {
  const root = hostPath(build.context, place.folder)
  const { path, text } = await findDockerfile(build, root, place)
  const ignores = readIgnoreRules(await readIgnoreFile(root, path, place))
  const kept = new Set([path, '.dockerignore'])
  const entries = walkAll(root, place, candidate => ignores(candidate) && !kept.has(candidate))
  return { archive: writeTar(text === undefined ? entries : joined(entries, fileEntry(path, text, { mode: 0o644 }))), dockerfile: path }
}

/** `text` is set where the file is not in the context. */
async function findDockerfile(build: Build, root: string, place: ContextPlace): Promise<{ path: string; text?: string }> {
  if (build.dockerfileInline !== undefined) return { path: placedDockerfile, text: build.dockerfileInline }
  const file = hostPath(build.dockerfile ?? 'Dockerfile', root)
  const inside = relative(root, file)
  if (!inside.startsWith('..') && !(build.dockerfile ?? '').startsWith('..')) return { path: inside }
  return { path: placedDockerfile, text: await readText(file, place) }
}

/** A Dockerfile may have rules of its own beside it. */
async function readIgnoreFile(root: string, dockerfile: string, place: ContextPlace): Promise<string> {
  for (const name of [`${dockerfile}.dockerignore`, '.dockerignore']) {
    const text = await readText(join(root, name), place).catch(() => undefined)
    if (text !== undefined) return text
  }
  return ''
}

async function readText(path: string, place: ContextPlace): Promise<string> {
  if (!place.isConfined) return await readFile(path, 'utf8')
  const folder = openFolder(dirname(path), place)
  try {
    const chunks: Uint8Array[] = []
    let sizeBytes = 0
    for await (const chunk of readHeld(folder, basename(path))) {
      sizeBytes += chunk.length
      if (sizeBytes > maxTextBytes) throw new Error(`${basename(path)} has more than ${maxTextBytes} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString()
  } finally {
    folder.close()
  }
}

/** Throws where a folder on the way is a link, or where the path leaves what it is confined to. */
function openFolder(path: string, { folder, isConfined }: ContextPlace): HeldFolder {
  if (!isConfined) return HeldFolder.open(realpathSync(path))
  const names = relative(folder, path)
    .split('/')
    .filter(name => name !== '')
  if (names.includes('..')) throw new Error(`${path} is not in the app's folder`)
  return names.reduce(openNext, HeldFolder.open(folder))
}

function openNext(folder: HeldFolder, name: string): HeldFolder {
  try {
    return folder.open(name)
  } catch (cause) {
    throw new Error(`${name} is no folder of the app's: it is a link, or not there`, { cause })
  } finally {
    folder.close()
  }
}

async function* joined(entries: AsyncIterable<TarEntry>, last: TarEntry): AsyncGenerator<TarEntry> {
  yield* entries
  yield last
}

async function* walkAll(root: string, place: ContextPlace, ignores: (path: string) => boolean): AsyncGenerator<TarEntry> {
  // An app that brought no files has no folder.
  if (place.isConfined && root === place.folder && !existsSync(root)) return
  yield* walk(openFolder(root, place), '', ignores)
}

/** A folder that is left out is walked all the same: a rule may bring back what is in it. Closes the folder. */
async function* walk(folder: HeldFolder, prefix: string, ignores: (path: string) => boolean): AsyncGenerator<TarEntry> {
  try {
    for (const name of (await readdir(folder.path)).sort()) yield* walkEntry(folder, { name, path: prefix + name }, ignores)
  } finally {
    folder.close()
  }
}

interface Entry {
  readonly name: string
  /** In the archive. */
  readonly path: string
}

async function* walkEntry(folder: HeldFolder, { name, path }: Entry, ignores: (path: string) => boolean): AsyncGenerator<TarEntry> {
  const stats = await lstat(folder.at(name))
  const { mode } = stats
  const isKept = !ignores(path)
  if (stats.isDirectory()) {
    if (isKept) yield { kind: 'folder', path, mode }
    yield* walk(folder.open(name), `${path}/`, ignores)
  } else if (stats.isSymbolicLink()) {
    if (isKept) yield { kind: 'link', path, mode, to: await readlink(folder.at(name)) }
  } else if (stats.isFile() && isKept) {
    yield { kind: 'file', path, mode, sizeBytes: stats.size, content: readHeld(folder, name) }
  }
}

/** A link, or a pipe that nobody writes to, may have taken its place: neither is read. */
async function* readHeld(folder: HeldFolder, name: string): AsyncGenerator<Uint8Array> {
  const handle = await open(folder.at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (!(await handle.stat()).isFile()) throw new Error(`${name} is no file any more`)
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}
