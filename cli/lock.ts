// One server to a data folder: a lock file that names its owner, and is void when the owner is gone, however it went.
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startOf } from '../config/alive.js'
import { SkerryError } from '../protocol/errors.js'
import { makeFolder } from './folder.js'

export interface Holder {
  readonly pid: number
  /** When that process started, in ticks since boot; "" where the system does not say. Tells it from a later one with its number. */
  readonly started: string
  /** The server's HTTP URL, once it listens. */
  readonly url: string
}

export interface Lock {
  announce(url: string): Promise<void>
  release(): Promise<void>
}

const lockFile = (data: string): string => join(data, 'skerry.lock')

/** Throws `state.in-use` if a living process holds the folder. Makes the folder if needed. */
export async function lockData(data: string): Promise<Lock> {
  const file = lockFile(data)
  await makeFolder(data)
  const holder: Holder = { pid: process.pid, started: startOf(process.pid) ?? '', url: '' }
  const aside = `${file}.${process.pid}`
  const write = (url: string): Promise<void> => writeFile(aside, JSON.stringify({ ...holder, url }), { mode: 0o644 })
  await write('')
  for (let attempt = 1; ; attempt++) {
    try {
      // A link appears whole or not at all, and never over another.
      await link(aside, file)
      break
    } catch (error) {
      const other = await findHolder(data)
      if (!isExisting(error) || other !== undefined || attempt > 3) {
        await rm(aside, { force: true })
        throw isExisting(error) ? inUse(data, other) : error
      }
      await rm(file, { force: true })
    }
  }
  await rm(aside, { force: true })
  const announce = async (url: string): Promise<void> => {
    await write(url)
    await rename(aside, file)
  }
  return { announce, release: () => rm(file, { force: true }) }
}

/** Who holds the folder now, if anyone alive does. */
export async function findHolder(data: string): Promise<Holder | undefined> {
  const text = await readFile(lockFile(data), 'utf8').catch(() => '')
  const holder = parseHolder(text)
  if (holder === undefined) return undefined
  const started = startOf(holder.pid) ?? ''
  return isAlive(holder.pid) && started === holder.started ? holder : undefined
}

export function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, started, url } = JSON.parse(text) ?? {}
    return Number.isSafeInteger(pid) && pid > 0 && typeof started === 'string' && typeof url === 'string'
      ? { pid, started, url }
      : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}

function inUse(data: string, holder: Holder | undefined): SkerryError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}${holder.url === '' ? '' : `, serving ${holder.url}`}`
  return new SkerryError('state.in-use', `${data} is in use by ${who}; stop it, or choose another folder with --data`)
}
