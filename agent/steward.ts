// Follows what is desired: aims the loops at it, remembers what became of it, and goes back to what was good.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { SkerryError } from '../protocol/errors.js'
import { digestText } from '../protocol/spec.js'
import { assembleReport } from './assemble.js'
import { imageName } from './core/labels.js'
import type { Observed } from './core/observed.js'
import type { Disk } from './disk.js'
import type { Engine } from './engine.js'
import type { Holdings } from './holdings.js'
import { Housekeeper } from './housekeeper.js'
import type { Clearance } from './interlock.js'
import { Ledger } from './ledger.js'
import type { Permits } from './permits.js'
import { placeFiles } from './place.js'
import { PullGate, withGate } from './pull-gate.js'
import { PullBoard } from './pulls.js'
import type { Quiet } from './quiet.js'
import { Reconciler } from './reconcile.js'
import type { Report } from './reporter.js'
import { servicesOf } from './services.js'
import type { Target } from './target.js'
import { targetOf } from './targets.js'
import { Timers } from './timers.js'
import { Verdicts } from './verdicts.js'

export interface StewardOptions {
  readonly engine: Engine
  readonly disk: Disk
  readonly holdings: Holdings
  readonly permits: Permits
  readonly quiet: Quiet
  /** As many images pulled at a time, now; undefined: all. */
  readonly pullsAtOnce: () => number | undefined
  readonly clearance: () => Clearance
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  /** Wall-clock time until which containers may have ended with the device, ms. */
  readonly bootedAtMs: number
  /** True if nothing is unknown of what is desired: then what is not is removed. */
  readonly knowsAll: () => boolean
  readonly onChange: () => void
  /** What is to be followed has changed by itself. */
  readonly onVerdict: () => void
  readonly onEngine: (version: string | undefined) => void
}

const purgeAgainMs = 30_000

export class Steward {
  readonly #options: StewardOptions
  readonly #ledger: Ledger
  readonly #verdicts: Verdicts
  readonly #reconciler: Reconciler
  readonly #housekeeper: Housekeeper
  readonly #gate: PullGate
  readonly #timers: Timers
  #leaving = false

