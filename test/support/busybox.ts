// The image that tests run: busybox from this machine, made once, with no registry.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const testImage = 'skerry-test:agent'

/** Programs that tests use. A first process ignores SIGTERM unless it traps it: give services stop_signal: SIGKILL. */
const programs = [
  'sh',
  'sleep',
  'cat',
  'echo',
  'true',
  'false',
  'test',
  'touch',
  'httpd',
  'wget',
  'ls',
  'mkdir',
  'kill',
  'env',
  'id',
  'mount',
  'rm',
]

/** Makes the image if it is missing. Throws with the reason if it cannot. */
export function ensureTestImage(image = testImage): string {
  if (run(['image', 'inspect', image]).status === 0) return image
  const root = mkdtempSync(join(tmpdir(), 'skerry-busybox-'))
  try {
    for (const folder of ['bin', 'etc', 'tmp', 'data']) mkdirSync(join(root, folder))
    copyFileSync('/usr/bin/busybox', join(root, 'bin', 'busybox'))
    for (const program of programs) symlinkSync('busybox', join(root, 'bin', program))
    const tar = spawnSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64 * 1024 * 1024 })
    const changes = ['ENV PATH=/bin', 'CMD ["sleep","3600"]'].flatMap(change => ['--change', change])
    const made = run(['import', ...changes, '-', image], tar.stdout)
    if (made.status !== 0) throw new Error(`cannot make ${image}: ${made.stderr}`)
    return image
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function run(args: readonly string[], input?: Buffer): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync('docker', args, { ...(input === undefined ? {} : { input }), encoding: 'utf8' })
  return { status, stderr }
}
