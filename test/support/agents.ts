// An agent of its own with a broker and an observer, in a folder of its own, for tests of what it keeps so.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Agent, type AgentOptions, startAgent } from '../../agent/agent.js'
import { decodeRecords, noRecords, type Records } from '../../agent/core/record.js'
import { Disk } from '../../agent/disk.js'
import { readIfThere } from '../../agent/files.js'
import { Holdings } from '../../agent/holdings.js'
import { type DesiredApp, manifestCodec } from '../../protocol/messages/manifest.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import { digestText, packFile, packSpec } from '../../protocol/spec.js'
import { machineEngine } from './docker.js'
import { type Mosquitto, startMosquitto } from './mosquitto.js'
import { type Observer, observe } from './observer.js'
import { HeldKeys } from './signing.js'
import { within } from './within.js'

type Delivery = Pick<DesiredApp, 'revision'> & Partial<DesiredApp> & { readonly files?: readonly { path: string; text: string }[] }

const silent = pino({ level: 'silent' })
/** Where nobody listens. */
export const noBroker = { url: 'mqtt://127.0.0.1:1' }

export class AgentWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'skerry-agent-'))
  agent: Agent | undefined

  private constructor(
    readonly broker: Mosquitto,
    readonly observer: Observer,
  ) {}

  static async open(opening: Promise<Mosquitto> = startMosquitto()): Promise<AgentWorld> {
    const broker = await opening
    return new AgentWorld(broker, await observe(broker.url))
  }

  /** Starts the agent, after ending the one before. Without a broker it has what is on its disk. */
  async start(options: Partial<AgentOptions> = {}): Promise<Agent> {
    await this.stop()
    this.agent = await startAgent({
      folder: join(this.folder, 'state'),
      root: 'skerry',
      broker: { url: this.broker.url },
      keys: new HeldKeys(),
      engine: machineEngine,
      intervalS: 1,
      retries: { firstMs: 50, maxMs: 200 },
      log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
      ...options,
    })
    return this.agent
  }

  /** Writes an app's revision to the disk of an agent that does not run, as if the manifest had come just before the link went. */
  deliver(name: string, compose: string, { files = [], ...fields }: Delivery): void {
    const disk = new Disk(join(this.folder, 'state'), silent)
    const holdings = new Holdings(disk, silent)
    const packed = files.map(({ path, text }) => ({ path, sizeBytes: Buffer.byteLength(text), ...packFile(Buffer.from(text)) }))
    const named = packed.map(({ path, sizeBytes, digest }) => ({ path, sizeBytes, digest }))
    const { digest, payload } = packSpec({ compose, ...(files.length === 0 ? {} : { files: named }) })
    const { version, instance, revision = 0 } = holdings.device ?? { version: protocolVersion, instance: Buffer.alloc(8) }
    const app: DesiredApp = { name, digest, run: 'running', ...fields }
    holdings.receiveDevice(manifestCodec.encode({ version, instance, revision: revision + 1, apps: [app] }))
    for (const each of [{ digest, payload }, ...packed]) holdings.receiveSpec(digestText(each.digest), each.payload)
    disk.close()
  }

  /** What the agent has written down. */
  records(): Records {
    return decodeRecords(readIfThere(join(this.folder, 'state', 'ledger')) ?? Buffer.alloc(0)) ?? noRecords
  }

  async stop(): Promise<void> {
    if (this.agent !== undefined) await within(20_000, 'the agent stops', this.agent.stop())
    this.agent = undefined
  }

  async close(): Promise<void> {
    await this.stop()
    await this.observer.stop()
    await this.broker.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
