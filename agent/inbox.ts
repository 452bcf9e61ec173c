// What comes over the agent's topics: let in if the manager has signed it, checked, handed on, or counted and dropped.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { kidOf } from '../protocol/cose.js'
import type { Refusal } from '../protocol/errors.js'
import type { ReleaseMode } from '../protocol/messages/manifest.js'
import type { Fault } from '../protocol/messages/message.js'
import { followKeys, openSigned } from '../protocol/signed.js'
import { formatTopic, parseTopic, requestsTo, type Topic } from '../protocol/topics.js'
import { retainedMs } from './core/liveness.js'
import type { Holdings, Reception } from './holdings.js'
import { Refusals } from './refusals.js'
import type { SigningKeys } from './signing-keys.js'

export interface InboxOptions {
  readonly root: string
  readonly device: string
  readonly holdings: Holdings
  readonly keys: SigningKeys
  readonly clock: Clock
  readonly log: Logger
  /** A group that has sent no manifest in the time that follows from it has none. */
  readonly leaseMs: () => number
  /** What is held, known not to be, or needed has changed. */
  readonly onDesired: () => void
  /** The faults have changed, or the key that the device goes by. */
  readonly onStanding: () => void
  /** The retained messages of these topics are wanted once more. */
  readonly onAskAgain: (topics: readonly string[]) => void
  readonly onEpochFloor: (floor: number) => void
  readonly onRelease: (mode: ReleaseMode) => void
  /** Returns why the message is dropped, if nothing can be made of it. */
  readonly onRequest: (rid: string, payload: Uint8Array) => Refusal | undefined
}

const writeAgainMs = 10_000

type RequestTopic = Extract<Topic, { readonly rid: string }>

export class Inbox {
  readonly #options: InboxOptions
  /** Groups that have no manifest. */
  readonly #empty = new Set<string>()
  readonly #timers = new Map<string, () => void>()
  /** Sources that were complained about. */
  readonly #blamed = new Set<string>()
  /** Topics whose last message could not be written, with what cancels the next try. */
  readonly #unwritten = new Map<string, () => void>()
  readonly #refusals: Refusals
  #dropped = 0

  constructor(options: InboxOptions) {
    this.#options = options
    this.#refusals = new Refusals({ clock: options.clock, onChange: options.onStanding })
  }

  /** Payloads that were dropped because nothing could be made of them. */
  get dropped(): number {
    return this.#dropped
  }

