// Broker and manager in one process, as `skerry server` has them, and a PLC: a plain MQTT client that knows topics and texts only.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { type Broker, startBroker } from '../../broker/broker.js'
import { type Manager, startManager } from '../../manager/manager.js'
import type { Answer } from '../../protocol/answer.js'
import type { Clock } from '../../protocol/clock.js'
import { answerTopics } from '../../protocol/command-topics.js'
import { credentials, testHttp } from './credentials.js'
import { eventually } from './within.js'

const log = pino({ level: 'silent' })

export class Embedded {
  readonly folder: string
  readonly #clock: Clock | undefined
  broker: Broker
  manager: Manager

  private constructor(folder: string, clock: Clock | undefined, broker: Broker, manager: Manager) {
    this.folder = folder
    this.#clock = clock
    this.broker = broker
    this.manager = manager
  }

  static async start(clock?: Clock): Promise<Embedded> {
    const folder = await mkdtemp(join(tmpdir(), 'skerry-embedded-'))
    const broker = await startBroker({ file: join(folder, 'broker.db'), listeners: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }], log })
    const embedded = new Embedded(folder, clock, broker, await manage(folder, broker, clock))
    await embedded.#connected()
    return embedded
  }

  get port(): number {
    return this.broker.addresses[0]!.port
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  /** Another manager on the same database, beside the same broker. */
  async restartManager(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await this.manager.stop()
    await meanwhile()
    this.manager = await manage(this.folder, this.broker, this.#clock)
    await this.#connected()
  }

  async stop(): Promise<void> {
    await this.manager.stop()
    await this.broker.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** The answer's body, of a request that must succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on whatever the API answers
  async api(method: string, path: string, body?: unknown): Promise<any> {
    const text = typeof body === 'string'
    const response = await fetch(`${this.manager.url}/api/v1${path}`, {
      method,
      headers: { ...credentials, ...(body === undefined ? {} : { 'content-type': text ? 'application/yaml' : 'application/json' }) },
      ...(body === undefined ? {} : { body: text ? body : JSON.stringify(body) }),
    })
    const answer = await response.text()
    if (!response.ok && response.status !== 503) throw new Error(`${method} ${path}: ${response.status} ${answer}`)
    return answer === '' ? undefined : JSON.parse(answer)
  }

  async #connected(): Promise<void> {
    await eventually(5000, 'the manager is connected', async () => (await this.api('GET', '/ready')).ready)
  }
}

function manage(folder: string, broker: Broker, clock: Clock | undefined): Promise<Manager> {
  return startManager({
    file: join(folder, 'manager.db'),
    root: 'skerry',
    broker: { connect: () => broker.connectInProcess() },
    http: testHttp,
    log,
    ...(clock === undefined ? {} : { clock }),
  })
}

export interface Told {
  readonly topic: string
  readonly text: string
  readonly retain: boolean
}

export class Plc {
  readonly client: MqttClient
  /** Every answer and state in the order in which it came. */
  readonly told: Told[] = []

  private constructor(client: MqttClient) {
    this.client = client
    client.on('message', (topic, payload, { retain }) => this.told.push({ topic, text: payload.toString(), retain }))
  }

  static async connect(url: string): Promise<Plc> {
    const plc = new Plc(await mqtt.connectAsync(url, { reconnectPeriod: 0, clientId: `plc-${Math.random().toString(16).slice(2)}` }))
    await plc.client.subscribeAsync(['skerry/ack/#', 'skerry/a/#', 'skerry/state/#'], { qos: 1 })
    // As a PLC should: before that nobody may be listening yet.
    await plc.state('manager', '1')
    return plc
  }

  /** Publishes and waits for all three answers. */
  async ask(topic: string, payload: string | Buffer, options: { qos?: 0 | 1; retain?: boolean } = {}): Promise<Answer> {
    const from = this.told.length
    await this.client.publishAsync(topic, payload, { qos: 0, ...options })
    return this.answer(topic, from)
  }

  async answer(topic: string, from = 0): Promise<Answer> {
    const { code, text, json } = answerTopics('skerry', topic)!
    return eventually(5000, `an answer to ${topic}`, () => {
      const since = this.told.slice(from)
      const [number, line, all] = [code, text, json].map(each => since.find(told => told.topic === each)?.text)
      if (number === undefined || line === undefined || all === undefined) return undefined
      const answer = JSON.parse(all) as Answer
      if (String(answer.code) !== number || answer.text !== line) throw new Error(`${number}, ${line} and ${all} differ`)
      return answer
    })
  }

  /** The newest text of each topic that is not cleared. */
  get states(): Record<string, string> {
    const states: Record<string, string> = {}
    for (const { topic, text } of this.told) {
      if (!topic.startsWith('skerry/state/')) continue
      if (text === '') delete states[topic]
      else states[topic] = text
    }
    return states
  }

  async state(name: string, is: string | undefined, limitMs = 5000): Promise<void> {
    await eventually(limitMs, `${name} is ${is}`, () => this.states[`skerry/state/${name}`] === is).catch(error => {
      throw new Error(`${error.message}; ${JSON.stringify(this.states)}`)
    })
  }

  async leave(): Promise<void> {
    await this.client.endAsync()
  }
}
