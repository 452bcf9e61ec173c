// What comes from the wire, decoded; whatever is not as topics.md says is counted, logged once per source, and dropped.
import type { Logger } from 'pino'
import type { Refusal, Result } from '../protocol/errors.js'
import { type JoinRequest, joinRequestCodec } from '../protocol/join.js'
import { type Changes, changesCodec, stampOf } from '../protocol/messages/changes.js'
import { type Heartbeat, heartbeatCodec } from '../protocol/messages/heartbeat.js'
import { type Reported, reportedCodec } from '../protocol/messages/reported.js'
import { type Response, responseCodec } from '../protocol/messages/request.js'
import { type Status, statusCodec } from '../protocol/messages/status.js'
import { type Usage, usageCodec } from '../protocol/messages/usage.js'
import { parseTopic, type Topic } from '../protocol/topics.js'
import type { Origin } from './core/reports.js'

export interface Receiver {
  heartbeat(device: string, heartbeat: Heartbeat): void
  status(device: string, status: Status, live: boolean): void
  usage(device: string, usage: Usage): void
  reported(device: string, reported: Reported, origin: Origin): void
  /** `stamp` is that of the message. */
  changes(device: string, changes: Changes, stamp: Uint8Array): void
  response(device: string, rid: string, response: Response): void
  /** From whoever has that key. */
  join(key: string, request: JoinRequest): void
  renewal(device: string, request: JoinRequest): void
  /** A retained manifest on the broker: what agents are told at present. Empty if there is none any more. */
  desired(topic: string, payload: Uint8Array): void
  /** For the first message dropped of a source, a topic. */
  dropped(topic: string, refusal: Refusal): void
}

export interface IntakeStats {
  readonly received: number
  /** By reason, an error code. */
  readonly dropped: Readonly<Record<string, number>>
}

type DeviceTopic = Extract<Topic, { kind: 'device' }>
type JoinTopic = Extract<Topic, { kind: 'join' }>
type ExchangeTopic = Extract<Topic, { kind: 'request' | 'response' }>

/** Sources that are remembered so as to be logged once; beyond this many none is logged any more. */
const maxSources = 10_000
const maxSourceChars = 200

export class Intake {
  readonly #root: string
  readonly #receiver: Receiver
  readonly #log: Logger
  readonly #sources = new Set<string>()
  readonly #dropped = new Map<string, number>()
  #received = 0

  constructor(root: string, receiver: Receiver, log: Logger) {
    this.#root = root
    this.#receiver = receiver
    this.#log = log
  }

  stats(): IntakeStats {
    return { received: this.#received, dropped: Object.fromEntries(this.#dropped) }
  }

  /** Never throws, whatever the bytes are. */
  handle(name: string, payload: Uint8Array, retained: boolean): void {
    this.#received++
    const topic = parseTopic(this.#root, name)
    if (topic === undefined) this.#drop(name, { code: 'topic.invalid', message: 'no topic of a device' })
    else if (topic.kind === 'group' || topic.kind === 'fleet') this.#receiver.desired(name, payload)
    else if (topic.kind === 'response') this.#handleResponse(name, topic, payload, retained)
    else if (topic.kind === 'join') this.#handleJoin(name, topic, payload, retained)
    else if (topic.kind === 'device') this.#handleChannel(name, topic, payload, retained)
  }

  #handleChannel(name: string, { device, channel }: DeviceTopic, payload: Uint8Array, retained: boolean): void {
    switch (channel) {
      case 'heartbeat':
        // A retained heartbeat is no sign of life: somebody kept it.
        if (retained) this.#drop(name, { code: 'message.invalid', message: 'a heartbeat is never retained' })
        else this.#pass(name, heartbeatCodec.decode(payload), beat => this.#receiver.heartbeat(device, beat))
        break
      case 'status':
        if (isCleared(payload)) break
        this.#pass(name, statusCodec.decode(payload), status => this.#receiver.status(device, status, !retained))
        break
      case 'reported':
        if (isCleared(payload)) break
        this.#pass(name, reportedCodec.decode(payload), reported =>
          this.#receiver.reported(device, reported, { stamp: stampOf(payload), live: !retained }),
        )
        break
      case 'changes':
        if (retained) this.#drop(name, { code: 'message.invalid', message: 'changes are never retained' })
        else this.#pass(name, changesCodec.decode(payload), changes => this.#receiver.changes(device, changes, stampOf(payload)))
        break
      case 'desired':
        this.#receiver.desired(name, payload)
        break
      case 'renewal':
        if (retained) this.#drop(name, { code: 'message.invalid', message: 'a request for a certificate is never retained' })
        else this.#pass(name, joinRequestCodec.decode(payload), request => this.#receiver.renewal(device, request))
        break
      case 'usage':
        if (retained) this.#drop(name, { code: 'message.invalid', message: 'an account of bytes is never retained' })
        else this.#pass(name, usageCodec.decode(payload), usage => this.#receiver.usage(device, usage))
        break
      case 'certificate':
        break
    }
  }

  /** All answers of a device are one source: each request has a topic of its own. */
  #handleResponse(name: string, { device, rid }: ExchangeTopic, payload: Uint8Array, retained: boolean): void {
    const source = `${this.#root}/device/${device}/response`
    if (retained) this.#drop(name, { code: 'message.invalid', message: 'a response is never retained' }, source)
    else this.#pass(name, responseCodec.decode(payload), response => this.#receiver.response(device, rid, response), source)
  }

  /** All who want to join are one source: their names are their own. */
  #handleJoin(name: string, { key, channel }: JoinTopic, payload: Uint8Array, retained: boolean): void {
    const source = `${this.#root}/join`
    if (channel !== 'request') return
    if (retained) this.#drop(name, { code: 'message.invalid', message: 'a request to join is never retained' }, source)
    else this.#pass(name, joinRequestCodec.decode(payload), request => this.#receiver.join(key, request), source)
  }

  #pass<T>(name: string, decoded: Result<T>, receive: (message: T) => void, source = name): void {
    try {
      if (decoded.ok) receive(decoded.value)
      else this.#drop(name, decoded.refusals[0], source)
    } catch (error) {
      this.#log.error({ err: error, topic: name.slice(0, 200) }, 'message not taken in')
      this.#count('internal')
    }
  }

  #count(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1)
  }

  #drop(name: string, refusal: Refusal, from = name): void {
    this.#count(refusal.code)
    const source = from.slice(0, maxSourceChars)
    if (this.#sources.has(source) || this.#sources.size >= maxSources) return
    this.#sources.add(source)
    this.#log.warn({ topic: name.slice(0, 200), ...refusal }, 'message dropped')
    this.#receiver.dropped(name, refusal)
  }
}

/** The retained message was taken away: of a released device, or by an operator's hand. */
function isCleared(payload: Uint8Array): boolean {
  return payload.length === 0
}
