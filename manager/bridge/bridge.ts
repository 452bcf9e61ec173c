// Topics for programs that speak no MQTT: what they publish goes the way that it would have gone over MQTT, and they read the last values.
import type { Answer } from '../../protocol/answer.js'
import { isCommandTopic } from '../../protocol/command-topics.js'
import { type Result, unwrap } from '../../protocol/errors.js'
import { isPermitTopic } from '../../protocol/permit-topics.js'
import type { Commands } from '../commands.js'
import { permitTopic, type Who } from '../core/permit.js'
import { readTopicName } from '../core/topic-names.js'
import type { Value, Values } from './values.js'

interface BridgeOptions {
  readonly root: string
  readonly commands: Commands
  readonly values: Values
}

export interface Publish {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain: boolean
}

export class Bridge {
  readonly #options: BridgeOptions

  constructor(options: BridgeOptions) {
    this.#options = options
  }

  /** The whole name of the topic that a URL names, if the caller may read or publish there. Refuses with `topic.invalid` or `auth.forbidden`. */
  permit(caller: Who, action: 'publish' | 'subscribe', text: string): Result<string> {
    const { root } = this.#options
    const topic = readTopicName(root, text)
    if (!topic.ok) return topic
    const permitted = permitTopic(caller, action, { root, topic: topic.value })
    return permitted.ok ? topic : permitted
  }

  /** Whether it asks something of the manager, which answers: a command, or a permit. */
  isCommand(topic: string): boolean {
    return isCommandTopic(this.#options.root, topic) || isPermitTopic(this.#options.root, topic)
  }

  /** Does a command as if it had come over MQTT. Never throws. */
  command(caller: Who, { topic, payload, retain }: Publish): Promise<Answer> {
    return new Promise(reply => this.#options.commands.receive({ topic, payload, retained: retain, caller, reply }))
  }

  /** Throws `auth.forbidden`, `message.too-large` or `broker.unavailable`. */
  async publish(caller: Who, { topic, payload, retain }: Publish): Promise<void> {
    if (retain) unwrap(permitTopic(caller, 'retain', { root: this.#options.root, topic }))
    await this.#options.values.publish(topic, payload, retain)
  }

  /** Throws `value.unknown`, `broker.unavailable` or `command.busy`. */
  read(topic: string): Promise<Value> {
    return this.#options.values.read(topic)
  }
}
