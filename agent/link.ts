// The agent's one connection to the broker, made anew for as long as the agent runs.
import type { IClientOptions, MqttClient } from 'mqtt'
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { openClient } from './client.js'
import { type BackoffLimits, backoffMs, withinLease } from './core/backoff.js'
import { judgeSilence, keepaliveS } from './core/liveness.js'
import { explainFault, type Verdict } from './core/refused.js'
import { faultOf } from './identity/probe.js'
import type { BrokerAddress } from './reach.js'
import { Tickets } from './tickets.js'

export interface LinkOptions {
  /** Asked before each attempt to connect, as certificates change; what it waits for comes first. */
  readonly reach: () => BrokerAddress | Promise<BrokerAddress>
  readonly clientId: string
  /** Retained topic of the will. */
  readonly statusTopic: string
  /** Called once for each attempt to connect: the session's epoch, and its will. */
  readonly openSession: () => { epoch: number; will: Buffer }
  /** Time within which the broker must have answered something, ms. */
  readonly leaseMs: () => number
  readonly retries: BackoffLimits
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly onConnected: () => void
  readonly onSubscribed: (topic: string) => void
  /** The broker does not let the device hear this topic. */
  readonly onDenied: (topic: string) => void
  /** The session has ended without being asked to. */
  readonly onLost: () => void
  /** The broker has not let the device in, or is not the one that it should be. */
  readonly onRefused: (verdict: Verdict) => void
  readonly onMessage: (topic: string, payload: Buffer, retained: boolean) => void
}

/** A session that lasted this long was a good one: the next attempts start from the shortest delay. */
const goodSessionMs = 30_000
const farewellMs = 3_000
/** Between attempts that change nothing until a person acts: 30 s to 60 s. */
const slowMs = 30_000

export class Link {
  readonly #options: LinkOptions
  #client: MqttClient | undefined
  #connectedAt: number | undefined
  #answeredAt = 0
  #failures = 0
  /** What was last said of why the broker cannot be reached: it is said once. */
  #complaint = ''
  #stopped = false
  #wanted: ReadonlySet<string> = new Set()
  readonly #tickets = new Tickets()
  /** Topics asked for in this session. */
  readonly #asked = new Set<string>()
  #cancelAttempt = () => {}
  #cancelCheck = () => {}

  constructor(options: LinkOptions) {
    this.#options = options
  }

  start(): void {
    void this.#attempt()
  }

  get connected(): boolean {
    return this.#connectedAt !== undefined
  }

  /** Which topics to be subscribed to, now and in every later session. */
  want(topics: ReadonlySet<string>): void {
    this.#wanted = topics
    this.#subscribe()
  }

