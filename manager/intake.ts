// What comes from the wire, decoded; whatever is not as topics.md says is counted, logged once per source, and dropped.
import type { Logger } from 'pino'
import type { Refusal, Result } from '../protocol/errors.js'
import { type Heartbeat, heartbeatCodec, type Reported, reportedCodec, type Status, statusCodec } from '../protocol/messages.js'
import { parseTopic } from '../protocol/topics.js'

export interface Receiver {
  heartbeat(device: string, heartbeat: Heartbeat): void
  status(device: string, status: Status, live: boolean): void
  reported(device: string, reported: Reported): void
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

/** Sources that are remembered so as to be logged once; beyond this many none is logged any more. */
const maxSources = 10_000

export class Intake {
  readonly #root: string
  readonly #receiver: Receiver
  readonly #log: Logger
  readonly #sources = new Set<string>()
  readonly #dropped = new Map<string, number>()
  readonly #prefix: string
  #received = 0

  constructor(root: string, receiver: Receiver, log: Logger) {
    this.#root = root
    this.#receiver = receiver
    this.#log = log
    this.#prefix = `${root}/device/`
  }

  stats(): IntakeStats {
    return { received: this.#received, dropped: Object.fromEntries(this.#dropped) }
  }

  /** Never throws, whatever the bytes are. */
  handle(name: string, payload: Uint8Array, retained: boolean): void {
    this.#received++
    const topic = parseTopic(this.#root, name)
    if (topic === undefined) return this.#drop(name, { code: 'topic.invalid', message: 'no topic of a device' })
    if (topic.kind === 'spec') return
    if (topic.channel === 'desired') return this.#receiver.desired(name, payload)
    // A cleared topic: of a released device, or by an operator's hand.
    if (payload.length === 0 && topic.channel !== 'heartbeat') return
    switch (topic.channel) {
      case 'heartbeat':
        // A retained heartbeat is no sign of life: somebody kept it.
        if (retained) return this.#drop(name, { code: 'message.invalid', message: 'a heartbeat is never retained' })
        return this.#pass(name, heartbeatCodec.decode(payload), beat => this.#receiver.heartbeat(topic.device, beat))
      case 'status':
        return this.#pass(name, statusCodec.decode(payload), status => this.#receiver.status(topic.device, status, !retained))
      case 'reported':
        return this.#pass(name, reportedCodec.decode(payload), reported => this.#receiver.reported(topic.device, reported))
    }
  }

  #pass<T>(name: string, decoded: Result<T>, receive: (message: T) => void): void {
    if (decoded.ok) receive(decoded.value)
    else this.#drop(name, decoded.refusals[0])
  }

  #drop(name: string, refusal: Refusal): void {
    this.#dropped.set(refusal.code, (this.#dropped.get(refusal.code) ?? 0) + 1)
    if (this.#sources.has(name) || this.#sources.size >= maxSources) return
    this.#sources.add(name)
    this.#log.warn({ topic: name.slice(0, 200), ...refusal }, 'message dropped')
    this.#receiver.dropped(name.startsWith(this.#prefix) ? name : '', refusal)
  }
}
