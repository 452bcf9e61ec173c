// A server as people run it: the skerry command in a process of its own, with all that keeps strangers out.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ask, benchToken } from './ask.js'

export class ServedFleet {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly url: string,
  ) {}

  static async start(): Promise<ServedFleet> {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-server-'))
    const args = ['dist/cli/main.js', 'server', '--data', folder, '--mqtt-port', '0', '--http-port', '0', '--log-level', 'error']
    const env = { ...process.env, SKERRY_HTTP_TOKEN: benchToken }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    const url = await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      child.once('exit', code => reject(new Error(`the server has ended with ${code}`)))
    })
    return new ServedFleet(child, folder, url)
  }

  /** The line that lets one device join, without the program's name. */
  async invite(): Promise<string[]> {
    const answer = await ask(`${this.url}/api/v1/tokens`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
    const { command } = (await answer.json()) as { command: string }
    return command.split(' ').slice(1)
  }

  async stop(): Promise<void> {
    const ended = new Promise(resolve => this.child.once('exit', resolve))
    this.child.kill('SIGTERM')
    await ended
    rmSync(this.folder, { recursive: true, force: true })
  }
}
