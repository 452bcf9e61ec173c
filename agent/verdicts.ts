// What follows from a trial's end: written to the ledger, and acted upon by a new aim; what may mend itself is tried again.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { ErrorCode, SkerryError } from '../protocol/errors.js'
import { type BackoffLimits, backoffMs } from './core/backoff.js'
import { canFail } from './core/course.js'
import type { RunningWish } from './core/desired.js'
import { imageName } from './core/labels.js'
import { matchContainers } from './core/match.js'
import type { Observed } from './core/observed.js'
import type { AppRecord, Failed, Good } from './core/record.js'
import { splitReference } from './docker-shapes.js'
import type { Outcome } from './lane-ports.js'
import type { Ledger } from './ledger.js'
import type { Target } from './target.js'
import { Timers } from './timers.js'

export interface VerdictsOptions {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  /** What is to be followed has changed. */
  readonly onVerdict: () => void
}

const retries: BackoffLimits = { firstMs: 20_000, maxMs: 5 * 60_000 }

/** Faults of the surroundings, not of the revision. */
const passing: readonly ErrorCode[] = ['image.unavailable', 'disk.full', 'port.in-use', 'name.in-use', 'network.overlap']

export class Verdicts {
  readonly #options: VerdictsOptions
  readonly #timers: Timers
  /** Entries that are being tried once more, by app. */
  readonly #retrying = new Map<string, string>()
  readonly #tries = new Map<string, number>()

  constructor(options: VerdictsOptions) {
    this.#options = options
    this.#timers = new Timers(options.clock)
  }

  isRetrying(app: string): boolean {
    const entry = this.#options.ledger.get(app)?.failed?.entry
    return entry !== undefined && this.#retrying.get(app) === entry
  }

  /**
   * Before the first step of a trial: what runs is what to go back to, if nothing better is known. A first deploy begins with nothing, and
   * what of it is not there yet may be removed again.
   */
  begin(target: Target, observed: Observed): void {
    const { ledger } = this.#options
    const { app } = target.owner
    ledger.change(app, record => promote(record, target))
    const { good, kept } = ledger.get(app) ?? {}
    if (good !== undefined || kept !== undefined || observed.containers.length > 0) return
    ledger.change(app, record => ({ ...record, kept: observed.volumes.map(({ name }) => name) }))
  }

  settle(target: Target, outcome: Outcome): void {
    if (target.trial === undefined) return
    if (outcome.state === 'good') this.#noteGood(target, outcome.observed)
    else this.#noteFailed(target, outcome.error, outcome.touched)
  }

  /** An app that is stopped, or gone: what failed may be tried again. */
  forgive(app: string): void {
    this.#clear(app)
    if (this.#options.ledger.get(app)?.failed === undefined) return
    this.#options.ledger.change(app, ({ failed: _, ...rest }) => rest)
  }

  /** Failures that are known from before this start and may mend themselves. */
  resume(): void {
    for (const [app, { failed }] of this.#options.ledger.apps) if (failed?.retry === true) this.#retryLater(app, failed)
  }

  stop(): void {
    this.#timers.close()
  }

  #noteGood(target: Target, observed: Observed): void {
    const { ledger, log, onVerdict } = this.#options
    const { app } = target.owner
    const good = goodOf(target, observed)
    if (good === undefined) return
    this.#clear(app)
    const news = ledger.change(app, ({ failed: _, kept: __, ...rest }: AppRecord): AppRecord => ({ ...rest, good }))
    if (news) log.info({ app, revision: good.revision }, 'the revision has proved itself')
    onVerdict()
  }

  #noteFailed(target: Target, error: SkerryError, touched: boolean): void {
    const { ledger, log, onVerdict } = this.#options
    const { app } = target.owner
    if (!canFail(ledger.get(app))) return
    const first = ledger.get(app)?.good === undefined
    const retry = (passing.includes(error.code) || error.retryable) && (first || !touched)
    const failed = failedOf(target, error, retry)
    if (failed === undefined) return
    log.error({ app, ...error.refusal, revision: failed.revision, retry }, 'the revision has failed')
    ledger.change(app, ({ applied, ...record }) => ({ ...record, ...(first || applied === undefined ? {} : { applied }), failed }))
    this.#retrying.delete(app)
    if (retry) this.#retryLater(app, failed)
    onVerdict()
  }

  #retryLater(app: string, { entry }: Failed): void {
    const { random, onVerdict } = this.#options
    const tries = (this.#tries.get(app) ?? 0) + 1
    this.#tries.set(app, tries)
    this.#timers.after(app, backoffMs(tries, retries, random()), () => {
      this.#retrying.set(app, entry)
      onVerdict()
    })
  }

  #clear(app: string): void {
    this.#timers.cancel(app)
    this.#retrying.delete(app)
    this.#tries.delete(app)
  }
}

/** A revision that was superseded before it could prove itself is better than none. */
function promote({ kept, ...record }: AppRecord, { revision, trial }: Target): AppRecord {
  const { applied, good, failed } = record
  const unchanged = kept === undefined ? record : { ...record, kept }
  if (good !== undefined || applied?.run !== 'running' || revision === undefined || trial === undefined) return unchanged
  if (Buffer.compare(applied.digest, revision.digest) === 0 || failed?.revision === applied.revision) return unchanged
  return { ...record, good: { revision: applied.revision, digest: applied.digest, content: '', generation: 0, images: [] } }
}

function goodOf({ wish, revision, trial }: Target, observed: Observed): Good | undefined {
  if (wish?.run !== 'running' || revision === undefined || trial === undefined) return undefined
  const { content, generation } = trial.candidate
  const variables = Object.entries(trial.variables).map(([name, value]) => ({ name, value }))
  const images = [...matchContainers(wish, observed).current].flatMap(([service, [first]]) =>
    first ? [{ service, id: first.imageId }] : [],
  )
  return { ...revision, content, generation, images, variables, sources: sourcesOf(wish, observed) }
}

/** What was built here is nowhere to be had. */
function sourcesOf({ owner, project }: RunningWish, observed: Observed): { service: string; reference: string }[] {
  return Object.entries(project.services).flatMap(([service, spec]) => {
    if (spec.build !== undefined || spec.pullPolicy === 'never') return []
    const image = imageName(owner.app, service, spec)
    const digest = observed.images[image]?.digest
    return [{ service, reference: digest === undefined ? image : `${splitReference(image).name}@${digest}` }]
  })
}

function failedOf({ wish, revision, trial }: Target, error: SkerryError, retry: boolean): Failed | undefined {
  if (wish?.run !== 'running' || revision === undefined || trial === undefined) return undefined
  const { entry, generation } = trial.candidate
  const { services } = wish.project
  const references = Object.entries(services).map(([name, service]) => imageName(wish.owner.app, name, service))
  return { revision: revision.revision, entry, generation, fault: error.refusal, retry, references }
}
