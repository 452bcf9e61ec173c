// What a killed dockerd leaves behind that keeps the next one from starting: pid files whose numbers others use by now.
import { readFile, rm } from 'node:fs/promises'

/** dockerd takes any process with such a number, even a zombie, for the one that wrote the file. */
const pidFiles = [
  { file: '/var/run/docker.pid', program: 'dockerd' },
  { file: '/var/run/docker/containerd/containerd.pid', program: 'containerd' },
] as const

/** Removes the pid files that name no living dockerd or containerd. */
export async function removeLeftovers(say: (line: string) => void): Promise<void> {
  for (const { file, program } of pidFiles) {
    const pid = await readFile(file, 'utf8').catch(() => undefined)
    if (pid === undefined) continue
    const stat = await readFile(`/proc/${Number.parseInt(pid, 10)}/stat`, 'utf8').catch(() => '')
    if (isRunning(stat, program)) continue
    say(`removing ${file}: its process is gone`)
    await rm(file, { force: true })
  }
}

/** Whether a line of proc_pid_stat(5), "" for none, is of this program and not of its zombie. */
export function isRunning(stat: string, program: string): boolean {
  const [, name, state = 'X'] = /^\d+ \((.*)\) (\S)/s.exec(stat) ?? []
  return name === program && state !== 'Z' && state !== 'X'
}
