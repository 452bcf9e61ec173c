// The commands of a page, run as they stand there: in bash, in a folder of their own, with the skerry of this build.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Child, run } from './process.js'

/** The lines of a Markdown file's code blocks that begin with one of these programs, in their order. */
export function commandsOf(file: string, programs: readonly string[]): string[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter(line => programs.some(program => line.startsWith(`    ${program} `))).map(line => line.trim())
}

export class Page {
  readonly folder = mkdtempSync(join(tmpdir(), 'skt-page-'))
  readonly #env: NodeJS.ProcessEnv
  readonly #children: Child[] = []

  constructor(env: (folder: string) => NodeJS.ProcessEnv) {
    const program = `#!/bin/sh\nexec ${process.execPath} ${resolve('dist/cli/main.js')} "$@"\n`
    writeFileSync(join(this.folder, 'skerry'), program, { mode: 0o755 })
    this.#env = { PATH: `${this.folder}:${process.env.PATH}`, ...env(this.folder) }
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  start(line: string): Child {
    const child = run('bash', ['-c', `cd ${this.folder} && exec ${line}`], this.#env)
    this.#children.push(child)
    return child
  }

  /** To its end, which has to be a good one; what it printed. */
  async finish(line: string): Promise<readonly string[]> {
    const child = this.start(line)
    const code = await child.ended
    if (code !== 0) throw new Error(`${line} ended with ${code}: ${child.lines.join(' ')}`)
    return child.lines
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#children.reverse().map(child => child.end()))
    rmSync(this.folder, { recursive: true, force: true })
  }
}
