// Makes the data folder, and says in words why it cannot be one.
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SkerryError } from '../protocol/errors.js'

/**
 * Makes a folder and those above it, for its owner only. Throws `config.invalid`.
 * Not by mkdir's `recursive`: under /proc, where nothing can be made, Node 20 tries again for ever.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeStep(path)
  } catch (cause) {
    throw new SkerryError('config.invalid', `cannot make the folder ${path}: ${reasonOf(cause)}`, { cause, path: '--data' })
  }
}

async function makeStep(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    const parent = dirname(path)
    if (await isFolder(parent)) throw error
    await makeStep(parent)
    await mkdir(path, { mode: 0o700 })
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

function reasonOf(error: unknown): string {
  const code = codeOf(error)
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'there is a file in its place'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  return code === 'EROFS' ? 'the file system is read-only' : (code ?? String(error))
}
