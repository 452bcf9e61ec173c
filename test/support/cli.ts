// The skerry command in tests: real child processes, to their end or in the background, or the same in this process.
import { type ChildProcess, spawn } from 'node:child_process'
import { usageError } from '../../cli/errors.js'
import { runProgram } from '../../cli/program.js'
import type { Shell } from '../../cli/shell.js'
import { createPaint } from '../../cli/table.js'
import { within } from './within.js'

const main = 'dist/cli/main.js'

export interface CliResult {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** What is typed when it is asked for; in this process only. */
  readonly answers?: readonly string[]
  readonly limitMs?: number
}

/** The environment without whatever skerry settings the caller has. */
function cleanEnv(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const outside = Object.entries(process.env).filter(([name]) => !/^(SKERRY_|npm_|NO_COLOR|XDG_CONFIG_HOME)/.test(name))
  return { ...Object.fromEntries(outside), ...env }
}

/** Runs one command to its end. */
export async function runCli(args: readonly string[], { env = {}, input = '', limitMs = 30_000 }: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [main, ...args], { env: cleanEnv(env) })
  let out = ''
  let err = ''
  child.stdout.on('data', chunk => (out += chunk))
  child.stderr.on('data', chunk => (err += chunk))
  // A command may end before it has read its input.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  try {
    const code = await within(limitMs, `end of skerry ${args.join(' ')}`, ended)
    return { code, out, err }
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`${String(error)}\n${out}\n${err}`)
  }
}

/** The same command in this process: what it prints, says and ends with, without the time that a process takes to start. */
export async function runHere(
  args: readonly string[],
  { env = {}, input = '', answers: given = [], limitMs = 30_000 }: CliOptions = {},
): Promise<CliResult> {
  const answers = [...given]
  let out = ''
  let err = ''
  const stop = new AbortController()
  const shell: Shell = {
    print(text) {
      out += `${text}\n`
    },
    say(text) {
      err += `${text}\n`
    },
    readInput: async () => input,
    ask: async ({ text }) => {
      const answer = answers.shift()
      err += `${text}\n`
      return answer ?? Promise.reject(usageError(`nobody answers: ${text}`))
    },
    env: cleanEnv(env),
    paint: createPaint(false),
    signal: stop.signal,
  }
  try {
    const code = await within(limitMs, `end of skerry ${args.join(' ')}`, runProgram(shell, args))
    return { code, out, err }
  } catch (error) {
    stop.abort()
    throw new Error(`${String(error)}\n${out}\n${err}`)
  }
}

export interface RunningCli {
  readonly child: ChildProcess
  out(): string
  err(): string
  /** Resolves with everything so far on both streams once it matches; fails when the process ends first. */
  until(what: RegExp, limitMs?: number): Promise<RegExpExecArray>
  /** Waits for it to end by itself. */
  end(): Promise<number | null>
  /** Sends a signal and waits for the end. A process that ends already may have no handler for it any more. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli {
  const child = spawn(process.execPath, [main, ...args], { env: cleanEnv(env), stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  let notify = (): void => {}
  child.stdout.on('data', chunk => {
    out += chunk
    notify()
  })
  child.stderr.on('data', chunk => {
    err += chunk
    notify()
  })
  let over = false
  const ended = new Promise<number | null>(resolve =>
    child.once('close', code => {
      over = true
      notify()
      resolve(code)
    }),
  )
  return {
    child,
    out: () => out,
    err: () => err,
    until(what, limitMs = 30_000) {
      const found = new Promise<RegExpExecArray>((resolve, reject) => {
        notify = () => {
          const match = what.exec(out) ?? what.exec(err)
          if (match !== null) resolve(match)
          else if (over) reject(new Error(`ended without ${what}:\n${out}\n${err}`))
        }
        notify()
      })
      return within(limitMs, `${what} from skerry ${args.join(' ')}`, found).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${out}\n${err}`)
      })
    },
    end: () => within(20_000, `end of skerry ${args.join(' ')}`, ended),
    stop(signal = 'SIGINT') {
      child.kill(signal)
      return this.end()
    },
  }
}
