// Which topics the session is subscribed to, of those that are wanted.
import type { MqttClient } from 'mqtt'
import type { Logger } from 'pino'

export interface SubscriptionsOptions {
  readonly log: Logger
  readonly onSubscribed: (topic: string) => void
  /** The broker keeps these topics from the device. */
  readonly onDenied: (topics: readonly string[]) => void
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions
  #client: MqttClient | undefined
  #wanted: ReadonlySet<string> = new Set()
  /** Topics asked for in this session. */
  readonly #asked = new Set<string>()

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  /** All that is wanted is asked for in one packet. */
  begin(client: MqttClient): void {
    this.#client = client
    this.#asked.clear()
    this.#adjust()
  }

  end(): void {
    this.#client = undefined
  }

  /** Which topics to be subscribed to, now and in every later session. */
  want(topics: ReadonlySet<string>): void {
    this.#wanted = topics
    this.#adjust()
  }

  /** Has the retained messages of these topics sent once more. */
  askAgain(topics: readonly string[]): void {
    const again = topics.filter(topic => this.#asked.delete(topic))
    if (again.length === 0) return
    this.#client?.unsubscribe(again, () => {})
    this.#adjust()
  }

  #adjust(): void {
    const client = this.#client
    if (client === undefined) return
    const gone = [...this.#asked].filter(topic => !this.#wanted.has(topic))
    for (const topic of gone) this.#asked.delete(topic)
    if (gone.length > 0) client.unsubscribe(gone, () => {})
    const fresh = [...this.#wanted].filter(topic => !this.#asked.has(topic))
    for (const topic of fresh) this.#asked.add(topic)
    if (fresh.length === 0) return
    client.subscribe(fresh, { qos: 1 }, (_, __, answer) => {
      // Without one the session has ended.
      if (answer !== undefined) this.#note(client, fresh, answer.granted)
    })
  }

  /** The broker answers for each topic by itself (MQTT 3.1.1, 3.9.3). */
  #note(client: MqttClient, topics: readonly string[], granted: readonly unknown[]): void {
    if (client !== this.#client) return
    const denied = topics.filter((_, at) => granted[at] === 0x80)
    for (const topic of topics) if (!denied.includes(topic)) this.#options.onSubscribed(topic)
    if (denied.length === 0) return
    this.#options.log.error({ topics: denied }, 'the broker refuses a subscription')
    this.#options.onDenied(denied)
  }
}
