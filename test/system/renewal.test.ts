// time limit: 400 s
// A hundred agents stay Ready while their certificates are renewed, the server gets another, and the key that signs is changed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Agent, startAgent } from '../../agent/agent.js'
import { Identity } from '../../agent/identity/identity.js'
import { joinFleet } from '../../agent/join.js'
import { type Server, startServer } from '../../cli/services/server.js'
import { resolveSettings } from '../../config/resolve.js'
import type { Settings } from '../../config/settings.js'
import { unwrap } from '../../protocol/errors.js'
import { parseJoinToken } from '../../protocol/join-token.js'
import { Api } from '../support/api.js'
import { localCredentials } from '../support/credentials.js'
import { startEmptyEngine } from '../support/empty-engine.js'
import { presentedTo } from '../support/presented.js'
import { eventually } from '../support/within.js'

const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
const count = 100
/** Renewed from 20 s on. */
const deviceLifeMs = 30_000

const test = suite('renewal of everything')

interface Member {
  readonly agent: Agent
  readonly identity: Identity
}

interface Shown {
  readonly id: string
  readonly state: string
  readonly epoch: number
}

class Site {
  readonly members: Member[] = []

  private constructor(
    readonly folder: string,
    private readonly stopEngine: () => Promise<void>,
    private readonly settings: Settings,
    public server: Server,
  ) {}

  static async open(): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-hundred-'))
    const stopEngine = await startEmptyEngine(join(folder, 'engine.sock'))
    const flags = { data: join(folder, 'server'), mqttPort: '0', httpPort: '0' }
    const settings = unwrap(resolveSettings({ flags, file: [], around: { root: true, home: folder, env: {} } })).values
    const server = await startServer(settings, log, { deviceLifeMs })
    // Later starts have the same port.
    const fixed: Settings = { ...settings, mqttPort: Number(new URL(server.mqttUrl).port) }
    return new Site(folder, stopEngine, fixed, server)
  }

  get api(): Api {
    return new Api(this.server.url, localCredentials(this.settings.data))
  }

  async add(number: number): Promise<void> {
    const folder = join(this.folder, `device-${number}`)
    const token = unwrap(parseJoinToken(this.server.invite('one of a hundred')))
    const signal = new AbortController().signal
    const shared = { folder, root: 'skerry', broker: { url: this.server.mqttUrl }, log }
    await joinFleet({ ...shared, token, patient: true, signal, onEvent: () => {} })
    const identity = new Identity(folder, log)
    const agent = await startAgent({ ...shared, identity, keys: identity, engine: join(this.folder, 'engine.sock'), name: `d-${number}` })
    this.members.push({ agent, identity })
  }

  async restartServer(): Promise<void> {
    await this.server.stop()
    this.server = await startServer(this.settings, log, { deviceLifeMs })
  }

  async shown(): Promise<readonly Shown[]> {
    return (await this.api.get<{ items: Shown[] }>('/devices')).body.items
  }

  /** Each device's epoch, once all are Ready. */
  async allReady(): Promise<Map<string, number>> {
    const devices = await eventually(120_000, 'all are Ready', async () => {
      const shown = await this.shown()
      return shown.length === count && shown.every(({ state }) => state === 'Ready') && shown
    })
    return new Map(devices.map(({ id, epoch }) => [id, epoch]))
  }

  certificates(): (string | undefined)[] {
    return this.members.map(({ identity }) => identity.membership?.certificate)
  }

  /** Once each of them has this property, whenever that was. */
  async all(what: string, has: (member: Member, number: number) => boolean): Promise<void> {
    await eventually(120_000, `all ${what}`, () => this.members.every(has))
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map(({ agent }) => agent.stop()))
    await this.server.stop()
    await this.stopEngine()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

test('100 agents stay Ready, in the same sessions, and come back with what is new', async () => {
  const site = await Site.open()
  try {
    for (let number = 0; number < count; number++) await site.add(number)
    const epochs = await site.allReady()
    const events = await site.api.events()
    const before = site.certificates()

    const presented = await presentedTo(site.server.mqttUrl)
    await site.server.pki.renewServer()
    assert.is.not(await presentedTo(site.server.mqttUrl), presented)

    const [key] = site.members[0]!.identity.keys()
    assert.is((await site.api.call('POST', '/keys')).status, 201)
    await site.all('go by the new key', ({ identity }) => !Buffer.from(identity.keys().at(-1)!).equals(key!))
    await site.all('have a new certificate', ({ identity }, number) => identity.membership?.certificate !== before[number])

    assert.equal(await site.allReady(), epochs)
    const lost = events.seen.filter(({ type }) => type === 'device.not-ready')
    assert.equal(lost, [])
    await events.close()

    await site.restartServer()
    const later = await site.allReady()
    for (const [id, epoch] of epochs) assert.ok((later.get(id) ?? 0) > epoch, id)
  } finally {
    await site.close()
  }
})

test.run()
