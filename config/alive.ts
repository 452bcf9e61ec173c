// Tells a living process from one that is gone, also where its number is in use again.
import { readFileSync } from 'node:fs'

/** When a living process started, in clock ticks since boot; undefined if it is gone, or where there is no /proc. */
export function startOf(pid: number): string | undefined {
  // After the name in brackets, which may hold anything: field 3 is the state, field 22 the start (proc_pid_stat(5)).
  const stat = readStat(pid)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // One that was killed keeps its number until its parent asks for it, and some never do.
  return ['Z', 'X'].includes(fields[0] ?? '') ? undefined : fields[19]
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}
