// The agent's one connection to the broker, made anew for as long as the agent runs.
import { TLSSocket } from 'node:tls'
import type { IClientOptions, MqttClient } from 'mqtt'
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { leaseMs } from '../protocol/link.js'
import type { Link as Settings } from '../protocol/messages/link.js'
import { Ahead } from './ahead.js'
import { hangUp, openClient } from './client.js'
import type { BackoffLimits } from './core/backoff.js'
import { connectMs, keepaliveOf, patienceMs } from './core/liveness.js'
import { explainFault, isOfNetwork, type Verdict } from './core/refused.js'
import { gatherAnswers } from './gather.js'
import { faultOf } from './identity/probe.js'
import type { BrokerAddress } from './reach.js'
import { Retries } from './retries.js'
import { Silence } from './silence.js'
import { Subscriptions } from './subscriptions.js'
import { Tickets } from './tickets.js'
import type { Traffic } from './traffic.js'

export interface LinkOptions {
  /** Asked before each attempt to connect, as certificates change; what it waits for comes first. */
  readonly reach: () => BrokerAddress | Promise<BrokerAddress>
  readonly clientId: string
  /** Retained topic of the will. */
  readonly statusTopic: string
  /** Called once for each attempt to connect: the session's epoch, and its will. */
  readonly openSession: () => { epoch: number; will: Buffer }
  /** How the link is to be used, now. */
  readonly settings: () => Settings
  readonly retries: BackoffLimits
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  /** Counts what crosses the connections. */
  readonly traffic: Traffic
  /** Called once for each attempt, with what sends a first message behind the CONNECT. It resolves to whether that has arrived. */
  readonly onOpening: (publish: (topic: string, payload: Buffer) => Promise<boolean>) => void
  readonly onConnected: () => void
  readonly onSubscribed: (topic: string) => void
  /** The broker keeps these topics from the device. */
  readonly onDenied: (topics: readonly string[]) => void
  /** The session has ended without being asked to. */
  readonly onLost: () => void
  /** The broker has not let the device in, or is not the one that it should be. */
  readonly onRefused: (verdict: Verdict) => void
  readonly onMessage: (topic: string, payload: Buffer, retained: boolean) => void
}

const farewellMs = 3_000
const hangUpMs = 1_000
/** Whoever is about to come back waits longer: a will that its broker publishes is seen by everybody. */
const leaveMs = 5_000
/** Between attempts that change nothing until a person acts: 30 s to 60 s. */
const slowMs = 30_000

interface Ending {
  readonly why: string
  /** With a DISCONNECT: the will goes with the session. */
  readonly gently?: boolean
  /** Before the next attempt. */
  readonly atLeastMs?: number
}

export class Link {
  readonly #options: LinkOptions
  #client: MqttClient | undefined
  #connectedAt: number | undefined
  /** What was last said of why the broker cannot be reached: it is said once. */
  #complaint = ''
  #stopped = false
  /** What this session's CONNECT asked for. */
  #keepaliveS = 0
  /** Behind the CONNECT of the newest attempt, once that may have left. */
  #ahead: Ahead | undefined
  readonly #subscriptions: Subscriptions
  readonly #tickets = new Tickets()
  readonly #retries: Retries
  readonly #silence: Silence
  #cancelAttempt = () => {}
  #leaving: Promise<void> = Promise.resolve()

