// What `skerry apply -f` names: compose files of a folder, the folder itself, or an archive of one.
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { findComposeFiles, readArchive } from '../protocol/archive.js'
import type { FileContents } from '../protocol/bundle.js'
import { type Folder, folderOf } from '../protocol/compose/source.js'
import { SkerryError } from '../protocol/errors.js'
import { usageError } from './errors.js'
import { closedFolder, isWithin, localFolder } from './local-folder.js'
import type { Shell } from './shell.js'

export interface Origin {
  /** As a device will have it. */
  readonly folder: Folder
  /** Paths of the compose files in it, at least one. */
  readonly files: readonly string[]
  /** Paths of all files that a folder of it holds, at any depth. */
  filesIn(path: string): Iterable<string>
  isExecutable(path: string): boolean
}

export interface OriginFlags {
  readonly file: readonly string[]
  readonly projectDirectory?: string
}

/** Throws a usage error, `spec.invalid` or `spec.too-large`. */
export async function openOrigin(shell: Shell, { file, projectDirectory }: OriginFlags): Promise<Origin> {
  const [first = '.', ...others] = file
  const kind = first === '-' ? 'file' : localFolder('.').kind(first)
  if (kind === undefined) throw usageError(`cannot read ${first}: there is no such file`)
  if (kind === 'file' && /\.(tar|tar\.gz|tgz)$/.test(first)) {
    if (others.length > 0 || projectDirectory !== undefined) throw usageError('an archive is a whole folder: give nothing beside it')
    return archived(first, await readArchive(await readFile(first)))
  }
  const dir = resolve(projectDirectory ?? (kind === 'folder' ? first : first === '-' ? '.' : dirname(first)))
  if (localFolder('.').kind(dir) !== 'folder') throw usageError(`${dir} is no folder`)
  const own = kind === 'folder' ? findIn(first).map(name => join(first, name)) : [first]
  return local(dir, await readNamed(shell, [...own, ...others], dir))
}

function findIn(dir: string): readonly string[] {
  const found = findComposeFiles(name => localFolder(dir).kind(name) === 'file')
  if (found.length === 0) throw usageError(`${dir} has no compose.yaml`)
  return found
}

interface Named {
  /** In the folder, or where it will be put. */
  readonly path: string
  /** Of a file that is not in the folder. */
  readonly contents?: Uint8Array
}

/** Compose files may be elsewhere: what they refer to starts from the folder all the same. */
async function readNamed(shell: Shell, files: readonly string[], dir: string): Promise<readonly Named[]> {
  const named: Named[] = []
  for (const file of files) {
    const inside = relative(dir, resolve(file))
    const isInside = file !== '-' && isWithin(dir, resolve(file))
    if (file !== '-' && localFolder('.').kind(file) !== 'file') throw usageError(`cannot read ${file}: it is no file`)
    if (isInside) named.push({ path: inside })
    else named.push({ path: freeName(file, dir, named), contents: await readOuter(shell, file) })
  }
  return named
}

async function readOuter(shell: Shell, file: string): Promise<Uint8Array> {
  return file === '-' ? Buffer.from(await shell.readInput()) : await readFile(file)
}

function freeName(file: string, dir: string, named: readonly Named[]): string {
  const name = file === '-' ? 'compose.yaml' : basename(file)
  const isTaken = (candidate: string) => named.some(({ path }) => path === candidate) || localFolder(dir).kind(candidate) !== undefined
  for (let n = 0; ; n++) {
    const candidate = n === 0 ? name : `${n}-${name}`
    if (!isTaken(candidate)) return candidate
  }
}

function local(dir: string, named: readonly Named[]): Origin {
  const root = realpathSync(dir)
  const closed = closedFolder(dir)
  const extra = new Map(named.flatMap(({ path, contents }) => (contents === undefined ? [] : [[path, contents] as const])))
  return {
    folder: {
      isLocal: false,
      read: path => extra.get(path) ?? closed.read(path),
      kind: path => (extra.has(path) ? 'file' : closed.kind(path)),
    },
    files: named.map(({ path }) => path),
    filesIn: path => walk(root, closed, path === '.' ? '' : path, []),
    isExecutable: path => !extra.has(path) && (statSync(join(root, path)).mode & 0o100) !== 0,
  }
}

/** Links are followed, as long as they stay in the folder and do not lead round in a circle. */
function* walk(root: string, folder: Folder, path: string, above: readonly string[]): Generator<string> {
  const real = realpathSync(join(root, path))
  if (above.includes(real)) return
  for (const name of readdirSync(join(root, path)).sort()) {
    const inner = path === '' ? name : `${path}/${name}`
    const kind = folder.kind(inner)
    if (kind === 'file') yield inner
    else if (kind === 'folder') yield* walk(root, folder, inner, [...above, real])
  }
}

function archived(name: string, files: ReadonlyMap<string, FileContents>): Origin {
  const found = findComposeFiles(path => files.has(path))
  if (found.length === 0) throw new SkerryError('spec.invalid', `${name} has no compose.yaml`)
  return {
    folder: folderOf(new Map([...files].map(([path, { contents }]) => [path, contents]))),
    files: found,
    filesIn: path => [...files.keys()].filter(file => path === '.' || file.startsWith(`${path}/`)).sort(),
    isExecutable: path => files.get(path)?.executable === true,
  }
}
