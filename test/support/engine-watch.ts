// What the Docker Engine of this machine says that it did to containers, networks and volumes of one app.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { docker } from './docker.js'
import { eventually } from './within.js'

export class EngineWatch {
  readonly #app: string
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  #marks = 0
  #from = 0

  constructor(app: string) {
    this.#app = app
    const types = ['container', 'network', 'volume'].flatMap(type => ['--filter', `type=${type}`])
    const format = '{{.Type}} {{.Action}} {{json .Actor}}'
    this.#child = spawn('docker', ['events', ...types, '--format', format], { stdio: ['ignore', 'pipe', 'ignore'] })
    createInterface({ input: this.#child.stdout! }).on('line', line => void this.#lines.push(line))
  }

  /** From here on what is done counts. */
  async begin(): Promise<void> {
    await this.#mark()
    this.#from = this.#lines.length
  }

  /** What was done since the beginning until now; health checks change nothing. */
  async deeds(): Promise<string[]> {
    await this.#mark()
    const isDeed = (line: string) => line.includes(this.#app) && !line.includes(' exec_') && !line.includes('permit-mark-')
    return this.#lines.slice(this.#from).filter(isDeed)
  }

  async stop(): Promise<void> {
    const gone = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }

  /** The Engine tells in order: what is told before a volume of our own was done before it. It may not listen to us yet. */
  async #mark(): Promise<void> {
    await eventually(20_000, 'the Engine tells of a mark', async () => {
      const name = `permit-mark-${process.pid}-${++this.#marks}`
      docker('volume', 'create', name)
      docker('volume', 'rm', name)
      const isTold = () => this.#lines.some(line => line.startsWith('volume destroy') && line.includes(`"${name}"`))
      return await eventually(2_000, name, isTold).catch(() => false)
    })
  }
}
