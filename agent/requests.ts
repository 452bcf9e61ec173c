// What is asked of this device: taken up or refused, worked at a few at a time, answered on the request's own topic.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { type Refusal, SkerryError } from '../protocol/errors.js'
import { type Request, requestCodec } from '../protocol/messages/request.js'
import { judgeRequest } from './core/asked.js'
import { Credit } from './credit.js'
import type { Engine } from './engine.js'
import { LogLimits, type LogLink } from './log-limits.js'
import { sendLogs } from './logs.js'
import { Reply } from './reply.js'
import type { Reporter } from './reporter.js'
import { Turns } from './turns.js'

export interface RequestsOptions {
  readonly engine: Pick<Engine, 'logSources' | 'readLog'>
  readonly clock: Clock
  readonly log: Logger
  /** What logs may take of the link, now. */
  readonly link: () => LogLink
  /** The present session's. */
  readonly epoch: () => number
  /** True once the broker has it; false when the session has ended. */
  readonly publish: (rid: string, payload: Buffer) => Promise<boolean>
  /** As many requests were taken up as can be remembered: only a new session can keep old ones from being done again. */
  readonly onWorn: () => void
  /** Services of an app of this device; undefined if it has none of the name. */
  readonly servicesOf: (app: string) => readonly string[] | undefined
  /** None named: all. Resolves once they run again. An abort ends it while it has not begun. */
  readonly restart: (app: string, services: readonly string[], signal: AbortSignal) => Promise<void>
  readonly reporter: Pick<Reporter, 'hasTold' | 'retell'>
}

interface Open {
  readonly credit: Credit
  readonly abort: AbortController
  /** The one who asked has given a sign. */
  readonly renew: () => void
}

const defaultCreditBytes = 64 * 1024
const defaultPatienceS = 30
/** Ids of a session that are remembered so that nothing is done twice. */
const maxSeen = 10_000

export class Requests {
  readonly #options: RequestsOptions
  readonly #limits: LogLimits
  readonly #open = new Map<string, Open>()
  readonly #seen = new Set<string>()
  /** One part of any request on its way at a time. */
  #turns = new Turns()

  constructor(options: RequestsOptions) {
    this.#options = options
    this.#limits = new LogLimits(options.clock, options.link)
  }

  /** Returns why the message is dropped, if nothing can be made of it. */
  receive(rid: string, payload: Uint8Array): Refusal | undefined {
    const decoded = requestCodec.decode(payload)
    if (!decoded.ok) return decoded.refusals[0]
    const request = decoded.value
    const open = this.#open.get(rid)
    if (request.kind === 'credit') {
      open?.credit.grant(request.creditBytes ?? 0)
      open?.renew()
    } else if (request.kind === 'cancel') open?.abort.abort(cancelled)
    else this.#begin(rid, request)
    return undefined
  }

  /** The session has ended, and with it whoever would have read the answers. What was asked in it is expired in the next. */
  endAll(): void {
    for (const { abort } of this.#open.values()) abort.abort(cancelled)
    this.#seen.clear()
    this.#turns = new Turns()
  }

  #begin(rid: string, request: Request): void {
    const facts = { open: this.#open.size, underway: this.#open.has(rid), seen: this.#seen.has(rid) }
    const verdict = judgeRequest({ request, epoch: this.#options.epoch(), ...facts })
    const { kind, app } = request
    const { log } = this.#options
    if (kind === 'restart' && verdict === 'take') log.info({ app, services: request.services }, 'a restart was asked for')
    else log.debug({ rid, kind, app, ...(typeof verdict === 'string' ? { verdict } : verdict) }, 'asked')
    if (verdict === 'ignore') return
    if (verdict !== 'take') return void this.#reply(rid).send({ last: true, fault: verdict }).catch(ignore)
    this.#remember(rid)
    void this.#work(rid, request)
  }

  async #work(rid: string, request: Request): Promise<void> {
    const reply = this.#reply(rid)
    const abort = new AbortController()
    const credit = new Credit(request.creditBytes ?? defaultCreditBytes)
    const patience = this.#patience(abort, (request.patienceS ?? defaultPatienceS) * 1000)
    this.#open.set(rid, { abort, credit, renew: patience.renew })
    try {
      if (!this.#isAnswered(request)) {
        this.#checkServices(request)
        await reply.send({})
        await this.#answer(request, { credit, reply, signal: abort.signal })
      }
      await reply.send({ last: true })
    } catch (error) {
      const fault = error === cancelled ? {} : { fault: faultOf(error) }
      if (fault.fault !== undefined) this.#options.log.info({ rid, kind: request.kind, ...fault.fault }, 'a request has failed')
      await reply.send({ last: true, ...fault }).catch(ignore)
    } finally {
      patience.end()
      abort.abort(cancelled)
      this.#open.delete(rid)
    }
  }

  async #answer(request: Request, { credit, reply, signal }: { credit: Credit; reply: Reply; signal: AbortSignal }): Promise<void> {
    const { engine, clock, servicesOf } = this.#options
    const { app = '', services = [] } = request
    if (request.kind === 'report') await this.#options.reporter.retell()
    else if (request.kind === 'restart') await this.#options.restart(app, services, signal)
    else {
      const [exists, limits] = [() => servicesOf(app) !== undefined, this.#limits]
      await sendLogs({ engine, clock, app, exists, limits, request, credit, reply, signal })
    }
  }

  /** Whoever asks for a report has it. */
  #isAnswered({ kind, holds }: Request): boolean {
    return kind === 'report' && this.#options.reporter.hasTold(holds)
  }

  /** Before the first part: what stands against a request can then be the status of an answer. */
  #checkServices({ kind, app = '', services = [] }: Request): void {
    if (kind === 'report') return
    const known = this.#options.servicesOf(app)
    if (known === undefined) throw new SkerryError('app.unknown', `this device has no app ${app}`)
    const strange = services.find(service => !known.includes(service))
    if (strange === undefined) return
    throw new SkerryError(
      'service.unknown',
      `app ${app} has no service ${JSON.stringify(strange.slice(0, 80))}: it has ${known.join(', ')}`,
    )
  }

  #reply(rid: string): Reply {
    return new Reply(payload => this.#turns.run(() => this.#options.publish(rid, payload)))
  }

  /** Ends what nobody seems to wait for any more. */
  #patience(abort: AbortController, limitMs: number): { renew: () => void; end: () => void } {
    const giveUp = () => abort.abort(new SkerryError('wait.timeout', `nothing was heard for ${limitMs / 1000} s of whoever asked`))
    let end = this.#options.clock.after(limitMs, giveUp)
    return {
      renew: () => {
        end()
        end = this.#options.clock.after(limitMs, giveUp)
      },
      end: () => end(),
    }
  }

  #remember(rid: string): void {
    this.#seen.add(rid)
    if (this.#seen.size >= maxSeen) this.#options.onWorn()
  }
}

/** Why a request is ended that was taken back: no fault. */
const cancelled = new Error('cancelled')

function faultOf(error: unknown): Refusal {
  return error instanceof SkerryError ? error.refusal : { code: 'internal', message: String(error) }
}

function ignore(): void {}