  /** Has the retained messages of these topics sent once more. */
  askAgain(topics: readonly string[]): void {
    const again = topics.filter(topic => this.#asked.delete(topic))
    if (again.length === 0) return
    this.#client?.unsubscribe(again, () => {})
    this.#subscribe()
  }

  /** Publishes if connected. True once it is known to have arrived (QoS 1) or was sent (QoS 0). Nothing is queued for later. */
  publish(topic: string, payload: Buffer, { qos, retain }: { qos: 0 | 1; retain: boolean }): Promise<boolean> {
    const client = this.#client
    if (client === undefined || !this.connected) return Promise.resolve(false)
    return new Promise(resolve => {
      client.publish(topic, payload, { qos, retain }, error => resolve(!error))
    })
  }

  /** Drops the session and starts another. */
  reconnect(): void {
    if (this.#client !== undefined) this.#drop(this.#client, 'a new session was asked for')
  }

  /** Publishes a last message, waits a little for its arrival, and disconnects without the will. */
  async stop(farewell?: Buffer): Promise<void> {
    this.#stopped = true
    this.#cancelAttempt()
    this.#cancelCheck()
    const client = this.#client
    if (client === undefined) return
    if (farewell !== undefined && this.connected) await this.#say(farewell)
    this.#client = undefined
    this.#connectedAt = undefined
    await new Promise<void>(resolve => {
      const cancel = this.#options.clock.after(1_000, resolve)
      client.end(false, {}, () => {
        cancel()
        resolve()
      })
    })
    silence(client)
    client.end(true)
  }

  async #say(farewell: Buffer): Promise<void> {
    const { clock, statusTopic } = this.#options
    let cancel = () => {}
    const late = new Promise<void>(resolve => {
      cancel = clock.after(farewellMs, resolve)
    })
    await Promise.race([this.publish(statusTopic, farewell, { qos: 1, retain: true }), late])
    cancel()
  }

  async #attempt(): Promise<void> {
    if (this.#stopped) return
    const broker = await this.#options.reach()
    if (this.#stopped) return
    const { epoch, will } = this.#options.openSession()
    const client = openClient(broker, this.#clientOptions(will), {
      ...this.#tickets.use(broker),
      onSocket: socket => this.#tickets.collect(socket),
    })
    this.#client = client
    client.on('connect', () => this.#open(client, epoch))
    client.on('message', (topic, payload, { retain }) => this.#options.onMessage(topic, payload, retain))
    client.on('packetreceive', () => {
      this.#answeredAt = this.#options.clock.monotonic()
    })
    client.on('error', error => this.#refused(client, error, broker.url))
    client.on('close', () => this.#drop(client, 'the connection was closed'))
  }

  #refused(client: MqttClient, error: Error, server: string): void {
    if (client !== this.#client || this.#stopped) return
    const verdict = explainFault(faultOf(error), server, this.#options.clock.now())
    if (!this.connected && verdict.refusal.code !== this.#complaint) {
      this.#complaint = verdict.refusal.code
      this.#options.log.warn({ err: error, ...verdict.refusal }, 'the broker cannot be reached')
    }
    this.#tickets.forget()
    this.#options.onRefused(verdict)
    this.#drop(client, error.message, verdict.again === 'slowly' ? slowMs : 0)
  }

  #clientOptions(will: Buffer): IClientOptions {
    const { clientId, statusTopic, leaseMs } = this.#options
    return {
      clientId,
      clean: true,
      protocolVersion: 4,
      reconnectPeriod: 0,
      connectTimeout: 30_000,
      keepalive: keepaliveS(leaseMs()),
      queueQoSZero: false,
      resubscribe: false,
      will: { topic: statusTopic, payload: will, qos: 1, retain: true },
    }
  }

  #open(client: MqttClient, epoch: number): void {
    if (client !== this.#client) return
    this.#connectedAt = this.#options.clock.monotonic()
    this.#asked.clear()
    this.#complaint = ''
    this.#options.log.info({ epoch }, 'connected to the broker')
    this.#options.onConnected()
    this.#subscribe()
    this.#checkLater(client)
  }

  /** Ends a session, or an attempt at one, and plans the next. */
  #drop(client: MqttClient, why: string, atLeastMs = 0): void {
    if (client !== this.#client || this.#stopped) return
    const { clock, random, retries, leaseMs, log, onLost } = this.#options
    const wasConnected = this.connected
    const lasted = this.#connectedAt === undefined ? 0 : clock.monotonic() - this.#connectedAt
    if (wasConnected) log.warn({ why }, 'disconnected from the broker')
    this.#client = undefined
    this.#connectedAt = undefined
    this.#cancelCheck()
    silence(client)
    client.end(true)
    this.#failures = lasted >= goodSessionMs ? 1 : this.#failures + 1
    const delayMs = Math.max(atLeastMs * (1 + random()), backoffMs(this.#failures, withinLease(retries, leaseMs()), random()))
    this.#cancelAttempt = clock.after(delayMs, () => void this.#attempt())
    if (wasConnected) onLost()
  }

  #subscribe(): void {
    const client = this.#client
    if (client === undefined || !this.connected) return
    const gone = [...this.#asked].filter(topic => !this.#wanted.has(topic))
    for (const topic of gone) this.#asked.delete(topic)
    if (gone.length > 0) client.unsubscribe(gone, () => {})
    const fresh = [...this.#wanted].filter(topic => !this.#asked.has(topic))
    for (const topic of fresh) this.#asked.add(topic)
    if (fresh.length === 0) return
    client.subscribe(fresh, { qos: 1 }, (error, _, packet) => this.#noteSubscribed(client, fresh, { error, granted: packet?.granted }))
  }

  #noteSubscribed(client: MqttClient, topics: readonly string[], { error, granted }: Subscribed): void {
    if (client !== this.#client) return
    const { onSubscribed, onDenied, log } = this.#options
    const denied = topics.filter((_, n) => (granted === undefined ? Boolean(error) : granted[n] === 0x80))
    if (denied.length > 0) log.error({ err: error, topics: denied }, 'the broker refuses a subscription')
    for (const topic of topics)
      if (denied.includes(topic)) onDenied(topic)
      else onSubscribed(topic)
  }

  /** A broker that has not answered anything for a lease is no longer there, whatever the socket says. */
  #checkLater(client: MqttClient): void {
    const { clock, leaseMs } = this.#options
    this.#cancelCheck = clock.after(leaseMs() / 4, () => {
      if (client !== this.#client) return
      const verdict = judgeSilence(clock.monotonic() - this.#answeredAt, leaseMs())
      if (verdict === 'dead') return this.#drop(client, 'the broker has not answered for a lease')
      if (verdict === 'ask') client.sendPing()
      this.#checkLater(client)
    })
  }
}

interface Subscribed {
  readonly error: Error | null
  /** MQTT 3.9.3: a QoS for each topic, or 0x80. */
  readonly granted: readonly unknown[] | undefined
}

/** What a client that is done with still brings is not heard. Its own listeners stay, as they clear its timers; ours know that it is over. */
function silence(client: MqttClient): void {
  client.removeAllListeners('message')
  client.removeAllListeners('packetreceive')
}