  constructor(options: LinkOptions) {
    this.#options = options
    this.#subscriptions = new Subscriptions(options)
    this.#retries = new Retries(options)
    this.#silence = new Silence({
      clock: options.clock,
      patienceMs: () => patienceMs(options.settings()),
      onTooLong: () => this.#client && this.#drop(this.#client, { why: 'the broker has not answered for too long' }),
    })
  }

  start(): void {
    void this.#attempt()
  }

  get connected(): boolean {
    return this.#connectedAt !== undefined
  }

  /** Which topics to be subscribed to, now and in every later session. */
  want(topics: ReadonlySet<string>): void {
    this.#subscriptions.want(topics)
  }

  /** Has the retained messages of these topics sent once more. */
  askAgain(topics: readonly string[]): void {
    this.#subscriptions.askAgain(topics)
  }

  /** Publishes if connected. True once it is known to have arrived (QoS 1) or was sent (QoS 0). Nothing is queued for later. */
  publish(topic: string, payload: Buffer, { qos, retain }: { qos: 0 | 1; retain: boolean }): Promise<boolean> {
    const client = this.#client
    if (client === undefined || !this.connected) return Promise.resolve(false)
    return new Promise(resolve => {
      client.publish(topic, payload, { qos, retain }, error => resolve(!error))
    })
  }

  /** Since the broker last sent anything, ms. */
  silentMs(): number {
    return this.#silence.ms
  }

  /** Ends the session without a will, and starts another. */
  reconnect(): void {
    if (this.#client !== undefined) this.#drop(this.#client, { why: 'a new session was asked for', gently: this.connected })
  }

  /** The settings may have changed: the broker holds the session to the keep-alive that it began with. */
  adjust(): void {
    const client = this.#client
    if (client === undefined || !this.connected) return
    if (this.#keepaliveS < keepaliveOf(this.#options.settings())) this.reconnect()
    else this.#silence.watch()
  }

  /** Publishes a last message, waits a little for its arrival, and disconnects without the will. */
  async stop(farewell?: Buffer): Promise<void> {
    this.#stopped = true
    this.#cancelAttempt()
    this.#silence.stop()
    const client = this.#client
    if (client === undefined) return this.#leaving
    if (farewell !== undefined) await this.#say(farewell)
    this.#client = undefined
    this.#connectedAt = undefined
    await hangUp(client, hangUpMs, this.#options.clock)
  }

  async #say(farewell: Buffer): Promise<void> {
    const { clock, statusTopic } = this.#options
    let cancel = () => {}
    const late = new Promise<void>(resolve => {
      cancel = clock.after(farewellMs, resolve)
    })
    // The birth may have arrived before the answer to the CONNECT.
    const said = this.connected
      ? this.publish(statusTopic, farewell, { qos: 1, retain: true })
      : this.#ahead?.publish(statusTopic, farewell)
    await Promise.race([said, late])
    cancel()
  }

  async #attempt(): Promise<void> {
    if (this.#stopped) return
    const broker = await this.#options.reach()
    if (this.#stopped) return
    this.#ahead = undefined
    const { epoch, will } = this.#options.openSession()
    this.#keepaliveS = keepaliveOf(this.#options.settings())
    const tap = this.#options.traffic.tap()
    const client = openClient(broker, this.#clientOptions(will), {
      ...this.#tickets.use(broker),
      onSocket: socket => {
        this.#tickets.collect(socket.setNoDelay(true))
        tap.carry(socket)
        socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
          this.#ahead = ahead
        })
      },
    })
    this.#client = client
    tap.watch(client)
    gatherAnswers(client)
    this.#hear(client, epoch)
    client.on('error', error => this.#refused(client, error, broker.url))
    client.on('close', () => this.#drop(client, { why: 'the connection was closed' }))
    const ahead = new Ahead(client)
    this.#subscriptions.ask(client, ahead)
    this.#options.onOpening((topic, payload) => ahead.publish(topic, payload))
  }

  #hear(client: MqttClient, epoch: number): void {
    const { onMessage } = this.#options
    // What was asked for ahead may come before the client says that it is connected.
    const early: (() => void)[] = []
    client.on('connect', () => {
      this.#open(client, epoch)
      if (client === this.#client) for (const hear of early.splice(0)) hear()
    })
    client.on('message', (topic, payload, { retain }) => {
      if (client === this.#client && !this.connected) early.push(() => onMessage(topic, payload, retain))
      else onMessage(topic, payload, retain)
    })
    client.stream.on('data', () => this.#silence.noteSign())
  }

  #refused(client: MqttClient, error: Error, server: string): void {
    if (client !== this.#client || this.#stopped) return
    const fault = faultOf(error)
    const verdict = explainFault(fault, server, this.#options.clock.now())
    if (!this.connected && verdict.refusal.code !== this.#complaint) {
      this.#complaint = verdict.refusal.code
      this.#options.log.warn({ err: error, ...verdict.refusal }, 'the broker cannot be reached')
    }
    if (!isOfNetwork(fault)) this.#tickets.forget()
    this.#options.onRefused(verdict)
    this.#drop(client, { why: error.message, atLeastMs: verdict.again === 'slowly' ? slowMs : 0 })
  }

  #clientOptions(will: Buffer): IClientOptions {
    const { clientId, statusTopic, settings } = this.#options
    return {
      clientId,
      connectTimeout: connectMs(leaseMs(settings().intervalS)),
      keepalive: this.#keepaliveS,
      // Heartbeats do what its pings would; a timer that never ends sends none.
      timerVariant: { set: () => 0, clear: () => {} },
      queueQoSZero: false,
      will: { topic: statusTopic, payload: will, qos: 1, retain: true },
    }
  }

  #open(client: MqttClient, epoch: number): void {
    if (client !== this.#client || this.#stopped) return
    this.#connectedAt = this.#options.clock.monotonic()
    this.#complaint = ''
    this.#options.log.info({ epoch }, 'connected to the broker')
    this.#options.onConnected()
    this.#subscriptions.begin(client)
    this.adjust()
  }

  /** Ends a session, or an attempt at one, and plans the next. */
  #drop(client: MqttClient, { why, gently = false, atLeastMs = 0 }: Ending): void {
    if (client !== this.#client || this.#stopped) return
    const { clock, log, onLost } = this.#options
    const wasConnected = this.connected
    const lasted = this.#connectedAt === undefined ? 0 : clock.monotonic() - this.#connectedAt
    if (wasConnected) log.warn({ why }, 'disconnected from the broker')
    this.#client = undefined
    this.#connectedAt = undefined
    this.#silence.stop()
    this.#subscriptions.end()
    this.#leaving = hangUp(client, gently ? leaveMs : 0, clock)
    this.#cancelAttempt = clock.after(this.#retries.nextMs(lasted, atLeastMs), () => void this.#leaving.then(() => this.#attempt()))
    if (wasConnected) onLost()
  }
}
