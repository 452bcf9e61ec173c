// What the broker retains on a topic: asked for by subscriptions of a moment, those of several who ask in one.
import type { Clock } from '../../protocol/clock.js'
import { SkerryError } from '../../protocol/errors.js'
import type { Link } from '../link.js'

interface RetainedOptions {
  /** A topic on which something is always retained. A broker tells in the order of the filters: what has not come before it is not there. */
  readonly last: string
  readonly clock: Clock
}

type Found = ReadonlyMap<string, Uint8Array>

/** Topics that are asked for together. */
interface Round {
  readonly topics: Set<string>
  readonly answer: Promise<Found>
}

/** The round that is under way. */
interface Asking {
  readonly topics: ReadonlySet<string>
  readonly found: Map<string, Uint8Array>
  tell(): void
  fail(error: SkerryError): void
}

/** As many of the longest topics as fit into a packet. */
const topicsOfRound = 50
/** Rounds that may wait: beyond it nobody is asked. */
const maxRounds = 20
const answerMs = 5000

export class Retained {
  readonly #options: RetainedOptions
  readonly #waiting: Round[] = []
  #before: Promise<unknown> = Promise.resolve()
  #link: Link | undefined
  #asking: Asking | undefined

  constructor(options: RetainedOptions) {
    this.#options = options
  }

  up(link: Link): void {
    this.#link = link
  }

  down(): void {
    this.#link = undefined
    this.#asking?.fail(unavailable('the broker is not connected'))
  }

  /** Undefined if nothing is retained there. Throws `broker.unavailable` or `command.busy`. */
  async read(topic: string): Promise<Uint8Array | undefined> {
    const last = this.#waiting.at(-1)
    const round = last === undefined || last.topics.size >= topicsOfRound ? this.#queue() : last
    round.topics.add(topic)
    return (await round.answer).get(topic)
  }

  hear(topic: string, payload: Uint8Array): void {
    if (this.#asking?.topics.has(topic) === true) this.#asking.found.set(topic, payload)
    if (topic === this.#options.last) this.#asking?.tell()
  }

  #queue(): Round {
    if (this.#waiting.length >= maxRounds) throw new SkerryError('command.busy', 'too many ask just now: try again later')
    const topics = new Set<string>()
    const answer = this.#before.then(() => {
      this.#waiting.shift()
      return this.#ask(topics)
    })
    this.#before = answer.catch(() => {})
    const round = { topics, answer }
    this.#waiting.push(round)
    return round
  }

  async #ask(topics: ReadonlySet<string>): Promise<Found> {
    const link = this.#link
    if (link === undefined) throw unavailable('the broker is not connected')
    const { last, clock } = this.#options
    const filters = [...[...topics].filter(topic => topic !== last), last]
    const found = new Map<string, Uint8Array>()
    const told = new Promise<void>((tell, fail) => {
      this.#asking = { topics, found, tell, fail }
    })
    const cancel = clock.after(answerMs, () => this.#asking?.fail(unavailable('the broker does not answer')))
    try {
      await Promise.all([told, link.subscribe(filters.map(filter => ({ filter, qos: 0 })))])
      return found
    } finally {
      cancel()
      await link.unsubscribe(filters).catch(() => {})
      this.#asking = undefined
    }
  }
}

function unavailable(message: string): SkerryError {
  return new SkerryError('broker.unavailable', message)
}
