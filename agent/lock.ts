// One agent a state folder: a lock that a crash or a power cut does not leave behind.
import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { startOf } from '../config/alive.js'
import { SkerryError } from '../protocol/errors.js'

/**
 * Takes the folder's lock: a link that points to its owner's name, which is there as a whole or not at all, and for which a full disk has
 * room. Returns what gives it back. Throws `state.in-use` while a living process has it.
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'lock')
  const mine = `${process.pid} ${startOf(process.pid) ?? '?'}`
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      symlinkSync(mine, path)
      return () => rmSync(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      setStaleAside(path, folder)
    }
  }
  throw new SkerryError('state.in-use', `${folder} is being taken by another process`)
}

function setStaleAside(path: string, folder: string): void {
  const [pid = '', started = ''] = readOwner(path).split(' ')
  const running = Number(pid) > 0 ? startOf(Number(pid)) : undefined
  if (running !== undefined && running === started) {
    throw new SkerryError('state.in-use', `${folder} is in use by the process ${pid}: stop it, or use another folder`)
  }
  const aside = `${path}.stale-${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  rmSync(aside, { force: true })
}

/** Locks of before were files. */
function readOwner(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return readText(path)
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
