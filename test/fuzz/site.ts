// A real broker and a real manager in one process, which take an error in their log for a fault.
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Broker, startBroker } from '../../broker/broker.js'
import { openPki, type Pki } from '../../manager/identity/pki.js'
import { type Manager, startManager } from '../../manager/manager.js'
import { credentials, testHttp } from '../support/credentials.js'
import { eventually } from '../support/within.js'

export class FuzzSite {
  readonly #folder: string
  readonly #pki: Pki

  private constructor(
    readonly broker: Broker,
    readonly manager: Manager,
    { folder, pki }: { folder: string; pki: Pki },
  ) {
    this.#folder = folder
    this.#pki = pki
  }

  static async open(): Promise<FuzzSite> {
    const folder = await mkdtemp(join(tmpdir(), 'skerry-fuzz-'))
    const pki = await openPki(join(folder, 'pki'), { log: pino({ level: 'silent' }) })
    const log = pino({ level: 'error' }, { write: alarm })
    const broker = await startBroker({ file: join(folder, 'broker.db'), listeners: [], log })
    const manager = await startManager({
      ...{ file: join(folder, 'manager.db'), root: 'skerry', http: testHttp, identity: { pki, strict: false }, log },
      broker: { connect: () => broker.connectInProcess() },
    })
    const site = new FuzzSite(broker, manager, { folder, pki })
    await eventually(10_000, 'the manager is ready', async () => (await site.get('/ready')).status === 200)
    return site
  }

  async get(path: string): Promise<Response> {
    return fetch(`${this.manager.url}/api/v1${path}`, { headers: credentials })
  }

  /** Whether it is up, and has not met what it did not expect. */
  async check(): Promise<void> {
    const response = await this.get('/stats')
    if (response.status !== 200) throw new Error(`the API answers ${response.status}: ${(await response.text()).slice(0, 500)}`)
    const { messages } = (await response.json()) as { messages: { dropped: Record<string, number> } }
    const { internal = 0 } = messages.dropped
    if (internal > 0) throw new Error(`${internal} messages were dropped for a fault of the manager's own`)
    const ready = await this.get('/ready')
    if (ready.status !== 200) throw new Error(`the manager is not ready: ${await ready.text()}`)
  }

  async close(): Promise<void> {
    await this.manager.stop()
    await this.broker.stop()
    this.#pki.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Nothing that others send is an error of ours. Thrown where nobody catches it, so that it is put down to the cases under way. */
function alarm(line: string): void {
  queueMicrotask(() => {
    throw new Error(`an error in the log: ${line.slice(0, 2000)}`)
  })
}
