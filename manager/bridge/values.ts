// The last values of topics: what the broker retains, and of the values of programs also what it hands out and keeps not.
import type { Clock } from '../../protocol/clock.js'
import { formatStateTopic } from '../../protocol/command-topics.js'
import { everyData, isDataTopic, isTooLargeData, maxDataBytes } from '../../protocol/data-topics.js'
import { SkerryError } from '../../protocol/errors.js'
import type { Link } from '../link.js'
import { Recent, type RecentLimits } from './recent.js'
import { Retained } from './retained.js'

export interface Value {
  readonly topic: string
  readonly payload: Uint8Array
  /** When it came, wall clock, ms; null for what was retained before the manager listened. */
  readonly at: number | null
  /** The broker tells it to whoever subscribes. */
  readonly retained: boolean
}

interface ValuesOptions {
  readonly root: string
  readonly clock: Clock
  readonly limits?: RecentLimits
}

const defaultLimits: RecentLimits = { topics: 10_000, bytes: 64 * 1024 * 1024 }

export class Values {
  readonly #options: ValuesOptions
  readonly #recent: Recent
  readonly #retained: Retained
  #link: Link | undefined

  constructor(options: ValuesOptions) {
    const { root, clock, limits = defaultLimits } = options
    this.#options = options
    this.#recent = new Recent(limits)
    this.#retained = new Retained({ last: formatStateTopic(root, { kind: 'manager' }), clock })
  }

  /** What a connection of its own hears from its beginning. With QoS 0: where it is too slow, values are lost and nothing else. */
  static filters(root: string): readonly string[] {
    return [everyData(root)]
  }

  up(link: Link): void {
    this.#link = link
    this.#retained.up(link)
  }

  /** What comes meanwhile is not heard, so nothing from before is known to be the last. */
  down(): void {
    this.#link = undefined
    this.#retained.down()
    this.#recent.clear()
  }

  hear(topic: string, payload: Uint8Array, retained: boolean): void {
    const { root, clock } = this.#options
    if (retained) this.#retained.hear(topic, payload)
    else if (!isDataTopic(root, topic)) return
    // An empty value takes the one before it away.
    else if (payload.length === 0 || isTooLargeData(root, topic, payload)) this.#recent.delete(topic)
    else this.#recent.set(topic, { payload, at: clock.now() })
  }

  /** Throws `value.unknown`, `broker.unavailable` or `command.busy`. */
  async read(topic: string): Promise<Value> {
    const kept = await this.#retained.read(topic)
    const heard = this.#recent.get(topic)
    if (heard !== undefined) return { topic, ...heard, retained: kept !== undefined && Buffer.from(heard.payload).equals(kept) }
    if (kept !== undefined) return { topic, payload: kept, at: null, retained: true }
    throw new SkerryError('value.unknown', `no value of ${topic} is known`)
  }

  /** Resolves when the broker has it. Throws `message.too-large` or `broker.unavailable`. */
  async publish(topic: string, payload: Uint8Array, retain: boolean): Promise<void> {
    if (payload.length > maxDataBytes)
      throw new SkerryError('message.too-large', `${payload.length} bytes are more than the ${maxDataBytes} of a value`)
    if (this.#link === undefined) throw new SkerryError('broker.unavailable', 'the broker is not connected')
    await this.#link.publish(topic, payload, retain)
  }
}
