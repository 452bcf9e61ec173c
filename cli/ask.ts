// Questions to whoever sits at the terminal; what they type is shown, or hidden where it is a secret.
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { usageError } from './errors.js'

export interface Question {
  readonly text: string
  readonly hidden?: boolean
}

/** Throws a usage error where nobody sits there. Ctrl-C is passed on as the signal that it means. */
export function askTerminal({ text, hidden = false }: Question, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) throw usageError(`no terminal is there to ask: ${text.replace(/[:?]? *$/, '')}`)
  const shown = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!hidden) process.stderr.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input: process.stdin, output: shown, terminal: true, historySize: 0 })
  // Only now: from here on the terminal itself shows nothing of what is typed.
  process.stderr.write(text)
  return new Promise((resolve, reject) => {
    let answer: string | undefined
    const stop = () => lines.close()
    signal.addEventListener('abort', stop, { once: true })
    lines.once('line', line => {
      answer = line
      lines.close()
    })
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    lines.once('close', () => {
      signal.removeEventListener('abort', stop)
      if (hidden) process.stderr.write('\n')
      if (answer === undefined) reject(signal.reason ?? usageError('no answer was given'))
      else resolve(answer)
    })
  })
}
