// Which topics the session is subscribed to, of those that are wanted.
import type { MqttClient } from 'mqtt'
import type { Logger } from 'pino'
import type { Ahead } from './ahead.js'

export interface SubscriptionsOptions {
  readonly log: Logger
  readonly onSubscribed: (topic: string) => void
  /** The broker keeps these topics from the device. */
  readonly onDenied: (topics: readonly string[]) => void
}

/** What was asked for before the session was open. */
interface Early {
  readonly client: MqttClient
  readonly topics: readonly string[]
  /** The broker's answer, which may come before the client says that the session is open. */
  granted?: readonly unknown[]
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions
  /** Of the session that is open. */
  #client: MqttClient | undefined
  #early: Early | undefined
  #wanted: ReadonlySet<string> = new Set()
  /** Topics asked for in this session. */
  readonly #asked = new Set<string>()

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  /** Asks for all that is wanted, in one packet, before the session is open. */
  ask(client: MqttClient, ahead: Ahead): void {
    const topics = [...this.#wanted]
    this.#asked.clear()
    if (topics.length === 0) return
    for (const topic of topics) this.#asked.add(topic)
    const early: Early = { client, topics }
    this.#early = early
    ahead.subscribe(topics, granted => {
      early.granted = granted
      this.#noteEarly()
    })
  }

  /** The session is open. */
  begin(client: MqttClient): void {
    this.#client = client
    this.#adjust()
    this.#noteEarly()
  }

  end(): void {
    this.#client = undefined
    this.#early = undefined
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

  #noteEarly(): void {
    const early = this.#early
    if (early?.granted === undefined || early.client !== this.#client) return
    this.#early = undefined
    this.#note(early.client, early.topics, early.granted)
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
