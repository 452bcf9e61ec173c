// Broker and manager as `skerry server` puts them together, with TLS and real certificates, and devices as plain MQTT clients.
import type { KeyObject } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { type Broker, startBroker } from '../../broker/broker.js'
import { openPki, type Pki } from '../../manager/identity/pki.js'
import { type Manager, type OpenManager, openManager } from '../../manager/manager.js'
import type { JoinAnswer } from '../../protocol/join.js'
import { parseJoinToken } from '../../protocol/join-token.js'
import { clientIdOf, joinClientIdOf } from '../../protocol/topics.js'
import { credentials, testHttp } from './credentials.js'
import { keyName, makeKeyPair, Newcomer, spkiOfPair } from './newcomer.js'
import { eventually } from './within.js'

const log = pino({ level: 'silent' })

/** A key with certificates for it, PEM. */
export interface Papers {
  readonly pair: KeyObject
  readonly cert: string
}

export class Fort {
  readonly #folder: string
  readonly #clients = new Set<MqttClient>()

  private constructor(
    folder: string,
    readonly pki: Pki,
    readonly opened: OpenManager,
    readonly broker: Broker,
    readonly manager: Manager,
  ) {
    this.#folder = folder
  }

  static async start(): Promise<Fort> {
    const folder = await mkdtemp(join(tmpdir(), 'skerry-fort-'))
    const pki = await openPki(join(folder, 'pki'), { log })
    const opened = openManager({ file: join(folder, 'manager.db'), root: 'skerry', http: testHttp, identity: { pki }, log })
    const listeners = [{ kind: 'tcp', host: '127.0.0.1', port: 0, tls: { ...pki.server, ca: pki.caPem } }] as const
    const broker = await startBroker({ file: join(folder, 'broker.db'), listeners, access: opened.access, log })
    const manager = await opened.start({ broker: { connect: () => broker.connectInProcess() } })
    pki.onServerCertificate(server => broker.replaceTls({ ...server, ca: pki.caPem }))
    const fort = new Fort(folder, pki, opened, broker, manager)
    await eventually(20_000, 'the manager is connected', async () => (await fort.api('GET', '/ready')).ready)
    return fort
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.endAsync(true)
    await this.manager.stop()
    await this.broker.stop()
    this.pki.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests assert on whatever the API answers
  async api(method: string, path: string, body?: unknown): Promise<any> {
    const headers = { ...credentials, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
    const json = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(`${this.manager.url}/api/v1${path}`, { method, headers, ...json })
    const text = await response.text()
    return text === '' ? undefined : JSON.parse(text)
  }

  /** Connects once. Rejects with the CONNACK's `code`. */
  async connect(options: IClientOptions): Promise<MqttClient> {
    const url = `mqtts://127.0.0.1:${this.broker.addresses[0]!.port}`
    const client = await mqtt.connectAsync(url, { ca: this.pki.caPem, reconnectPeriod: 0, ...options }, false)
    this.#clients.add(client)
    return client
  }

  connectAs(device: string, { pair, cert }: Papers): Promise<MqttClient> {
    return this.connect({ clientId: clientIdOf(device), cert, key: pemOf(pair) })
  }

  /** The return code that somebody is refused with. */
  async refusalOf(connecting: Promise<MqttClient>): Promise<number> {
    return connecting.then(
      () => {
        throw new Error('let in')
      },
      error => error.code,
    )
  }

  async secret(wish: object = {}): Promise<Buffer> {
    const parsed = parseJoinToken((await this.api('POST', '/tokens', wish)).token)
    if (!parsed.ok) throw new Error('no token')
    return Buffer.from(parsed.value.secret)
  }

  /** Somebody with a key who may ask to join. */
  async newcomer(device: string, pair = makeKeyPair()): Promise<Newcomer> {
    const clientId = joinClientIdOf(keyName(spkiOfPair(pair)))
    const newcomer = new Newcomer(await this.connect({ clientId }), device, pair)
    await newcomer.client.subscribeAsync(newcomer.answerTopic, { qos: 1 })
    return newcomer
  }

  async enrol(device: string, wish: object = {}): Promise<Papers> {
    const newcomer = await this.newcomer(device)
    const answer = await newcomer.ask({ token: await this.secret(wish) })
    await newcomer.leave()
    return papersOf(newcomer.pair, answer)
  }
}

export function papersOf(pair: KeyObject, { chain, fault }: Pick<JoinAnswer, 'chain' | 'fault'>): Papers {
  if (chain === undefined) throw new Error(`no certificate: ${fault?.code}`)
  return { pair, cert: chain.map(pem).join('') }
}

function pem(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`
}

function pemOf(pair: KeyObject): string {
  return pair.export({ format: 'pem', type: 'pkcs8' }).toString()
}
