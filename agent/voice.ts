// What the device says on its topics: birth and will, heartbeats, reports, answers, and a last word after which nothing follows.
import { type Heartbeat, heartbeatCodec } from '../protocol/messages/heartbeat.js'
import { protocolVersion } from '../protocol/messages/message.js'
import { type OfflineReason, stampOfFacts, statusCodec } from '../protocol/messages/status.js'
import { type DeviceChannel, formatTopic } from '../protocol/topics.js'
import type { Condition, Mark } from './core/heartbeat.js'
import type { Epochs } from './epochs.js'
import { readFacts } from './facts.js'
import { agentVersion } from './version.js'

interface How {
  readonly qos: 0 | 1
  readonly retain: boolean
}

/** Resolves to false if there is no session. */
export type Publish = (topic: string, payload: Buffer, how: How) => Promise<boolean>

interface HowBorn {
  readonly sequence?: number
  readonly publish?: Publish
}

export interface VoiceOptions {
  readonly root: string
  readonly device: string
  /** What the device calls itself; by default its host name. */
  readonly name: string | undefined
  readonly epochs: Epochs
  readonly publish: Publish
}

export class Voice {
  readonly #options: VoiceOptions
  #closed = false
  /** The facts of the newest birth that has arrived. */
  #introduced: Uint8Array | undefined

  constructor(options: VoiceOptions) {
    this.#options = options
  }

  /** Nothing is said from now on: a birth after the farewell would stay on the broker. Returns the farewell. */
  close(reason: OfflineReason): Buffer {
    this.#closed = true
    return this.#offline(reason)
  }

  openSession(): { epoch: number; will: Buffer } {
    const epoch = this.#options.epochs.open()
    return { epoch, will: this.#offline('Disconnected') }
  }

  /** The first one of a session has no `sequence`, and leaves by a way of its own. */
  async birth({ intervalS, engineVersion }: Condition, { sequence, publish }: HowBorn = {}): Promise<void> {
    const { name, epochs } = this.#options
    const facts = readFacts({ name, agentVersion, engineVersion: engineVersion ?? '' })
    const stamp = stampOfFacts(facts)
    const isKnown = this.#introduced !== undefined && Buffer.compare(this.#introduced, stamp) === 0
    const engine = engineVersion !== undefined
    const rest = { ...(isKnown ? { stamp } : { facts }), ...(sequence === undefined ? {} : { sequence }) }
    const birth = { version: protocolVersion, epoch: epochs.current, online: true, intervalS, engine, ...rest }
    if (await this.#say('status', statusCodec.encode(birth), { qos: 1, retain: true }, publish)) this.#introduced = stamp
  }

  /** Somebody does not know the facts: the next birth has them again. */
  introduceAgain(): void {
    this.#introduced = undefined
  }

  get epoch(): number {
    return this.#options.epochs.current
  }

  /** Of what is told next. */
  mark(): Mark {
    const { epochs } = this.#options
    return { epoch: epochs.current, sequence: epochs.nextSequence() }
  }

  /** `asks`: the broker is to acknowledge it. */
  async beat(heartbeat: Heartbeat, asks: boolean): Promise<void> {
    await this.#say('heartbeat', heartbeatCodec.encode(heartbeat), { qos: asks ? 1 : 0, retain: false })
  }

  report(channel: 'reported' | 'changes', payload: Buffer): Promise<boolean> {
    return this.#say(channel, payload, { qos: 1, retain: channel === 'reported' })
  }

  /** What the connection has cost. */
  account(payload: Buffer): Promise<boolean> {
    return this.#say('usage', payload, { qos: 0, retain: false })
  }

  respond(rid: string, payload: Buffer): Promise<boolean> {
    const { root, device, publish } = this.#options
    return publish(formatTopic(root, { kind: 'response', device, rid }), payload, { qos: 1, retain: false })
  }

  topic(channel: DeviceChannel): string {
    const { root, device } = this.#options
    return formatTopic(root, { kind: 'device', device, channel })
  }

  #offline(reason: OfflineReason): Buffer {
    return statusCodec.encode({ version: protocolVersion, epoch: this.#options.epochs.current, online: false, reason })
  }

  #say(channel: DeviceChannel, payload: Buffer, how: How, publish: Publish = this.#options.publish): Promise<boolean> {
    return this.#closed ? Promise.resolve(false) : publish(this.topic(channel), payload, how)
  }
}
