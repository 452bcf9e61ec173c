// One agent a state folder: a lock that a crash or a power cut does not leave behind.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startOf } from '../config/alive.js'
import { SkerryError } from '../protocol/errors.js'

/** Takes the folder's lock, on a full disk without its owner's name: that keeps nobody out, but the apps running. Returns what gives it back. Throws `state.in-use` while a living process has it. */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'lock')
  const mine = `${process.pid} ${startOf(process.pid) ?? ''}`
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(path, mine, { flag: 'wx', mode: 0o600 })
      return () => rmSync(path, { force: true })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOSPC' || code === 'EDQUOT') return () => rmSync(path, { force: true })
      if (code !== 'EEXIST') throw error
      setStaleAside(path, folder)
    }
  }
  throw new SkerryError('state.in-use', `${folder} is being taken by another process`)
}

function setStaleAside(path: string, folder: string): void {
  const [pid = '', started = ''] = readText(path).split(' ')
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

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
