// A fleet as a device meets it when it joins: a CA, a TLS broker that lets everybody do all, and somebody who answers as the test says.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { type Broker, startBroker } from '../../broker/broker.js'
import { openPki, type Pki } from '../../manager/identity/pki.js'
import { readRequest } from '../../manager/identity/x509.js'
import { unwrap } from '../../protocol/errors.js'
import { type JoinAnswer, type JoinRequest, joinAnswerCodec, joinRequestCodec } from '../../protocol/join.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import { formatTopic, parseTopic } from '../../protocol/topics.js'

const log = pino({ level: 'silent' })

/** What to answer; undefined: nothing. */
export type Answering = (request: JoinRequest, grant: (lifeMs?: number) => Promise<JoinAnswer>) => Promise<JoinAnswer | undefined>

export class GateWorld {
  readonly asked: JoinRequest[] = []
  readonly signingKey = randomBytes(32)
  answering: Answering = (_request, grant) => grant()
  /** Answers once more what was asked last. */
  again = async (): Promise<void> => {}

  private constructor(
    readonly folder: string,
    readonly pki: Pki,
    readonly broker: Broker,
    private readonly client: MqttClient,
  ) {}

  static async open(): Promise<GateWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-gate-'))
    const pki = await openPki(join(folder, 'pki'), { log })
    const listener = { host: '127.0.0.1', port: 0, tls: pki.server }
    const broker = await startBroker({
      file: join(folder, 'broker.db'),
      listeners: [
        { kind: 'tcp', ...listener },
        { kind: 'ws', ...listener },
      ],
      log,
    })
    const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${broker.addresses[0]!.port}`, { ca: pki.caPem })
    const world = new GateWorld(folder, pki, broker, client)
    client.on('message', (topic, payload) => void world.#answer(topic, payload))
    await client.subscribeAsync(['skerry/join/+/request', 'skerry/device/+/renewal'], { qos: 1 })
    return world
  }

  get url(): string {
    return `mqtts://127.0.0.1:${this.broker.addresses[0]!.port}`
  }

  get webSocketUrl(): string {
    return `wss://127.0.0.1:${this.broker.addresses[1]!.port}`
  }

  async close(): Promise<void> {
    await this.client.endAsync(true)
    await this.broker.stop()
    this.pki.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #answer(name: string, payload: Buffer): Promise<void> {
    const request = unwrap(joinRequestCodec.decode(payload))
    this.asked.push(request)
    this.again = async () => {
      const answer = await this.answering(request, lifeMs => this.#grant(request, lifeMs))
      if (answer !== undefined) this.client.publish(answerTopicOf(name), joinAnswerCodec.encode(answer), { qos: 1 })
    }
    await this.again()
  }

  async #grant(request: JoinRequest, lifeMs?: number): Promise<JoinAnswer> {
    const spki = unwrap(await readRequest(request.csr))
    const { chain } = await this.pki.issue(spki, request.device, lifeMs)
    return { version: protocolVersion, device: request.device, chain, keys: [this.signingKey], time: Math.floor(Date.now() / 1000) }
  }
}

function answerTopicOf(name: string): string {
  const topic = parseTopic('skerry', name)
  if (topic?.kind === 'join') return formatTopic('skerry', { ...topic, channel: 'answer' })
  if (topic?.kind === 'device') return formatTopic('skerry', { ...topic, channel: 'certificate' })
  throw new Error(name)
}
