// The manager's connection to its broker: one MQTT client a connection, made again with growing, jittered pauses.
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import mqtt, { type IClientOptions, MqttClient } from 'mqtt'
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { SkerryError } from '../protocol/errors.js'

/** The embedded broker by an in-process stream, or any broker by its URL (`mqtt:`, `mqtts:`, `ws:`, `wss:`). */
export type BrokerAddress =
  | { readonly connect: () => Duplex }
  | { readonly url: string; readonly username?: string; readonly password?: string; readonly ca?: string | Buffer }

export interface Subscription {
  readonly filter: string
  readonly qos: 0 | 1
  /** The retain flag is to come as it was sent, which takes MQTT 5: tried first, then MQTT 3.1.1 without it. */
  readonly asPublished?: boolean
}

export interface LinkOptions {
  readonly broker: BrokerAddress
  readonly clientId: string
  /** Made on every connection, before `up` is called. */
  readonly subscriptions: readonly Subscription[]
  /** Published by the broker, retained, when the connection ends without a word. */
  readonly will?: { readonly topic: string; readonly payload: string }
  readonly clock: Clock
  readonly log: Logger
  /** Called when the manager hears the broker, and when it no longer does. */
  up(): void
  down(): void
  message(topic: string, payload: Uint8Array, retained: boolean): void
}

const firstPauseMs = 100
const longestPauseMs = 30_000

export class Link {
  readonly #options: LinkOptions
  #client: MqttClient | undefined
  #isUp = false
  #hears = false
  readonly #unsettled: (() => void)[] = []
  #stopped = false
  #failures = 0
  #version: Version
  #cancelPause = () => {}
  /** Publishes that wait for the broker's acknowledgement. */
  readonly #waiting = new Set<(error: Error) => void>()

  constructor(options: LinkOptions) {
    this.#options = options
    this.#version = versionFor(options.subscriptions)
  }

  /** Whether there is a connection to publish on. */
  get isUp(): boolean {
    return this.#isUp
  }

  /** Whether what is published from now on is heard: the broker has granted the subscriptions. */
  get hears(): boolean {
    return this.#hears
  }