  /** What was refused as not being the manager's word, on topics that still concern this device. */
  faults(): Fault[] {
    const concerns = new Set([...this.#signedTopics(), this.#requests()].map(name => this.#pathOf(name)))
    return this.#refusals.list().filter(({ path = '' }) => concerns.has(path))
  }

  /** The keys come first: what they are needed for may follow at once. The fleet's manifest is there once the device's says so. */
  topics(): string[] {
    const { root, holdings } = this.#options
    const specs = holdings.missingSpecs().map(digest => formatTopic(root, { kind: 'spec', digest }))
    const signed = this.#signedTopics().filter(name => holdings.needsFleet() || name !== this.#fleet())
    return [...signed, this.#requests(), ...specs]
  }

  isEmptyGroup(group: string): boolean {
    return this.#empty.has(group)
  }

  /** A new session: what has no manifest must show so again. */
  noteSession(): void {
    this.#clearTimers()
    for (const name of [this.#requests(), this.#keys()]) this.#refusals.clear(this.#pathOf(name))
  }

  noteSubscribed(name: string): void {
    const topic = parseTopic(this.#options.root, name)
    if (topic?.kind !== 'group') return
    const { group } = topic
    this.#timers.get(group)?.()
    this.#timers.set(
      group,
      this.#options.clock.after(retainedMs(this.#options.leaseMs()), () => {
        this.#timers.delete(group)
        if (!this.#options.holdings.unknownGroups().includes(group)) return
        this.#empty.add(group)
        this.#options.onDesired()
      }),
    )
  }

  /** Never throws, whatever comes. An empty payload is a cleared topic, and changes nothing but that keys that were refused are gone. */
  receive(name: string, payload: Buffer, retained = false): void {
    if (payload.length === 0) {
      if (name === this.#keys()) this.#refusals.clear(this.#pathOf(name))
      return
    }
    const topic = parseTopic(this.#options.root, name)
    if (topic?.kind === 'request') return void this.#receiveRequest(topic, name, retained ? undefined : payload)
    const reception = topic === undefined ? unexpected(name) : this.#tryAccept(topic, name, payload)
    if (typeof reception === 'string') this.#refusals.clear(this.#pathOf(name))
    else this.#drop(name, reception)
    if (reception === 'taken') this.#options.onDesired()
  }

  stop(): void {
    this.#clearTimers()
    this.#refusals.stop()
    for (const cancel of this.#unwritten.values()) cancel()
    this.#unwritten.clear()
  }

  /** What the disk does not take now is tried again until it does, or something newer comes: the broker will not send it again. */
  #tryAccept(topic: Topic, name: string, payload: Buffer): Reception {
    const failedBefore = this.#unwritten.get(name)
    failedBefore?.()
    this.#unwritten.delete(name)
    try {
      return this.#accept(topic, name, payload)
    } catch (error) {
      if (failedBefore === undefined) this.#options.log.error({ err: error, topic: name }, 'what was received cannot be written to disk')
      this.#unwritten.set(
        name,
        this.#options.clock.after(writeAgainMs, () => this.receive(name, payload)),
      )
      return 'known'
    }
  }

  #accept(topic: Topic, name: string, payload: Buffer): Reception {
    const { holdings } = this.#options
    if (topic.kind === 'spec') return holdings.isMissing(topic.digest) ? holdings.receiveSpec(topic.digest, payload) : 'known'
    if (topic.kind === 'group' && !holdings.groupNames().includes(topic.group)) return 'known'
    if (!this.#signedTopics().includes(name)) return unexpected(name)
    if (topic.kind === 'fleet' && topic.channel === 'keys') return this.#acceptKeys(payload)
    const opened = openSigned(payload, name, this.#options.keys.keys())
    return opened.ok ? this.#acceptManifest(topic, opened.value) : opened.refusals[0]
  }

  #acceptManifest(topic: Topic, payload: Uint8Array): Reception {
    const { holdings } = this.#options
    if (topic.kind === 'fleet') return holdings.receiveFleet(payload)
    if (topic.kind !== 'group') return this.#acceptDevice(payload)
    const reception = holdings.receiveGroup(topic.group, payload)
    if (reception === 'taken') this.#empty.delete(topic.group)
    return reception
  }

  #acceptDevice(payload: Uint8Array): Reception {
    const { holdings, onEpochFloor, onRelease, onDesired } = this.#options
    const neededFleet = holdings.needsFleet()
    const { reception, manifest } = holdings.receiveDevice(payload)
    if (holdings.needsFleet() && !neededFleet) onDesired()
    if (typeof reception !== 'string') return reception
    for (const group of this.#empty) if (!holdings.groupNames().includes(group)) this.#empty.delete(group)
    if (manifest?.epochFloor !== undefined) onEpochFloor(manifest.epochFloor)
    if (reception === 'taken' && manifest?.release !== undefined) onRelease(manifest.release)
    return reception
  }

  /** What was refused for want of the newest key has its turn now. */
  #acceptKeys(payload: Uint8Array): Reception {
    const { root, keys, log, onStanding, onAskAgain } = this.#options
    const held = keys.keys()
    const followed = followKeys(payload, held)
    if (!followed.ok) return followed.refusals[0]
    if (followed.value === held) return 'known'
    keys.replace(followed.value)
    log.info({ keys: followed.value.map(key => Buffer.from(kidOf(key)).toString('hex')) }, 'the manager has a new signing key')
    onStanding()
    onAskAgain(this.#refusals.of('manifest.foreign').map(path => `${root}/${path}`))
    return 'known'
  }

  /** All requests are one source: each has a topic of its own. Without a payload it is one that a broker has kept. */
  #receiveRequest({ device, rid }: RequestTopic, name: string, payload: Buffer | undefined): void {
    const refusal = device === this.#options.device ? this.#ask(name, rid, payload) : unexpected('request')
    if (refusal === undefined) this.#refusals.clear(this.#pathOf(this.#requests()))
    else this.#drop(this.#requests(), refusal)
  }

  #ask(name: string, rid: string, payload: Buffer | undefined): Refusal | undefined {
    if (payload === undefined) return keptRequest
    const opened = openSigned(payload, name, this.#options.keys.keys())
    return opened.ok ? this.#options.onRequest(rid, opened.value) : opened.refusals[0]
  }

  #signedTopics(): string[] {
    const { root, device, holdings } = this.#options
    return [
      this.#keys(),
      this.#fleet(),
      formatTopic(root, { kind: 'device', device, channel: 'desired' }),
      ...holdings.groupNames().map(group => formatTopic(root, { kind: 'group', group, channel: 'desired' })),
    ]
  }

  #keys(): string {
    return formatTopic(this.#options.root, { kind: 'fleet', channel: 'keys' })
  }

  #fleet(): string {
    return formatTopic(this.#options.root, { kind: 'fleet', channel: 'desired' })
  }

  #requests(): string {
    return requestsTo(this.#options.root, this.#options.device)
  }

  /** A topic below the root. */
  #pathOf(name: string): string {
    return name.slice(this.#options.root.length + 1)
  }

  #drop(source: string, refusal: Refusal): void {
    this.#dropped++
    if (refusal.code.startsWith('manifest.')) this.#refusals.note(this.#pathOf(source), refusal)
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
