// Folders that containers may write, as the agent goes through them: held open, so that no link that is put in the way meanwhile leads elsewhere.
import { closeSync, constants, existsSync, fchmodSync, fsyncSync, lstatSync, openSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'

const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const selfFolder = '/proc/self/fd'

/** What is named in it is looked up in this very folder, whatever has taken its place since. */
export class HeldFolder {
  readonly #fd: number
  readonly #path: string

  private constructor(fd: number, path: string) {
    this.#fd = fd
    // Where there is no /proc the name has to do.
    this.#path = existsSync(selfFolder) ? `${selfFolder}/${fd}` : path
  }

  /** The last part of `path` is no link. Throws what the system says. */
  static open(path: string): HeldFolder {
    return new HeldFolder(openSync(path, flags), path)
  }

  /** One of its entries, for calls that take a path; `name` is no path itself. */
  at(name: string): string {
    return join(this.#path, name)
  }

  /** For calls that read the folder itself. */
  get path(): string {
    return `${this.#path}/.`
  }

  /** A folder in it. Throws `ELOOP` or `ENOTDIR` where something else has its name, and `ENOENT` where nothing has. */
  open(name: string): HeldFolder {
    return HeldFolder.open(this.at(name))
  }

  /** Of the entry itself, not of what it links to; undefined if there is none. */
  look(name: string): Stats | undefined {
    return lstatSync(this.at(name), { throwIfNoEntry: false })
  }

  /** Where it is now. */
  whereabouts(): string {
    return this.#path.startsWith(selfFolder) ? readlinkSync(this.#path) : this.#path
  }

  allow(mode: number): void {
    fchmodSync(this.#fd, mode)
  }

  sync(): void {
    fsyncSync(this.#fd)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Calls `use` with the folder at the end of `names` below `folder`, and closes every one. `next` finds that of a name in another. */
export function within<T>(
  folder: HeldFolder,
  names: readonly string[],
  next: (folder: HeldFolder, name: string) => HeldFolder,
  use: (folder: HeldFolder) => T,
): T {
  const [name, ...others] = names
  try {
    return name === undefined ? use(folder) : within(next(folder, name), others, next, use)
  } finally {
    folder.close()
  }
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
