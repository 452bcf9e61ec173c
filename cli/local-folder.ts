// A folder of this machine as compose files see it: paths start from it, may be absolute, climb out of it, or begin with `~`.
import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { Folder } from '../protocol/compose/source.js'
import { SkerryError } from '../protocol/errors.js'

/** `read` throws `config.invalid` for a file that is there and cannot be read. Symbolic links are followed. */
export function localFolder(dir: string, home = homedir()): Folder {
  const place = (path: string): string => {
    if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1))
    return isAbsolute(path) ? path : resolve(dir, path)
  }
  return { isLocal: true, read: path => readLocal(place(path)), kind: path => kindOf(place(path)) }
}

function readLocal(path: string): Uint8Array | undefined {
  if (kindOf(path) !== 'file') return undefined
  try {
    return readFileSync(path)
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause && cause.code === 'EACCES' ? 'permission denied' : String(cause)
    throw new SkerryError('config.invalid', `cannot read ${path}: ${reason}`, { cause })
  }
}

/** Neither a file nor a folder, such as a socket or device: nothing. */
function kindOf(path: string): 'file' | 'folder' | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isFile()) return 'file'
  return found?.isDirectory() ? 'folder' : undefined
}
