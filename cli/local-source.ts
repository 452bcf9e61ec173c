// The compose files of this machine's folders, as `skerry agent apply` and `plan` take them.
import { createHash } from 'node:crypto'
import { dirname, join, relative, resolve } from 'node:path'
import { findComposeFiles } from '../protocol/archive.js'
import type { DigestOf } from '../protocol/compose/hash.js'
import { type ParsedCompose, parseProject } from '../protocol/compose/parse.js'
import type { ComposeSource, Folder } from '../protocol/compose/source.js'
import { unwrap } from '../protocol/errors.js'
import { usageError } from './errors.js'
import { localFolder } from './local-folder.js'
import type { Shell } from './shell.js'
import { readEnvFiles, surroundings } from './variables.js'

export interface SourceFlags {
  readonly project: string
  /** The first one's folder is the app's. `-`: standard input, and the working folder. */
  readonly file: readonly string[]
  readonly profile?: readonly string[]
  readonly envFile?: readonly string[]
}

export interface LocalProject extends ParsedCompose {
  /** Absolute; what relative paths start from. */
  readonly folder: string
  /** Configs and secrets that are files count with their contents, what is mounted does not. */
  readonly digestOf: DigestOf
}

/** Variables are those of the process, then those of `--env-file`, then those of the folder's `.env`. Throws what is wrong with the files. */
export async function readLocal(shell: Shell, flags: SourceFlags): Promise<LocalProject> {
  const named = flags.file.flatMap(filesOf)
  const dir = named[0] === '-' ? process.cwd() : resolve(dirname(named[0] ?? ''))
  const input = named.includes('-') ? await shell.readInput() : undefined
  const folder = withInput(localFolder(dir), input)
  const source: ComposeSource = {
    app: flags.project,
    files: named.map(file => (file === '-' ? file : relative(dir, resolve(file)))),
    folder,
    environment: { ...readEnvFiles(flags.envFile ?? [], shell), ...surroundings(shell) },
    profiles: flags.profile ?? [],
  }
  return { ...unwrap(parseProject(source)), folder: dir, digestOf: (path, use) => (use === 'file' ? digestOf(folder, path) : undefined) }
}

/** Of a folder its compose file, and the override that stands beside it. */
function filesOf(file: string): readonly string[] {
  const here = localFolder('.')
  const kind = file === '-' ? 'file' : here.kind(file)
  if (kind === 'file') return [file]
  const found = kind === 'folder' ? findComposeFiles(name => here.kind(join(file, name)) === 'file') : []
  if (found.length === 0) throw usageError(`cannot read ${file}: ${kind === 'folder' ? 'it has no compose.yaml' : 'there is no such file'}`)
  return found.map(name => join(file, name))
}

function digestOf(folder: Folder, path: string): string | undefined {
  const contents = folder.read(path)
  return contents && createHash('sha256').update(contents).digest('base64url')
}

/** The folder with standard input as its file `-`. */
function withInput(folder: Folder, input: string | undefined): Folder {
  if (input === undefined) return folder
  return {
    ...folder,
    read: path => (path === '-' ? Buffer.from(input) : folder.read(path)),
    kind: path => (path === '-' ? 'file' : folder.kind(path)),
  }
}