  /** Resolves when the connection that is being made hears the broker, or has failed. */
  async settled(): Promise<void> {
    if (this.#hears || this.#client === undefined) return
    await new Promise<void>(resolve => this.#unsettled.push(resolve))
  }

  /** Throws `config.invalid` if the broker's URL is none. A broker that is not there is waited for. */
  start(): void {
    checkAddress(this.#options.broker)
    this.#connect()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelPause()
    const client = this.#client
    if (client === undefined) return
    if (this.#isUp) await endGracefully(client, this.#options.clock)
    else client.end(true)
    this.#lose(client)
  }

  /** Publishes with QoS 1, retained unless said otherwise. Resolves when the broker has it; rejects with `broker.unavailable` when the connection ends first. */
  async publish(topic: string, payload: Uint8Array, retain = true): Promise<void> {
    const client = this.#client
    if (client === undefined || !this.#isUp) throw unavailable()
    await new Promise<void>((resolve, reject) => {
      this.#waiting.add(reject)
      client.publish(topic, Buffer.from(payload), { qos: 1, retain }, error => {
        this.#waiting.delete(reject)
        if (error) reject(unavailable(error))
        else resolve()
      })
    })
  }

  async subscribe(subscriptions: readonly Subscription[]): Promise<void> {
    if (this.#client !== undefined) await subscribe(this.#client, subscriptions)
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    if (this.#client !== undefined && this.#isUp) await this.#client.unsubscribeAsync([...filters])
  }

  #connect(): void {
    const { broker, clientId, will, log } = this.#options
    const lastWords: IClientOptions =
      will === undefined ? {} : { will: { ...will, payload: Buffer.from(will.payload), qos: 1, retain: true } }
    const client = makeClient(broker, { clientId, ...lastWords, ...clientOptions, protocolVersion: this.#version })
    this.#client = client
    client.on('connect', () => {
      // An answer would wait 40 ms for the acknowledgement of what was sent before it.
      if (client.stream instanceof Socket) client.stream.setNoDelay()
      this.#open(client).catch(error => {
        if (this.#client === client) log.error({ err: error }, 'subscription refused')
        this.#lose(client)
      })
    })
    client.on('message', (topic, payload, packet) => {
      if (this.#client === client) this.#options.message(topic, payload, packet.retain)
    })
    client.on('error', error => {
      const isTooNew = isVersionRefused(error) && this.#version === 5
      if (isTooNew) this.#version = 4
      if (isTooNew) log.info('the broker speaks no MQTT 5')
      else if (this.#failures === 0) log.warn({ err: error }, 'broker connection failed')
      this.#lose(client, isTooNew)
    })
    client.on('close', () => this.#lose(client))
  }

  async #open(client: MqttClient): Promise<void> {
    const { subscriptions, log } = this.#options
    const subscribed = subscribe(client, subscriptions)
    // Retained messages may come before the answer to the subscription: from now on the manager hears.
    this.#isUp = true
    this.#options.up()
    await subscribed
    if (this.#client !== client) return
    this.#failures = 0
    this.#hears = true
    this.#settle()
    log.info('broker connected')
  }

  #lose(client: MqttClient, isTooNew = false): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#hears = false
    this.#settle()
    if (this.#isUp) {
      this.#isUp = false
      // By the next connection it may be another broker.
      this.#version = versionFor(this.#options.subscriptions)
      if (!this.#stopped) this.#options.log.warn('broker disconnected')
      this.#options.down()
    }
    client.end(true)
    for (const reject of this.#waiting) reject(unavailable())
    this.#waiting.clear()
    if (this.#stopped) return
    if (isTooNew) this.#connect()
    else this.#connectLater()
  }

  #settle(): void {
    for (const resolve of this.#unsettled.splice(0)) resolve()
  }

  #connectLater(): void {
    const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#failures++, 20))
    this.#cancelPause = this.#options.clock.after(longest * (0.5 + Math.random() / 2), () => {
      try {
        this.#connect()
      } catch (error) {
        this.#options.log.error({ err: error }, 'broker connection failed')
        this.#connectLater()
      }
    })
  }
}

type Version = 4 | 5

function versionFor(subscriptions: readonly Subscription[]): Version {
  return subscriptions.some(({ asPublished }) => asPublished === true) ? 5 : 4
}

/** MQTT 3.1.1 calls it 1 (3.2.2.3), MQTT 5 0x84 (3.2.2.2). */
function isVersionRefused(error: Error): boolean {
  return 'code' in error && (error.code === 1 || error.code === 0x84)
}

const clientOptions: IClientOptions = {
  clean: true,
  keepalive: 30,
  connectTimeout: 10_000,
  // Reconnecting is done here: mqtt.js knows neither growing pauses nor jitter.
  reconnectPeriod: 0,
  resubscribe: false,
  queueQoSZero: false,
}

function checkAddress(broker: BrokerAddress): void {
  if ('connect' in broker || /^(mqtts?|tcp|ssl|wss?):\/\/[^/]/.test(broker.url)) return
  throw new SkerryError(
    'config.invalid',
    `${JSON.stringify(broker.url.slice(0, 200))} is no URL of a broker: use mqtt://HOST[:PORT], mqtts://, ws:// or wss://`,
  )
}

function makeClient(broker: BrokerAddress, options: IClientOptions): MqttClient {
  if ('connect' in broker) return new MqttClient(() => broker.connect(), options)
  const { url, username, password, ca } = broker
  return mqtt.connect(url, {
    ...options,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
  })
}

async function subscribe(client: MqttClient, subscriptions: readonly Subscription[]): Promise<void> {
  const granted = await client.subscribeAsync(
    Object.fromEntries(subscriptions.map(({ filter, qos, asPublished = false }) => [filter, { qos, rap: asPublished }])),
  )
  const refused = granted.find(grant => grant.qos > 2)
  if (refused !== undefined) throw new SkerryError('broker.unavailable', `the broker refuses the subscription to ${refused.topic}`)
}

/** A clean disconnect, or an end by force if the broker does not take it in time. */
async function endGracefully(client: MqttClient, clock: Clock): Promise<void> {
  await new Promise<void>(resolve => {
    const cancel = clock.after(1000, () => client.end(true, () => resolve()))
    client.end(false, {}, () => {
      cancel()
      resolve()
    })
  })
}

function unavailable(cause?: unknown): SkerryError {
  return new SkerryError('broker.unavailable', 'the broker is not connected', { cause })
}
