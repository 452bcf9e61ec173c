// What a compose file is read from: files of a folder, and variables.

/** Files as compose refers to them: paths with `/`, relative to the folder that the main compose file is in. */
export interface Folder {
  /** Contents of a file; undefined if there is none. */
  read(path: string): Uint8Array | undefined
  kind(path: string): 'file' | 'folder' | undefined
  /** True for a folder of this machine: paths may be absolute, climb out of it or begin with `~`. False: nothing outside it exists. */
  readonly isLocal: boolean
}

export interface ComposeSource {
  /** The app's name: the compose project's. */
  readonly app: string
  /** Paths of the compose files, at least one; each is merged over those before it. */
  readonly files: readonly string[]
  readonly folder: Folder
  /** Variables of whoever deploys; they win over those of files. */
  readonly environment: Readonly<Record<string, string>>
  /** Files of variables instead of the folder's `.env`, later ones first. */
  readonly variableFiles?: readonly string[]
  /** Profiles that are on. `COMPOSE_PROFILES` counts too. */
  readonly profiles: readonly string[]
}

/** A folder in memory. */
export function folderOf(files: ReadonlyMap<string, Uint8Array | string>): Folder {
  return {
    isLocal: false,
    read(path) {
      const content = files.get(path)
      return typeof content === 'string' ? Buffer.from(content) : content
    },
    kind(path) {
      if (files.has(path)) return 'file'
      const prefix = path === '.' || path === '' ? '' : `${path}/`
      return [...files.keys()].some(name => name.startsWith(prefix)) ? 'folder' : undefined
    },
  }
}
