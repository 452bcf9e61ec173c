// Folders of this machine as compose files see them: with everything around them, or as all that there is.
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve, sep } from 'node:path'
import type { Folder } from '../protocol/compose/source.js'
import { SkerryError } from '../protocol/errors.js'

/**
 * Paths start from the folder, may be absolute, climb out of it, or begin with `~`. Symbolic links are followed.
 * `read` and `kind` throw `config.invalid` for what is there and cannot be read.
 */
export function localFolder(dir: string, home = homedir()): Folder {
  const place = (path: string): string => {
    if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1))
    return isAbsolute(path) ? path : resolve(dir, path)
  }
  return { isLocal: true, read: path => readAt(place(path)), kind: path => kindAt(place(path)) }
}

/** The same folder as devices will have it: nothing is outside of it. Throws `spec.invalid` for a symbolic link that leads out of it. */
export function closedFolder(dir: string): Folder {
  const root = realpathSync(dir)
  const place = (path: string): string | undefined => {
    const at = resolve(root, path)
    if (isAbsolute(path) || !isWithin(root, at) || kindAt(at) === undefined) return undefined
    if (isWithin(root, realpathSync(at))) return at
    throw new SkerryError('spec.invalid', `${path} is a link that leads out of ${dir}`, { path: `files[${JSON.stringify(path)}]` })
  }
  const at = <T>(path: string, look: (place: string) => T | undefined): T | undefined => {
    const found = place(path)
    return found === undefined ? undefined : look(found)
  }
  return { isLocal: false, read: path => at(path, readAt), kind: path => at(path, kindAt) }
}

export function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)
}

function readAt(path: string): Uint8Array | undefined {
  return kindAt(path) === 'file' ? attempt(path, () => readFileSync(path)) : undefined
}

/** Neither a file nor a folder, such as a socket or device: nothing. */
function kindAt(path: string): 'file' | 'folder' | undefined {
  const found = attempt(path, () => statSync(path))
  if (found?.isFile()) return 'file'
  return found?.isDirectory() ? 'folder' : undefined
}

const absent: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE']

function attempt<T>(path: string, look: () => T): T | undefined {
  try {
    return look()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (absent.includes(code)) return undefined
    const reason = code === 'EACCES' ? 'permission denied' : String(cause)
    throw new SkerryError('config.invalid', `cannot read ${path}: ${reason}`, { cause })
  }
}
