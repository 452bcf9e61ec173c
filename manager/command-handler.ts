// One command: whether its sender may send it, what it does, and its answer. One that comes again is answered as it was before.
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { type Answer, answerCodes, okAnswer, refusalAnswer } from '../protocol/answer.js'
import { type Command, type ReadCommand, readCommand } from '../protocol/command.js'
import { type CommandTopic, parseCommandTopic } from '../protocol/command-topics.js'
import { type Refusal, SkerryError } from '../protocol/errors.js'
import { isPermitTopic } from '../protocol/permit-topics.js'
import type { Target } from './core/model.js'
import type { Fleet } from './fleet.js'
import { type Obeyed, obey } from './obey.js'
import { takePermit } from './permit-arrivals.js'
import { type Restart, Restarts } from './restarts.js'
import { type Arrival, originOf, permitSender, type Senders } from './senders.js'
import { deleteAnswer, insertAnswer, type KnownCommand, readAnswer } from './store/commands.js'

export interface CommandHandlerOptions {
  readonly root: string
  readonly fleet: Fleet
  readonly senders: Senders
  readonly log: Logger
  /** A command has changed what is desired of the target. */
  onChanged(target: Target): void
}

/** An answer, or how to get at it when the transaction is over; undefined where nobody has asked. */
export type Outcome = Answer | (() => Promise<Answer>) | undefined

/** A command that was understood. */
type Accepted = Pick<ReadCommand, 'warnings' | 'id'> & { readonly command: Command }

type About = Pick<Answer, 'id' | 'verb' | 'app'>

interface Sent {
  readonly arrival: Arrival
  readonly known: KnownCommand | undefined
}

interface Restarting {
  readonly known: KnownCommand | undefined
  readonly app: string
  readonly about: About
  /** Its answer where nobody can tell. */
  readonly unknown: Answer
  accept(obeyed: Obeyed): Answer
}

export class CommandHandler {
  readonly #options: CommandHandlerOptions
  readonly #restarts: Restarts
  /** Answers of restarts that have ids and are under way, by topic and id: to come, or that it takes longer. */
  readonly #underWay = new Map<string, Promise<Answer>>()

  constructor(options: CommandHandlerOptions) {
    this.#options = options
    this.#restarts = new Restarts(options.fleet)
  }

