// Child processes in tests: their lines as they come, and an end that is always seen.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { within } from './within.js'

export class Child {
  readonly lines: string[] = []
  readonly ended: Promise<number | null>
  private readonly waiting = new Set<() => void>()

  constructor(private readonly process: ChildProcess) {
    for (const stream of [process.stdout, process.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', line => this.add(line))
    }
    this.ended = new Promise(resolve => process.once('close', resolve))
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the process did not start')
    return this.process.pid
  }

  private add(line: string): void {
    this.lines.push(line)
    for (const look of [...this.waiting]) look()
  }

  /** The first line, past or to come, that matches. */
  async line(pattern: RegExp, limitMs = 20_000): Promise<RegExpMatchArray> {
    const found = () => this.lines.map(line => line.match(pattern)).find(match => match !== null)
    let look = () => {}
    const match = new Promise<RegExpMatchArray>((resolve, reject) => {
      look = () => {
        const hit = found()
        if (hit) resolve(hit)
      }
      this.waiting.add(look)
      look()
      void this.ended.then(code => reject(new Error(`ended with ${code} before ${pattern}:\n${this.lines.slice(-20).join('\n')}`)))
    })
    try {
      return await within(limitMs, `a line like ${pattern}; last lines:\n${this.lines.slice(-20).join('\n')}`, match)
    } finally {
      this.waiting.delete(look)
    }
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGTERM', limitMs = 20_000): Promise<number | null> {
    this.process.kill(signal)
    return within(limitMs, `the end of process ${this.process.pid} after ${signal}`, this.ended)
  }
}

export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  return new Child(spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** The skerry command of this build. */
export function skerry(args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  return run(process.execPath, ['dist/cli/main.js', ...args], env)
}
