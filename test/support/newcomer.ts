// Newcomers: devices that want to join, as plain MQTT clients with a key of their own.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { Socket } from 'node:net'
import type { MqttClient } from 'mqtt'
import { createRequest } from '../../agent/identity/csr.js'
import { type JoinAnswer, type JoinRequest, joinAnswerCodec, joinRequestCodec } from '../../protocol/join.js'
import { formatTopic } from '../../protocol/topics.js'
import { someFacts } from './device.js'
import { within } from './within.js'

export function makeKeyPair(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

export function keyName(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('base64url')
}

export class Newcomer {
  readonly client: MqttClient
  readonly device: string
  readonly pair: KeyObject
  readonly key: string
  readonly csr: Buffer
  readonly #answers: JoinAnswer[] = []
  readonly #waiting: (() => void)[] = []

  constructor(client: MqttClient, device: string, pair: KeyObject = makeKeyPair()) {
    this.client = client
    this.device = device
    this.pair = pair
    this.csr = createRequest(pair, device)
    this.key = keyName(spkiOfPair(pair))
    // Otherwise the second of two small messages waits 40 ms for the first one's acknowledgement.
    if (client.stream instanceof Socket) client.stream.setNoDelay()
    client.setMaxListeners(0)
    client.on('message', (topic, payload) => {
      if (topic !== this.answerTopic && topic !== this.certificateTopic) return
      const answer = joinAnswerCodec.decode(payload)
      if (!answer.ok) throw new Error(`an answer that is none: ${answer.refusals[0].message}`)
      this.#answers.push(answer.value)
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  get answerTopic(): string {
    return formatTopic('skerry', { kind: 'join', key: this.key, channel: 'answer' })
  }

  get certificateTopic(): string {
    return formatTopic('skerry', { kind: 'device', device: this.device, channel: 'certificate' })
  }

  async listen(): Promise<void> {
    await this.client.subscribeAsync([this.answerTopic, this.certificateTopic], { qos: 1 })
  }

  /** Another one behind the same connection. */
  async beside(device: string): Promise<Newcomer> {
    const other = new Newcomer(this.client, device)
    await other.listen()
    return other
  }

  /** Asks to join and waits for the answer. */
  async ask(with_: Partial<JoinRequest> = {}): Promise<JoinAnswer> {
    const from = this.#answers.length
    await this.send(with_)
    return this.answer(from)
  }

  async send(with_: Partial<JoinRequest> = {}): Promise<void> {
    await this.#publish(formatTopic('skerry', { kind: 'join', key: this.key, channel: 'request' }), with_)
  }

  async renew(with_: Partial<JoinRequest> = {}): Promise<JoinAnswer> {
    const from = this.#answers.length
    await this.#publish(formatTopic('skerry', { kind: 'device', device: this.device, channel: 'renewal' }), with_)
    return this.answer(from)
  }

  /** How many answers have come. */
  get heard(): number {
    return this.#answers.length
  }

  /** The first answer from this one on. */
  answer(from: number): Promise<JoinAnswer> {
    return within(30_000, `an answer to ${this.device}`, this.#answer(from))
  }

  async #answer(from: number): Promise<JoinAnswer> {
    for (;;) {
      const answer = this.#answers[from]
      if (answer !== undefined) return answer
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  async leave(): Promise<void> {
    await within(20_000, 'the newcomer has left', this.client.endAsync(true))
  }

  async #publish(topic: string, with_: Partial<JoinRequest>): Promise<void> {
    const message: JoinRequest = { version: 1, csr: this.csr, device: this.device, facts: someFacts, ...with_ }
    await this.client.publishAsync(topic, joinRequestCodec.encode(message), { qos: 1 })
  }
}

export function certificateOf(answer: JoinAnswer): X509Certificate {
  const own = answer.chain?.[0]
  if (own === undefined) throw new Error(`no certificate: ${JSON.stringify(answer.fault ?? answer)}`)
  return new X509Certificate(own)
}

export const noSecret = (): Buffer => randomBytes(16)

export function spkiOfPair(pair: KeyObject): Buffer {
  const jwk = pair.export({ format: 'jwk' })
  const point = Buffer.concat([Buffer.of(4), Buffer.from(jwk.x ?? '', 'base64url'), Buffer.from(jwk.y ?? '', 'base64url')])
  return Buffer.concat([Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'), point])
}
