// Where a path leads to: every link on the way followed, also where what it names is not there.
import { readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** As many as the kernel follows. */
const maxLinks = 40

/** `path` is absolute. What links to itself leads nowhere, and stays as it is. */
export function realPath(path: string): string {
  let at = '/'
  let rest = path.split('/')
  let links = 0
  while (rest.length > 0) {
    const [segment = '', ...others] = rest
    const next = join(at, segment)
    const target = readLink(next)
    if (target !== undefined && ++links > maxLinks) return path
    at = target === undefined ? next : target.startsWith('/') ? '/' : at
    rest = target === undefined ? others : [...target.split('/'), ...others]
  }
  return at
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