  constructor(options: StewardOptions) {
    const { engine, disk, clock, random, log, onChange, onVerdict } = options
    this.#options = options
    this.#timers = new Timers(clock)
    this.#gate = new PullGate({
      ...{ clock, quiet: options.quiet, atOnce: options.pullsAtOnce, onChange },
      mayBuild: () => options.clearance().mayAct,
    })
    this.#ledger = new Ledger(disk, clock, log.child({ part: 'ledger' }))
    this.#verdicts = new Verdicts({ ledger: this.#ledger, clock, random, log, onVerdict: () => !this.#leaving && onVerdict() })
    this.#housekeeper = new Housekeeper({
      engine,
      ledger: this.#ledger,
      log: log.child({ part: 'images' }),
      references: () => this.#references(),
    })
    this.#reconciler = new Reconciler({
      engine: withGate(engine, this.#gate),
      device: disk.id,
      clock,
      random,
      log: log.child({ part: 'reconcile' }),
      pulls: new PullBoard(clock, onChange),
      gate: this.#gate,
      clearance: options.clearance,
      prepare: target => this.#prepare(target),
      bootedAtMs: options.bootedAtMs,
      onChange,
      onTrial: (target, observed) => this.#verdicts.begin(target, observed),
      onOutcome: (target, outcome) => {
        this.#verdicts.settle(target, outcome)
        if (outcome.state === 'good') this.#housekeeper.tidy()
      },
      onImages: images => this.#ledger.addImages(images),
      onConverged: (target, observed) => this.#noteApplied(target, observed),
      onRemoved: app => void this.#noteRemoved(app),
      onEngine: version => {
        options.onEngine(version)
        if (version !== undefined) this.#housekeeper.tidy()
      },
    })
  }

  start(): void {
    this.#verdicts.resume()
    this.#reconciler.start()
  }

  async stop(): Promise<void> {
    this.#leaving = true
    this.#timers.close()
    this.#verdicts.stop()
    await this.#reconciler.stop()
    this.#ledger.close()
  }

  /** Makes what is held the aim of the loops. */
  follow(): void {
    const { holdings, disk, permits, clock, knowsAll } = this.#options
    const { apps } = holdings.effective()
    for (const { name, run } of apps) if (run === 'stopped') this.#verdicts.forgive(name)
    const sources = { holdings, disk, ledger: this.#ledger, verdicts: this.#verdicts, permits, now: () => clock.now() }
    const targets = new Map(apps.map(app => [app.name, targetOf(app, sources)]))
    const purged = [...holdings.purges().values()].filter(({ volumes }) => volumes === true).map(({ name }) => name)
    this.#reconciler.aim(targets, { prune: knowsAll(), purged: new Set(purged), known: new Set(this.#ledger.apps.keys()) })
    holdings.pruneSpecs(this.#ledger.digests())
    this.#gate.adjust()
  }

  /** Containers may be changed again, or may not: each loop looks, and builds that wait may begin. */
  noteClearance(): void {
    this.#gate.adjust()
    this.#reconciler.wakeAll()
  }

  /** Removes every app of this device's agent; see {@link isBare}. */
  removeAll(): void {
    this.#reconciler.aim(new Map(), { prune: true, purged: new Set(), known: new Set() })
  }

  isBare(): boolean {
    return this.#reconciler.isBare()
  }

  forget(): void {
    this.#ledger.forget()
  }

  /** Undefined if there is no such app. */
  servicesOf(app: string): readonly string[] | undefined {
    return servicesOf(this.#reconciler.lanes().get(app))
  }

  /** Stops services of an app and starts them again; all if none are named. Rejects with a SkerryError. `signal` ends it while it has not begun. */
  restart(app: string, services: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#reconciler.restart(app, services, signal)
  }

  /** Undefined while too little is known to say. */
  report(): Report | undefined {
    return assembleReport({ holdings: this.#options.holdings, reconciler: this.#reconciler, ledger: this.#ledger })
  }

  #prepare({ owner, wish, revision }: Target): void {
    if (wish?.run !== 'running' || revision === undefined) return
    const { disk, holdings, permits, onVerdict } = this.#options
    // Since the app was aimed at, containers may have turned folders into links.
    const denial = permits.check(owner.app, wish.project, { folder: wish.folder, held: [] })
    if (denial !== undefined) throw new SkerryError(denial.code, denial.message, { path: denial.path, retryable: false })
    try {
      placeFiles(disk, owner.app, holdings.filesOf(digestText(revision.digest)), file => holdings.contentsOf(file))
    } catch (error) {
      // A file that could not be read from disk is to be asked for again.
      if (error instanceof SkerryError && error.code === 'spec.digest') onVerdict()
      throw error
    }
  }

  #noteApplied({ owner, wish, revision }: Target, observed: Observed): void {
    if (wish?.run === 'removed') this.#clearFiles(owner.app)
    if (wish === undefined || wish.run === 'removed' || revision === undefined) return
    const applied = { ...revision, run: wish.run }
    const seen = observed.containers.map(({ image, imageId }) => ({ reference: image, id: imageId }))
    const images = [...new Map(seen.map(each => [JSON.stringify(each), each])).values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    const news = this.#ledger.change(owner.app, record => ({ ...record, applied, ...(wish.run === 'running' ? { images } : {}) }))
    if (!news) return
    this.#options.holdings.pruneSpecs(this.#ledger.digests())
    this.#options.log.info({ app: owner.app, revision: revision.revision, run: wish.run }, 'the app is as followed')
  }

  async #noteRemoved(app: string): Promise<void> {
    const { holdings, log, onChange } = this.#options
    try {
      if (holdings.purges().get(app)?.images === true) await this.#housekeeper.purge(app)
    } catch {
      return this.#timers.after(`purge ${app}`, purgeAgainMs, () => void this.#noteRemoved(app))
    }
    if (this.#reconciler.lanes().has(app)) return
    this.#verdicts.forgive(app)
    this.#ledger.strike(app)
    this.#clearFiles(app)
    log.info({ app }, 'the app has been removed')
    this.#housekeeper.tidy()
    onChange()
  }

  /** Files that came with its specs; what containers have written stays. */
  #clearFiles(app: string): void {
    const { disk, holdings } = this.#options
    placeFiles(disk, app, [], file => holdings.contentsOf(file))
  }

  /** The images that the loops are aimed at. */
  #references(): string[] {
    return [...this.#reconciler.lanes().values()].flatMap(({ target: { wish, owner } }) => {
      if (wish?.run !== 'running') return []
      return Object.entries(wish.project.services).map(([name, service]) => imageName(owner.app, name, service))
    })
  }
}
