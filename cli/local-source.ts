// The compose files of this machine's folders, as `skerry agent apply` and `plan` take them.
import { dirname, relative, resolve } from 'node:path'
import { type ParsedCompose, parseProject } from '../protocol/compose/parse.js'
import type { ComposeSource, Folder } from '../protocol/compose/source.js'
import { type SkerryError, unwrap } from '../protocol/errors.js'
import { usageError } from './errors.js'
import { localFolder } from './local-folder.js'
import type { Shell } from './shell.js'

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
}

/** Variables are those of the process, then those of `--env-file` or else of the folder's `.env`. Throws what is wrong with the files. */
export async function readLocal(shell: Shell, flags: SourceFlags): Promise<LocalProject> {
  const [first = '-'] = flags.file
  const dir = first === '-' ? process.cwd() : resolve(dirname(first))
  const input = flags.file.includes('-') ? await shell.readInput() : undefined
  const folder = withInput(localFolder(dir), input)
  for (const file of flags.file) if (file !== '-' && folder.kind(resolve(file)) !== 'file') throw missing(file, folder.kind(resolve(file)))
  const source: ComposeSource = {
    app: flags.project,
    files: flags.file.map(file => (file === '-' ? file : relative(dir, resolve(file)))),
    folder,
    environment: environmentOf(shell),
    profiles: flags.profile ?? [],
    ...(flags.envFile === undefined ? {} : { variableFiles: flags.envFile.map(file => relative(dir, resolve(file))) }),
  }
  return { ...unwrap(parseProject(source)), folder: dir }
}

function environmentOf({ env }: Shell): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
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

function missing(file: string, kind: 'folder' | undefined | 'file'): SkerryError {
  return usageError(`cannot read ${file}: ${kind === 'folder' ? 'it is a folder' : 'there is no such file'}`)
}
