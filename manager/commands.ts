// Commands of PLCs and SCADA programs, over MQTT or HTTP: taken in the order of arrival, done as the API does them, and each one answered.
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { type Answer, answerCodes, okAnswer, refusalAnswer } from '../protocol/answer.js'
import { type Command, type ReadCommand, readCommand } from '../protocol/command.js'
import { type CommandTopic, parseCommandTopic } from '../protocol/command-topics.js'
import { type Refusal, SkerryError } from '../protocol/errors.js'
import { isPermitTopic } from '../protocol/permit-topics.js'
import { type AnswerStats, Answers } from './answers.js'
import { Arrivals } from './arrivals.js'
import type { Target } from './core/model.js'
import type { Fleet } from './fleet.js'
import type { Link } from './link.js'
import { type Obeyed, obey } from './obey.js'
import { takePermit } from './permit-arrivals.js'
import { Restarts } from './restarts.js'
import { type Arrival, actorOf, deedOf, originOf, permitSender, type Senders } from './senders.js'
import { insertAnswer, type KnownCommand, readAnswer } from './store/commands.js'

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
  readonly #restarts: Restarts
  readonly #answers: Answers
  /** Targets that the present batch has changed. */
  readonly #changed = new Map<string, Target>()
  readonly #waiting = new Arrivals()
  /** Undoes what has been scheduled, if anything is. */
  #cancel: (() => void) | undefined
  #batchAt = Number.NEGATIVE_INFINITY
  #received = 0

  constructor(options: CommandsOptions) {
    this.#options = options
    this.#restarts = new Restarts(options.fleet)
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

  /** What waits is dropped; nothing is done any more. */
  stop(): void {
    this.#waiting.keep(() => false)
    this.#cancel?.()
    this.#cancel = undefined
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
      void this.#options.fleet.audit.actAs(actorOf(arrival), outcome).then(answer => this.#answer(arrival, answer))
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
          outcomes.push(audit.actAs(actorOf(arrival), () => this.#handle(arrival)))
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

  #handle(arrival: Arrival): Outcome {
    const { topic, payload, retained } = arrival
    if (isPermitTopic(this.#options.root, topic)) return this.#takePermit(arrival)
    const target = parseCommandTopic(this.#options.root, topic)
    if (!target.ok) return refusalAnswer(target.refusals, {})
    const { command, id, ...read } = readCommand(target.value, payload)
    const about = { ...(id === undefined ? {} : { id }), warnings: read.warnings }
    const stale = this.#staleness(read.expiresAt, retained)
    if (stale !== undefined) return refusalAnswer([stale], about)
    const permitted = permitSender(this.#options.senders, arrival, target.value)
    if (!permitted.ok) return refusalAnswer(permitted.refusals, about)
    if (!command.ok) return refusalAnswer(command.refusals, about)
    const known = id === undefined ? undefined : { topic, id, digest: createHash('sha256').update(payload).digest() }
    return (known && this.#before(known)) ?? this.#act(target.value, { ...about, command: command.value }, { arrival, known })
  }

  /** What the manager has published itself is no command to it. */
  #takePermit(arrival: Arrival): Outcome {
    if (!('caller' in arrival) && this.#options.fleet.permits.takeEcho(arrival.topic, arrival.payload)) return undefined
    return this.#try({}, () => takePermit(this.#options, arrival))
  }

  #staleness(expiresAt: number | undefined, retained: boolean): Refusal | undefined {
    if (retained) return { code: 'command.retained', message: 'a command with the retain flag is stale: nothing was changed' }
    if (expiresAt === undefined || this.#options.fleet.clock.now() <= expiresAt) return undefined
    return { code: 'command.expired', message: `the command expired at ${new Date(expiresAt).toISOString()}: nothing was changed` }
  }

  /** The answer to an id that came before. */
  #before(known: KnownCommand): Answer | undefined {
    const { db, clock } = this.#options.fleet
    const found = readAnswer(db, known, clock.now())
    if (found === undefined) return undefined
    if (found.same) return { ...(JSON.parse(found.answer) as Answer), repeated: true }
    const { id } = known
    return refusalAnswer([{ code: 'command.repeated', message: `the id ${id} was that of another command: nothing was changed` }], { id })
  }

  #act(target: CommandTopic, { command, warnings, id }: Accepted, { arrival, known }: Sent): Outcome {
    const { fleet } = this.#options
    const about = { ...(id === undefined ? {} : { id }), verb: command.verb, app: command.app }
    const accept = ({ text, warnings: more, target: on, ...done }: Obeyed) => {
      if (done.changed === true && command.verb !== 'restart') this.#changed.set(`${on.kind}/${on.name}`, on)
      return okAnswer(text, done, { ...about, warnings: [...warnings, ...more] })
    }
    if (command.verb === 'restart' && command.wanted) {
      return async () => {
        const answer = await this.#restarts.ask(target, command.app).then(accept, error => this.#refusal(error, about))
        this.#rememberLate(known, answer)
        return answer
      }
    }
    const answer = this.#try(about, () => accept(obey(fleet, target, command, originOf(arrival))))
    this.#remember(known, answer)
    return answer
  }

  /** What could not be done just now may be tried again with the same id. */
  #remember(known: KnownCommand | undefined, answer: Answer): void {
    const { db, clock } = this.#options.fleet
    if (known !== undefined && answer.code < answerCodes.unavailable) insertAnswer(db, known, JSON.stringify(answer), clock.now())
  }

  #rememberLate(known: KnownCommand | undefined, answer: Answer): void {
    if (known === undefined || answer.code >= answerCodes.unavailable) return
    try {
      this.#options.fleet.db.durably(() => this.#remember(known, answer))
    } catch (error) {
      this.#options.log.error({ err: error }, 'answer not stored')
    }
  }

  #try(about: About, act: () => Answer): Answer {
    try {
      return act()
    } catch (error) {
      return this.#refusal(error, about)
    }
  }

  #refusal(error: unknown, about: About): Answer {
    if (error instanceof SkerryError) return refusalAnswer([error.refusal, ...error.others], about)
    this.#options.log.error({ err: error, ...about }, 'command failed')
    return refusalAnswer([{ code: 'internal', message: 'the manager failed; its log says how' }], about)
  }
}

/** A command that was understood. */
type Accepted = Pick<ReadCommand, 'warnings' | 'id'> & { readonly command: Command }

type About = Pick<Answer, 'id' | 'verb' | 'app'>

/** An answer, or how to get at it when the transaction is over; undefined where nobody has asked. */
type Outcome = Answer | (() => Promise<Answer>) | undefined

interface Sent {
  readonly arrival: Arrival
  readonly known: KnownCommand | undefined
}

const unanswerable: Refusal = { code: 'broker.unavailable', message: 'nobody could be answered' }
const busy: Refusal = { code: 'command.busy', message: 'too many commands wait: try again later' }
const notStored: Refusal = { code: 'internal', message: 'the command could not be stored: nothing was changed' }
