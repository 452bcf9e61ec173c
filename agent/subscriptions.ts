// Which topics the session is subscribed to, of those that are wanted.
import type { MqttClient } from 'mqtt'
import type { Logger } from 'pino'

export interface SubscriptionsOptions {
  readonly log: Logger
  readonly onSubscribed: (topic: string) => void
  /** The broker does not let the device hear this topic. */
  readonly onDenied: (topic: string) => void
}

interface Subscribed {
  readonly error: Error | null
  /** MQTT 3.9.3: a QoS for each topic, or 0x80. */
  readonly granted: readonly unknown[] | undefined
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
    client.subscribe(fresh, { qos: 1 }, (error, _, packet) => this.#note(client, fresh, { error, granted: packet?.granted }))
  }

  #note(client: MqttClient, topics: readonly string[], { error, granted }: Subscribed): void {
    if (client !== this.#client) return
    const { onSubscribed, onDenied, log } = this.#options
    const denied = topics.filter((_, n) => (granted === undefined ? Boolean(error) : granted[n] === 0x80))
    if (denied.length > 0) log.error({ err: error, topics: denied }, 'the broker refuses a subscription')
    for (const topic of topics)
      if (denied.includes(topic)) onDenied(topic)
      else onSubscribed(topic)
  }
}
