// Running programs of the system: to the end, or in the background.
import { spawn } from 'node:child_process'
import { access, constants, open } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export interface Outcome {
  readonly code: number
  /** Standard output and standard error, as they came. */
  readonly output: string
}

/** Runs to the end; a program that cannot be started has code 127. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    let output = ''
    const add = (chunk: Buffer): void => {
      output += chunk.toString('utf8')
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.once('error', error => resolve({ code: 127, output: error.message }))
    child.once('close', (code, signal) => resolve({ code: code ?? (signal === null ? 1 : 128), output }))
  })
}

/** Starts a program that outlives this one, with its output in a file. Resolves with its process id. */
export async function runDetached(program: string, args: readonly string[], logFile: string): Promise<number> {
  const log = await open(logFile, 'a', 0o600)
  try {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log.fd, log.fd] })
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    return child.pid ?? 0
  } finally {
    await log.close()
  }
}

/** Where a program is, if it is anywhere on the path or in the system's own folders. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/bin']) {
    const file = join(folder, name)
    if (folder !== '' && (await isThere(file, constants.X_OK))) return file
  }
  return undefined
}

export async function isThere(file: string, mode: number = constants.F_OK): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  )
}
