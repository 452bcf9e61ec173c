// What comes over the agent's topics: checked, handed on, or counted and dropped.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { Refusal } from '../protocol/errors.js'
import type { ReleaseMode } from '../protocol/messages.js'
import { formatTopic, parseTopic, requestsTo, type Topic } from '../protocol/topics.js'
import type { Holdings, Reception } from './holdings.js'

export interface InboxOptions {
  readonly root: string
  readonly device: string
  readonly holdings: Holdings
  readonly clock: Clock
  readonly log: Logger
  /** What is held, or known not to be, has changed. */
  readonly onDesired: () => void
  readonly onEpochFloor: (floor: number) => void
  readonly onRelease: (mode: ReleaseMode) => void
  /** Returns why the message is dropped, if nothing can be made of it. */
  readonly onRequest: (rid: string, payload: Uint8Array) => Refusal | undefined
}

/** A retained manifest follows its subscription at once; a group that has sent none by then has none. */
const retainedWithinMs = 2_000

const writeAgainMs = 10_000

export class Inbox {
  readonly #options: InboxOptions
  /** Groups that have no manifest. */
  readonly #empty = new Set<string>()
  readonly #timers = new Map<string, () => void>()
  /** Sources that were complained about. */
  readonly #blamed = new Set<string>()
  /** Topics whose last message could not be written, with what cancels the next try. */
  readonly #unwritten = new Map<string, () => void>()
  #dropped = 0

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** Payloads that were dropped because nothing could be made of them. */
  get dropped(): number {
    return this.#dropped
  }

  topics(): string[] {
    const { root, device, holdings } = this.#options
    return [
      formatTopic(root, { kind: 'device', device, channel: 'desired' }),
      requestsTo(root, device),
      ...holdings.groupNames().map(group => formatTopic(root, { kind: 'group', group, channel: 'desired' })),
      ...holdings.missingSpecs().map(digest => formatTopic(root, { kind: 'spec', digest })),
    ]
  }

  isEmptyGroup(group: string): boolean {
    return this.#empty.has(group)
  }

  /** A new session: what has no manifest must show so again. */
  noteSession(): void {
    this.#clearTimers()
  }

  noteSubscribed(name: string): void {
    const topic = parseTopic(this.#options.root, name)
    if (topic?.kind !== 'group') return
    const { group } = topic
    this.#timers.get(group)?.()
    this.#timers.set(
      group,
      this.#options.clock.after(retainedWithinMs, () => {
        this.#timers.delete(group)
        if (!this.#options.holdings.unknownGroups().includes(group)) return
        this.#empty.add(group)
        this.#options.onDesired()
      }),
    )
  }

  /** Never throws, whatever comes. An empty payload is a cleared topic, and changes nothing. */
  receive(name: string, payload: Buffer, retained = false): void {
    if (payload.length === 0) return
    const topic = parseTopic(this.#options.root, name)
    if (topic?.kind === 'request') return void this.#ask(topic.device, topic.rid, retained ? undefined : payload)
    const reception = topic === undefined ? unexpected(name) : this.#tryAccept(topic, name, payload)
    if (reception === 'taken') this.#options.onDesired()
    else if (reception !== 'known') this.#drop(name, reception)
  }

  stop(): void {
    this.#clearTimers()
    for (const cancel of this.#unwritten.values()) cancel()
    this.#unwritten.clear()
  }

  /** What the disk does not take now is tried again until it does, or something newer comes: the broker will not send it again. */
  #tryAccept(topic: Topic, name: string, payload: Buffer): Reception {
    const failedBefore = this.#unwritten.get(name)
    failedBefore?.()
    this.#unwritten.delete(name)
    try {
      return this.#accept(topic, payload)
    } catch (error) {
      if (failedBefore === undefined) this.#options.log.error({ err: error, topic: name }, 'what was received cannot be written to disk')
      this.#unwritten.set(
        name,
        this.#options.clock.after(writeAgainMs, () => this.receive(name, payload)),
      )
      return 'known'
    }
  }

  #accept(topic: Topic, payload: Buffer): Reception {
    const { holdings } = this.#options
    switch (topic.kind) {
      case 'device':
        return topic.device === this.#options.device && topic.channel === 'desired' ? this.#acceptDevice(payload) : unexpected(topic.kind)
      case 'group': {
        const reception = holdings.receiveGroup(topic.group, payload)
        if (reception === 'taken') this.#empty.delete(topic.group)
        return reception
      }
      case 'request':
      case 'response':
      case 'join':
      case 'fleet':
        return unexpected(topic.kind)
      case 'spec':
        return holdings.isMissing(topic.digest) ? holdings.receiveSpec(topic.digest, payload) : 'known'
    }
  }

  #acceptDevice(payload: Buffer): Reception {
    const { holdings, onEpochFloor, onRelease } = this.#options
    const { reception, manifest } = holdings.receiveDevice(payload)
    for (const group of this.#empty) if (!holdings.groupNames().includes(group)) this.#empty.delete(group)
    if (manifest?.epochFloor !== undefined) onEpochFloor(manifest.epochFloor)
    if (reception === 'taken' && manifest?.release !== undefined) onRelease(manifest.release)
    return reception
  }

  /** All requests are one source: each has a topic of its own. Without a payload it is one that a broker has kept. */
  #ask(device: string, rid: string, payload: Buffer | undefined): void {
    const { root, onRequest } = this.#options
    const refusal = device !== this.#options.device ? unexpected('request') : payload === undefined ? keptRequest : onRequest(rid, payload)
    if (refusal !== undefined) this.#drop(requestsTo(root, this.#options.device), refusal)
  }

  #drop(source: string, refusal: Refusal): void {
    this.#dropped++
    if (this.#blamed.has(source) || this.#blamed.size >= 1000) return
    this.#blamed.add(source)
    this.#options.log.warn({ topic: source, ...refusal }, 'a message was dropped; more from this topic are dropped in silence')
  }

  #clearTimers(): void {
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
  }
}

const keptRequest: Refusal = { code: 'message.invalid', message: 'a request is never retained' }

function unexpected(name: string): Refusal {
  return { code: 'topic.invalid', message: `nothing is expected on ${name.slice(0, 200)}` }
}