  /** Call it in a transaction. Throws only what the database does. */
  handle(arrival: Arrival): Outcome {
    const { topic, payload, retained } = arrival
    if (isPermitTopic(this.#options.root, topic)) return this.#takePermit(arrival)
    const target = parseCommandTopic(this.#options.root, topic)
    if (!target.ok) return refusalAnswer(target.refusals, {})
    const { command, id, ...read } = readCommand(target.value, payload)
    const about = { ...(id === undefined ? {} : { id }), warnings: read.warnings }
    if (retained) return refusalAnswer([stale], about)
    const permitted = permitSender(this.#options.senders, arrival, target.value)
    if (!permitted.ok) return refusalAnswer(permitted.refusals, about)
    const expired = this.#expiry(read.expiresAt)
    if (!command.ok) return refusalAnswer(expired ?? command.refusals, about)
    const known = id === undefined ? undefined : { topic, id, digest: createHash('sha256').update(payload).digest() }
    const before = known && this.#before(known)
    if (before !== undefined) return before
    if (expired !== undefined) return refusalAnswer(expired, about)
    return this.#act(target.value, { ...about, command: command.value }, { arrival, known })
  }

  /** What the manager has published itself is no command to it. */
  #takePermit(arrival: Arrival): Outcome {
    if (!('caller' in arrival) && this.#options.fleet.permits.takeEcho(arrival.topic, arrival.payload)) return undefined
    return this.#try({}, () => takePermit(this.#options, arrival))
  }

  #expiry(expiresAt: number | undefined): [Refusal] | undefined {
    if (expiresAt === undefined || this.#options.fleet.clock.now() <= expiresAt) return undefined
    return [{ code: 'command.expired', message: `the command expired at ${new Date(expiresAt).toISOString()}: nothing was changed` }]
  }

  /** The answer to an id that came before. */
  #before(known: KnownCommand): Outcome {
    const { db, clock } = this.#options.fleet
    const found = readAnswer(db, known, clock.now())
    if (found === undefined) return undefined
    const { id } = known
    if (found.same) {
      const answer = { ...(JSON.parse(found.answer) as Answer), repeated: true }
      if (answer.code < answerCodes.unavailable) return answer
      return async () => ({ ...((await this.#underWay.get(keyOf(known))) ?? answer), repeated: true })
    }
    return refusalAnswer([{ code: 'command.repeated', message: `the id ${id} was that of another command: nothing was changed` }], { id })
  }

  #act(target: CommandTopic, { command, warnings, id }: Accepted, { arrival, known }: Sent): Outcome {
    const { fleet } = this.#options
    const about = { ...(id === undefined ? {} : { id }), verb: command.verb, app: command.app }
    const accept = ({ text, warnings: more, target: on, ...done }: Obeyed) => {
      if (done.changed === true && command.verb !== 'restart') this.#options.onChanged(on)
      return okAnswer(text, done, { ...about, warnings: [...warnings, ...more] })
    }
    if (command.verb === 'restart' && command.wanted) {
      // Before it begins: whatever happens meanwhile, its id restarts nothing twice.
      const unknown = refusalAnswer([cutOff(command.app)], about)
      if (known !== undefined) insertAnswer(fleet.db, known, JSON.stringify(unknown), fleet.clock.now())
      const begin = () => this.#restarts.ask(target, command.app)
      return () => this.#restart(begin, { known, app: command.app, about, unknown, accept })
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

  /** Answered in time; what became of it in the end is what its id is answered with from then on. */
  async #restart(begin: () => Restart, { known, app, about, unknown, accept }: Restarting): Promise<Answer> {
    const begun = this.#try(about, begin)
    if ('code' in begun) return this.#keep(known, begun, false)
    const refuse = (error: unknown) => (begun.isAsked() && isCutOff(error) ? unknown : this.#refusal(error, about))
    const end = begun.end
      .then(accept)
      .catch(refuse)
      .then(answer => this.#keep(known, answer, begun.isAsked()))
    const answer = this.#restarts.inTime(app, end).catch(refuse)
    if (known !== undefined) {
      const key = keyOf(known)
      this.#underWay.set(key, answer)
      void end.then(() => this.#underWay.delete(key))
    }
    return answer
  }

  /** Where no device was asked, the same id may try it again. */
  #keep(known: KnownCommand | undefined, answer: Answer, isAsked: boolean): Answer {
    if (known === undefined) return answer
    const { db, clock } = this.#options.fleet
    const isKept = isAsked || answer.code < answerCodes.unavailable
    try {
      db.durably(() => (isKept ? insertAnswer(db, known, JSON.stringify(answer), clock.now()) : deleteAnswer(db, known)))
    } catch (error) {
      this.#options.log.error({ err: error }, 'answer not stored')
    }
    return answer
  }

  #try<T>(about: About, act: () => T): T | Answer {
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

function keyOf({ topic, id }: KnownCommand): string {
  return `${topic}\n${id}`
}

/** What a device was asked for then may come true. */
function isCutOff(error: unknown): boolean {
  return error instanceof SkerryError && [error, ...error.others].some(({ code }) => code === 'broker.unavailable')
}

/** Of a restart that was asked for, and whose end nobody has seen. */
function cutOff(app: string): Refusal {
  return {
    code: 'wait.timeout',
    message: `the manager was cut off: whether ${app} was restarted is not known`,
  }
}

const stale: Refusal = { code: 'command.retained', message: 'a command with the retain flag is stale: nothing was changed' }
