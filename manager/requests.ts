// Asks devices for what is not state: only those that are Ready, each for its present session, with an end in every case.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../protocol/clock.js'
import { SkerryError } from '../protocol/errors.js'
import { leaseMs } from '../protocol/link.js'
import { protocolVersion } from '../protocol/messages/message.js'
import { type Request, type Response, requestCodec } from '../protocol/messages/request.js'
import { formatTopic } from '../protocol/topics.js'
import { takeUpMs, windowBytes } from './core/exchange.js'
import { type Device, nameOf } from './core/model.js'
import { Exchange } from './exchange.js'
import type { Inventory } from './inventory.js'
import type { Journal } from './journal.js'
import type { Link } from './link.js'
import type { Signing } from './signing.js'

interface RequestsOptions {
  readonly root: string
  readonly clock: Clock
  readonly journal: Journal
  readonly inventory: Inventory
  readonly signing: Pick<Signing, 'sign'>
}

export type Question = Pick<Request, 'app' | 'services' | 'follow' | 'tail' | 'sinceS' | 'timestamps' | 'holds'> & {
  readonly kind: 'logs' | 'restart' | 'report'
}

/** Of the agent, in times that a device has to take up a request. */
const patience = 2
/** Signs that somebody still waits, while the patience of the agent lasts. */
const renewals = 3

export class Requests {
  readonly #options: RequestsOptions
  readonly #open = new Map<string, Exchange>()
  #link: Link | undefined
  #unsubscribe = () => {}

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  /** Whether it could be asked for a report. */
  hears(device: Device): boolean {
    return this.#options.inventory.devices.get(device.id) === device && mayAnswer(device, 'report')
  }

  up(link: Link): void {
    this.#link = link
    this.#unsubscribe = this.#options.journal.subscribe(events => {
      if (events.some(({ type }) => type === 'device.not-ready' || type === 'device.unknown' || type === 'device.released'))
        this.#checkAll()
    })
  }

  down(): void {
    this.#link = undefined
    this.#unsubscribe()
    for (const exchange of this.#open.values()) exchange.fail(new SkerryError('broker.unavailable', 'the broker is not connected'))
  }

  /** A birth: in a new session nobody answers what was asked in the one before. */
  noteSession(device: string): void {
    for (const exchange of this.#open.values()) if (exchange.device === device) this.#checkOne(exchange)
  }

  /** An answer that nobody waits for is somebody else's, or late. */
  receive(device: string, rid: string, response: Response): void {
    const exchange = this.#open.get(rid)
    if (exchange?.device === device) exchange.receive(response)
  }

  /**
   * The answer's parts, the first of which says only that the device is at it; credit is given as they are taken. Throws
   * `device.unavailable`, `wait.timeout`, `response.lost`, `broker.unavailable`, the device's own fault, or the signal's reason.
   * `onAsked`: called once the question is on its way.
   */
  async *ask(device: Device, question: Question, signal: AbortSignal, onAsked = () => {}): AsyncGenerator<Response> {
    const rid = randomBytes(12).toString('base64url')
    const { epoch } = device.signs
    const { kind } = question
    this.#check({ device: device.id, epoch, kind })
    const send = (fields: Partial<Request> & Pick<Request, 'kind'>) => this.#send(device.id, rid, fields)
    const exchange = new Exchange({
      device: device.id,
      epoch,
      kind,
      send: fields => void send(fields).catch(error => exchange.fail(error)),
    })
    this.#open.set(rid, exchange)
    const waitMs = takeUpMs(leaseMs(device.signs.intervalS))
    const patienceS = Math.ceil((patience * waitMs) / 1000)
    const stopTimers = this.#startTimers(exchange, waitMs)
    const abort = () => exchange.fail(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      signal.throwIfAborted()
      if (this.#link !== undefined) onAsked()
      await send({ ...question, epoch, ...(kind === 'report' ? {} : { creditBytes: windowBytes, patienceS }) })
      yield* exchange.read()
    } finally {
      signal.removeEventListener('abort', abort)
      stopTimers()
      this.#open.delete(rid)
    }
  }

  #startTimers(exchange: Exchange, waitMs: number): () => void {
    const { clock } = this.#options
    let cancelRenewal = () => {}
    const renew = () => {
      cancelRenewal = clock.after((patience * waitMs) / renewals, () => {
        if (this.#checkOne(exchange) && exchange.kind !== 'report') exchange.renew()
        renew()
      })
    }
    renew()
    const cancelTakeUp = clock.after(waitMs, () => {
      if (exchange.answered) return
      exchange.fail(new SkerryError('wait.timeout', `the device has not answered within ${waitMs / 1000} s; its agent may be too old`))
    })
    return () => {
      cancelRenewal()
      cancelTakeUp()
    }
  }

  async #send(device: string, rid: string, fields: Partial<Request> & Pick<Request, 'kind'>): Promise<void> {
    if (this.#link === undefined) throw new SkerryError('broker.unavailable', 'the broker is not connected')
    const topic = formatTopic(this.#options.root, { kind: 'request', device, rid })
    const payload = requestCodec.encode({ version: protocolVersion, ...fields })
    await this.#link.publish(topic, this.#options.signing.sign(topic, payload), false)
  }

  #checkAll(): void {
    for (const exchange of this.#open.values()) this.#checkOne(exchange)
  }

  #checkOne(exchange: Exchange): boolean {
    try {
      this.#check(exchange)
      return true
    } catch (error) {
      if (error instanceof SkerryError) exchange.fail(error)
      return false
    }
  }

  /** Throws `device.unavailable` unless the device can answer, in the same session. */
  #check({ device: id, epoch, kind }: Pick<Exchange, 'device' | 'epoch' | 'kind'>): void {
    const device = this.#options.inventory.devices.get(id)
    if (device === undefined) throw new SkerryError('device.unavailable', `device ${id} has left the fleet`)
    if (!mayAnswer(device, kind)) {
      const why = device.reason === null ? '' : ` (${device.reason})`
      throw new SkerryError('device.unavailable', `device ${nameOf(device)} is ${device.state}${why}`)
    }
    if (device.signs.epoch !== epoch) throw new SkerryError('device.unavailable', `device ${nameOf(device)} has connected anew`)
  }
}

/** What runs can also be told while the Docker Engine does not answer. */
function mayAnswer({ state, reason }: Device, kind: Request['kind']): boolean {
  return state === 'Ready' || (kind === 'report' && reason === 'EngineUnavailable')
}
