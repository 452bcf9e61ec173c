// Runs test files, each as a process of its own with a time limit, a few at once.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { parseLimitMs, parseSummary, type Summary } from './summary.js'

export interface FileResult extends Summary {
  readonly file: string
  /** Why the file as a whole counts as failed. */
  readonly fault: string | undefined
  readonly output: string
  readonly tookMs: number
}

export interface RunOptions {
  readonly limitMs: number
  readonly parallel: number
  readonly onResult: (result: FileResult) => void
}

/** Results in the order of their ends. */
export async function runFiles(files: readonly string[], { limitMs, parallel, onResult }: RunOptions): Promise<readonly FileResult[]> {
  const waiting = [...files]
  const results: FileResult[] = []
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runFile(file, limitMs)
      results.push(result)
      onResult(result)
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return results
}

async function runFile(file: string, defaultMs: number): Promise<FileResult> {
  const start = performance.now()
  const limitMs = parseLimitMs(await readFile(file, 'utf8'), defaultMs)
  const { output, code, late } = await runProcess(file, limitMs)
  const summary = parseSummary(output)
  const fault = late ? `still runs after ${limitMs / 1000} s: a hanging test or a leaked timer` : faultOf(summary, code)
  const failed = Math.max(summary?.failed ?? 0, fault === undefined ? 0 : 1)
  return { file, fault, output, tookMs: performance.now() - start, passed: summary?.passed ?? 0, skipped: summary?.skipped ?? 0, failed }
}

function faultOf(summary: Summary | undefined, code: number | null): string | undefined {
  if (summary === undefined) return 'no summary: is test.run() missing?'
  return code === 0 || summary.failed > 0 ? undefined : `exit code ${code}`
}

function runProcess(file: string, limitMs: number): Promise<{ output: string; code: number | null; late: boolean }> {
  return new Promise(resolve => {
    // A group of its own, so that what a hanging test has started ends with it.
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let output = ''
    let late = false
    const add = (chunk: Buffer): void => {
      output += chunk.toString('utf8')
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    const timer = setTimeout(() => {
      late = true
      killGroup(child.pid)
    }, limitMs)
    // `exit`, not `close`: a grandchild that keeps the pipe open must not hold up the run.
    child.once('exit', code => {
      clearTimeout(timer)
      setImmediate(() => {
        child.stdout.destroy()
        child.stderr.destroy()
        resolve({ output, code, late })
      })
    })
    child.once('error', error => {
      clearTimeout(timer)
      resolve({ output: `${output}${error.message}`, code: 1, late })
    })
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}
