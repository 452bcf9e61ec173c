// What the device says on its topics: birth and will, heartbeats, reports, answers, and a last word after which nothing follows.
import { heartbeatCodec } from '../protocol/messages/heartbeat.js'
import { protocolVersion } from '../protocol/messages/message.js'
import type { Reported } from '../protocol/messages/reported.js'
import { type OfflineReason, statusCodec } from '../protocol/messages/status.js'
import { type DeviceChannel, formatTopic } from '../protocol/topics.js'
import { heartbeatOf } from './core/heartbeat.js'
import type { Epochs } from './epochs.js'
import { readFacts } from './facts.js'
import type { createMeter } from './metrics.js'
import { agentVersion } from './version.js'

interface How {
  readonly qos: 0 | 1
  readonly retain: boolean
}

export interface VoiceOptions {
  readonly root: string
  readonly device: string
  /** What the device calls itself; by default its host name. */
  readonly name: string | undefined
  readonly epochs: Epochs
  readonly measure: ReturnType<typeof createMeter>
  /** Resolves to false if there is no session. */
  readonly publish: (topic: string, payload: Buffer, how: How) => Promise<boolean>
}

/** What the device knows of itself now. */
export interface Condition {
  readonly intervalS: number
  /** Undefined while the Engine does not answer. */
  readonly engineVersion: string | undefined
}

export class Voice {
  readonly #options: VoiceOptions
  #closed = false

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

  async birth({ intervalS, engineVersion }: Condition): Promise<void> {
    const { name, epochs } = this.#options
    const facts = readFacts({ name, agentVersion, engineVersion: engineVersion ?? '' })
    const engine = engineVersion !== undefined
    const birth = { version: protocolVersion, epoch: epochs.current, online: true, facts, intervalS, engine }
    await this.#say('status', statusCodec.encode(birth), { qos: 1, retain: true })
  }

  /** `revision` is that of the newest manifest held. */
  async beat({ intervalS, engineVersion }: Condition, revision: number, reported: Reported): Promise<void> {
    const { epochs, measure } = this.#options
    const engine = engineVersion !== undefined
    const pulse = { epoch: epochs.current, sequence: epochs.nextSequence(), intervalS, engine, revision }
    await this.#say('heartbeat', heartbeatCodec.encode(heartbeatOf(pulse, measure(), reported)), { qos: 0, retain: false })
  }

  report(payload: Buffer): Promise<boolean> {
    return this.#say('reported', payload, { qos: 1, retain: true })
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

  #say(channel: DeviceChannel, payload: Buffer, how: How): Promise<boolean> {
    return this.#closed ? Promise.resolve(false) : this.#options.publish(this.topic(channel), payload, how)
  }
}
