// A real Node-RED in a process of its own: installed once into a cache of the machine's, as its lock file says, and driven as its editor drives it.
import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './mosquitto.js'
import { type Child, run } from './process.js'
import { eventually, within } from './within.js'

const recipe = 'test/support/node-red'
const files = ['package.json', 'package-lock.json'] as const
const installMs = 180_000

export interface FlowNode {
  readonly id: string
  readonly type: string
  readonly name?: string
  readonly [key: string]: unknown
}

/** The folder that it is installed in; undefined where it cannot be had, as without a registry. */
export async function installNodeRed(): Promise<string | undefined> {
  const digest = createHash('sha256')
  for (const file of files) digest.update(readFileSync(join(recipe, file)))
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'skerry-tests')
  const folder = join(cache, `node-red-${digest.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const building = mkdtempSync(`${folder}.`)
  try {
    for (const file of files) copyFileSync(join(recipe, file), join(building, file))
    const npm = run('npm', ['ci', '--prefix', building, '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'])
    const code = await within(installMs, 'npm installs Node-RED', npm.ended).catch(async () => npm.end('SIGKILL'))
    if (code !== 0) return undefined
    // Another test may have been quicker.
    if (!existsSync(folder)) renameSync(building, folder)
    return folder
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
}

export class NodeRed {
  #process: Child | undefined
  #flow: readonly FlowNode[] = []

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(installed: string): Promise<NodeRed> {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-node-red-'))
    const red = new NodeRed(folder, await freePort())
    const settings = {
      uiHost: '127.0.0.1',
      uiPort: red.port,
      credentialSecret: randomBytes(16).toString('hex'),
      telemetry: { enabled: false },
    }
    writeFileSync(join(folder, 'settings.js'), `module.exports = ${JSON.stringify(settings)}\n`)
    const main = join(installed, 'node_modules/node-red/red.js')
    red.#process = run(process.execPath, [main, '--userDir', folder], { NODE_OPTIONS: '' })
    await red.#process.line(/Started flows/, 60_000)
    return red
  }

  kill(): Promise<unknown> | undefined {
    return this.#process?.end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Imports a flow and presses "Deploy". */
  async deploy(flow: readonly FlowNode[]): Promise<void> {
    this.#flow = flow
    await this.#call('POST', '/flows', flow)
  }

  /** Presses the button of an inject node. */
  async press(name: string): Promise<void> {
    await this.#call('POST', `/inject/${this.#flow.find(node => node.type === 'inject' && node.name === name)?.id}`, {})
  }

  /** What the flow remembers under this name, for what it remembers under a topic. */
  async remembered(name: string, topic: string): Promise<string | undefined> {
    const tab = this.#flow.find(({ type }) => type === 'tab')?.id
    const { msg } = (await this.#call('GET', `/context/flow/${tab}/${name}`)) as { msg?: string }
    return msg === undefined || msg === '(undefined)' ? undefined : (JSON.parse(msg) as Record<string, string>)[topic]
  }

  async comes(name: string, topic: string, value: string, limitMs = 40_000): Promise<void> {
    let last: string | undefined
    await eventually(limitMs, `${topic} is ${value}`, async () => {
      last = await this.remembered(name, topic)
      return last === value
    }).catch(error => {
      throw new Error(`${error.message}; it is ${last}\n${this.#process?.lines.slice(-20).join('\n')}`)
    })
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const headers = { 'content-type': 'application/json', 'node-red-deployment-type': 'full' }
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined
  }
}
