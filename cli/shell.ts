// What a command sees of the world: where it writes, its environment, when to stop. Given, so that nothing is global.

import type { Question } from './ask.js'
import { createPaint, type Paint, tame } from './table.js'

export interface Shell {
  /** Data, to standard output. A line end is added. */
  print(text: string): void
  /** Messages, to standard error. A line end is added. */
  say(text: string): void
  readInput(): Promise<string>
  /** Asks whoever sits at the terminal. Throws a usage error where nobody does. */
  ask(question: Question): Promise<string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Colours for standard output, if it wants any. */
  readonly paint: Paint
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
}

/** Whether to colour what goes to `stream`; see no-color.org. */
export function wantsColour(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'
}

/** A second Ctrl-C at least this long after the first ends the process at once; npm passes each one on twice. */
const impatientMs = 1000

/** The shell of this process. */
export function createShell(): Shell {
  // A reader that has gone away, as in `skerry get devices | head -1`, is no error.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit()
      throw error
    })
  }
  const signal = onSignals()
  return {
    print: text => void process.stdout.write(`${tame(text)}\n`),
    say: text => void process.stderr.write(`${tame(text)}\n`),
    readInput: async () => {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(chunk)
      return Buffer.concat(chunks).toString('utf8')
    },
    ask: async question => (await import('./ask.js')).askTerminal(question, signal),
    env: process.env,
    paint: createPaint(wantsColour(process.env, process.stdout.isTTY === true)),
    signal,
  }
}

function onSignals(): AbortSignal {
  const controller = new AbortController()
  let firstAt: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    if (firstAt !== undefined && performance.now() - firstAt > impatientMs) process.exit(signal === 'SIGINT' ? 130 : 143)
    firstAt ??= performance.now()
    controller.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}

/** Resolves when it is time to stop. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
