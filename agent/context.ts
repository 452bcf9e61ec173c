// A build context: the files of a folder as an archive, without those that it says to leave out.
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Build } from '../protocol/compose/parts.js'
import { readIgnoreRules } from './core/ignore.js'
import { hostPath } from './core/mounts.js'
import { fileEntry, type TarEntry, writeTar } from './tar.js'

/** Where a Dockerfile that is not of the context stands in the archive: a name that no file has. */
const placedDockerfile = '.dockerfile-of-the-spec'

export interface Context {
  readonly archive: AsyncIterable<Uint8Array>
  /** The Dockerfile's path in the archive. */
  readonly dockerfile: string
}

/** `folder`: what relative paths start from. Throws what the file system answers when the archive is read. */
export async function openContext(build: Build, folder: string): Promise<Context> {
  const root = hostPath(build.context, folder)
  const { path, text } = await findDockerfile(build, root)
  const ignores = readIgnoreRules(await readIgnoreFile(root, path))
  const kept = new Set([path, '.dockerignore'])
  const entries = walk(root, '', candidate => ignores(candidate) && !kept.has(candidate))
  return { archive: writeTar(text === undefined ? entries : joined(entries, fileEntry(path, text, { mode: 0o644 }))), dockerfile: path }
}

/** `text` is set where the file is not in the context. */
async function findDockerfile(build: Build, root: string): Promise<{ path: string; text?: string }> {
  if (build.dockerfileInline !== undefined) return { path: placedDockerfile, text: build.dockerfileInline }
  const inside = relative(root, hostPath(build.dockerfile ?? 'Dockerfile', root))
  if (!inside.startsWith('..') && !(build.dockerfile ?? '').startsWith('..')) return { path: inside }
  return { path: placedDockerfile, text: await readFile(join(root, build.dockerfile ?? ''), 'utf8') }
}

/** A Dockerfile may have rules of its own beside it. */
async function readIgnoreFile(root: string, dockerfile: string): Promise<string> {
  for (const name of [`${dockerfile}.dockerignore`, '.dockerignore']) {
    const text = await readFile(join(root, name), 'utf8').catch(() => undefined)
    if (text !== undefined) return text
  }
  return ''
}

async function* joined(entries: AsyncIterable<TarEntry>, last: TarEntry): AsyncGenerator<TarEntry> {
  yield* entries
  yield last
}

/** A folder that is left out is walked all the same: a rule may bring back what is in it. */
async function* walk(root: string, folder: string, ignores: (path: string) => boolean): AsyncGenerator<TarEntry> {
  const names = (await readdir(join(root, folder))).sort()
  for (const name of names) {
    const path = folder === '' ? name : `${folder}/${name}`
    const stats = await lstat(join(root, path))
    const { mode } = stats
    const isKept = !ignores(path)
    if (stats.isDirectory()) {
      if (isKept) yield { kind: 'folder', path, mode }
      yield* walk(root, path, ignores)
    } else if (stats.isSymbolicLink()) {
      if (isKept) yield { kind: 'link', path, mode, to: await readlink(join(root, path)) }
    } else if (stats.isFile() && isKept) {
      yield { kind: 'file', path, mode, sizeBytes: stats.size, content: createReadStream(join(root, path)) }
    }
  }
}
