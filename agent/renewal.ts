// Keeps the device's certificate young: asks for a new one over the session that there is, or by a visit of its own when it has ended.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { unwrap } from '../protocol/errors.js'
import { type JoinAnswer, joinAnswerCodec, joinRequestCodec } from '../protocol/join.js'
import { protocolVersion } from '../protocol/messages/message.js'
import { clientIdOf, formatTopic } from '../protocol/topics.js'
import { readFacts } from './facts.js'
import type { Identity } from './identity/identity.js'
import { visit } from './identity/visit.js'
import type { BrokerAddress } from './reach.js'
import { agentVersion } from './version.js'

export interface RenewalOptions {
  readonly identity: Identity
  readonly root: string
  readonly device: string
  readonly name: string | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Resolves to false if there is no session. */
  readonly publish: (topic: string, payload: Buffer, how: { qos: 1; retain: false }) => Promise<boolean>
  /** Other topics are wanted than before. */
  readonly onTopics: () => void
}

/** A server that does not answer, or refuses, is asked again after this. */
const askAgainMs = 10 * 60_000
/** Timers beyond 24 days fire at once, and clocks are set: it is looked at again now and then. */
const longestWaitMs = 60 * 60_000

export class Renewal {
  readonly #options: RenewalOptions
  readonly answerTopic: string
  readonly #askTopic: string
  #asking = false
  #cancel = () => {}
  readonly #stop = new AbortController()

  constructor(options: RenewalOptions) {
    const { root, device } = options
    this.#options = options
    this.answerTopic = formatTopic(root, { kind: 'device', device, channel: 'certificate' })
    this.#askTopic = formatTopic(root, { kind: 'device', device, channel: 'renewal' })
  }

  /** The answer's topic, while there is one to come. */
  topics(): readonly string[] {
    return this.#asking ? [this.answerTopic] : []
  }

  /** A session has begun. */
  noteSession(): void {
    this.#asking = false
    this.#look()
  }

  noteSubscribed(topic: string): void {
    if (topic !== this.answerTopic) return
    void this.#options.publish(this.#askTopic, this.#request(), { qos: 1, retain: false })
  }

  receive(payload: Buffer): void {
    const answer = joinAnswerCodec.decode(payload)
    if (!this.#asking || !answer.ok || answer.value.pending === true) return
    this.#asking = false
    this.#take(answer.value)
    const { identity, clock, onTopics } = this.#options
    onTopics()
    this.#lookAfter(identity.dueInMs(clock.now()))
  }

  /** Asks for a certificate where the one that there is cannot open a session. Throws why the broker does not answer. */
  async visit(broker: BrokerAddress): Promise<void> {
    const answer = await visit({
      broker,
      clientId: clientIdOf(this.#options.device),
      askOn: this.#askTopic,
      answerOn: this.answerTopic,
      request: this.#request(),
      onPending: () => {},
      signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(askAgainMs)]),
      clock: this.#options.clock,
    })
    this.#take(answer)
  }

  stop(): void {
    this.#stop.abort()
    this.#cancel()
  }

  #look(): void {
    const { identity, clock, onTopics } = this.#options
    if (this.#stop.signal.aborted) return
    const dueInMs = identity.dueInMs(clock.now())
    const due = dueInMs === 0
    if (due !== this.#asking) {
      this.#asking = due
      onTopics()
    } else if (due) this.noteSubscribed(this.answerTopic)
    this.#lookAfter(dueInMs)
  }

  /** `dueInMs`: as it was found, since it may be due a moment later. */
  #lookAfter(dueInMs: number): void {
    this.#cancel()
    const delayMs = dueInMs === 0 ? askAgainMs : Math.min(longestWaitMs, dueInMs)
    this.#cancel = this.#options.clock.after(delayMs, () => this.#look())
  }

  #take({ fault, chain, time }: JoinAnswer): void {
    const { identity, device, clock, log } = this.#options
    try {
      if (fault !== undefined) log.error({ ...fault }, 'the server does not renew this device’s certificate')
      else {
        const until = unwrap(identity.renew({ chain: chain ?? [], device, now: clock.now(), time }))
        log.info({ until }, 'the certificate was renewed')
      }
    } catch (error) {
      log.error({ err: error }, 'a certificate has come that cannot be taken')
    }
  }

  #request(): Buffer {
    const { identity, device, name } = this.#options
    const facts = readFacts({ name, agentVersion, engineVersion: '' })
    return joinRequestCodec.encode({ version: protocolVersion, csr: identity.createRequest(device), device, facts })
  }
}
