// What tests do to Docker by hand, through its command line.
import { spawnSync } from 'node:child_process'

export function docker(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

/** Ids of an app's containers, by service. */
export function containersOf(app: string): Record<string, string> {
  const lines = docker(
    'ps',
    '-a',
    '--no-trunc',
    '--filter',
    `label=io.skerry.app=${app}`,
    '--format',
    '{{.Label "com.docker.compose.service"}} {{.ID}}',
  )
  return Object.fromEntries(
    lines
      .split('\n')
      .filter(Boolean)
      .map(line => line.split(' ') as [string, string])
      .sort(),
  )
}

/** Removes whatever is left of an app. */
export function clear(app: string): void {
  const label = `label=io.skerry.app=${app}`
  const remove = (list: string[], gone: string[]) => {
    const ids = docker(...list, '-q', '--filter', label)
      .split('\n')
      .filter(Boolean)
    if (ids.length > 0) docker(...gone, ...ids)
  }
  remove(['ps', '-a'], ['rm', '-f', '-v'])
  remove(['network', 'ls'], ['network', 'rm'])
  remove(['volume', 'ls'], ['volume', 'rm'])
}
