// Commands of PLCs and SCADA programs, over MQTT or HTTP: done in the order of arrival, many in one transaction, and each one answered.
import type { Logger } from 'pino'
import { type Answer, refusalAnswer } from '../protocol/answer.js'
import type { Refusal } from '../protocol/errors.js'
import { isPermitTopic } from '../protocol/permit-topics.js'
import { type AnswerStats, Answers } from './answers.js'
import { Arrivals } from './arrivals.js'
import { CommandHandler, type Outcome } from './command-handler.js'
import { keyOf, type Target } from './core/model.js'
import type { Fleet } from './fleet.js'
import type { Link } from './link.js'
import { type Arrival, actorOf, deedOf, type Senders } from './senders.js'

interface CommandsOptions {
  readonly root: string
  readonly fleet: Fleet
  readonly senders: Senders
  readonly log: Logger
  /** Publishes the states of a target at once: they are to be there before the answer. */
  tellStates(target: Target): void
}

export interface CommandStats extends AnswerStats {
  readonly received: number
}

/** Commands done in one transaction, and how long one may take until everything else has its turn. */
const batch = 500
const batchMs = 20
/** The first command after a pause is done at once; those that follow are gathered for so long, for one write to the disk. */
const gatherMs = 50

export class Commands {
  readonly #options: CommandsOptions
  readonly #handler: CommandHandler
  readonly #answers: Answers
  /** Targets that the present batch has changed. */
  readonly #changed = new Map<string, Target>()
  readonly #waiting = new Arrivals()
  /** Undoes what has been scheduled, if anything is. */
  #cancel: (() => void) | undefined
  #batchAt = Number.NEGATIVE_INFINITY
  #received = 0
  /** Restarts whose answers are still to come. */
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: CommandsOptions) {
    this.#options = options
    this.#handler = new CommandHandler({ ...options, onChanged: target => this.#changed.set(keyOf(target), target) })
    this.#answers = new Answers(options.root, options.log)
  }

  stats(): CommandStats {
    return { received: this.#received, ...this.#answers.stats }
  }

  up(link: Link): void {
    this.#answers.up(link)
  }

  /** Over MQTT nobody could be answered: what waits of it is dropped, as what comes meanwhile is. */
  down(): void {
    this.#answers.down()
    this.#waiting.keep(arrival => 'reply' in arrival)
  }

  /** What waits is dropped; nothing is done any more. Without a broker restarts under way have an end: it is awaited. */
  async stop(): Promise<void> {
    this.#waiting.keep(() => false)
    this.#cancel?.()
    this.#cancel = undefined
    await Promise.all(this.#underWay)
  }

  /** Returns at once; never throws, whatever the bytes are. */
  receive(arrival: Arrival): void {
    const { topic, payload, retained } = arrival
    this.#received++
    // So a retained message is taken away: no command.
    if (retained && payload.length === 0 && !('reply' in arrival) && !isPermitTopic(this.#options.root, topic)) return
    if (!('reply' in arrival) && !this.#answers.canTell) this.#answer(arrival, refusalAnswer([unanswerable], {}))
    else if (!this.#waiting.add(arrival)) this.#answer(arrival, refusalAnswer([busy], {}))
    else this.#schedule(this.#batchAt + gatherMs - this.#options.fleet.clock.monotonic())
  }

  #schedule(waitMs: number): void {
    if (this.#cancel !== undefined || this.#waiting.isEmpty) return
    if (waitMs > 0) {
      this.#cancel = this.#options.fleet.clock.after(waitMs, () => this.#next())
      return
    }
    const turn = setImmediate(() => this.#next())
    this.#cancel = () => clearImmediate(turn)
  }

  #next(): void {
    this.#cancel = undefined
    this.#batchAt = this.#options.fleet.clock.monotonic()
    const arrivals = this.#waiting.first(batch)
    const outcomes = this.#take(arrivals)
    for (const target of this.#changed.values()) this.#options.tellStates(target)
    this.#changed.clear()
    for (const [n, outcome] of outcomes.entries()) {
      const arrival = arrivals[n]
      if (arrival !== undefined) this.#tell(arrival, outcome)
    }
    // What is left over has waited long enough.
    this.#schedule(0)
  }

  #tell(arrival: Arrival, outcome: Outcome): void {
    if (outcome === undefined) return
    if (typeof outcome === 'function') {
      const answered = this.#options.fleet.audit.actAs(actorOf(arrival), outcome).then(answer => this.#answer(arrival, answer))
      this.#underWay.add(answered)
      void answered.finally(() => this.#underWay.delete(answered))
    } else {
      this.#answer(arrival, outcome)
    }
  }

  #answer(arrival: Arrival, answer: Answer): void {
    const { root, fleet } = this.#options
    if (answer.error !== undefined) fleet.audit.refused(deedOf(root, arrival.topic), answer.error, actorOf(arrival))
    this.#answers.count(arrival.topic, answer)
    if ('reply' in arrival) arrival.reply(answer)
    else this.#answers.tell(arrival.topic, answer)
  }

  /** Outcomes of the first arrivals, as many as there was time for; they no longer wait. */
  #take(arrivals: readonly Arrival[]): Outcome[] {
    const { clock, journal, audit } = this.#options.fleet
    const until = clock.monotonic() + batchMs
    const outcomes: Outcome[] = []
    try {
      journal.together(() => {
        for (const arrival of arrivals) {
          if (outcomes.length > 0 && clock.monotonic() > until) break
          outcomes.push(audit.actAs(actorOf(arrival), () => this.#handler.handle(arrival)))
        }
      })
      return outcomes
    } catch (error) {
      this.#options.log.error({ err: error, commands: outcomes.length }, 'commands not stored')
      return Array.from({ length: Math.max(1, outcomes.length) }, () => refusalAnswer([notStored], {}))
    } finally {
      this.#waiting.drop(Math.max(1, outcomes.length))
    }
  }
}

const unanswerable: Refusal = { code: 'broker.unavailable', message: 'nobody could be answered' }
const busy: Refusal = { code: 'command.busy', message: 'too many commands wait: try again later' }
const notStored: Refusal = { code: 'internal', message: 'the command could not be stored: nothing was changed' }
