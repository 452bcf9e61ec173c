// The one place that changes containers: a loop for each app, woken by a new target, the Engine's events, a timer, and the start.
import type { Logger } from 'pino'
import { SkerryError } from '../protocol/errors.js'
import type { Observed } from './core/observed.js'
import { Lane } from './lane.js'
import type { LanePorts } from './lane-ports.js'
import { Outages } from './outages.js'
import { type Given, noTarget, type Scope, type Target, targetKey } from './target.js'
import { watchEngine } from './watcher.js'

type Shared = Pick<
  LanePorts,
  | 'engine'
  | 'clock'
  | 'random'
  | 'pulls'
  | 'gate'
  | 'clearance'
  | 'prepare'
  | 'onChange'
  | 'onTrial'
  | 'onOutcome'
  | 'onImages'
  | 'onConverged'
>

export interface ReconcilerOptions extends Shared {
  /** Only apps that this device's agent has made are ever removed. */
  readonly device: string
  readonly log: Logger
  readonly onRemoved: (app: string) => void
  readonly onEngine: (version: string | undefined) => void
  /** Wall-clock time until which containers may have ended with the device, ms. */
  readonly bootedAtMs: number
}

const lookAgainMs = 30_000
const discoverAgainMs = 5_000
const probeAgainMs = 2_000
const stopWithinMs = 5_000

export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #outages: Outages
  readonly #abort = new AbortController()
  #watching: Promise<void> = Promise.resolve()
  #desired: ReadonlySet<string> = new Set()
  #scope: Scope = { prune: false, purged: new Set(), known: new Set() }
  /** The Engine has been asked what there is since the last aim. */
  #discovered = false
  #volatile = new Map<string, Given>()
  #up: boolean | undefined
  #probing = false
  #cancelTimer = () => {}
  #cancelProbe = () => {}
  #cancelDiscovery = () => {}

  constructor(options: ReconcilerOptions) {
    this.#options = options
    this.#outages = new Outages(options.bootedAtMs)
  }

  start(): void {
    const { engine, clock, random, log } = this.#options
    const events = {
      onUp: (version: string) => this.#noteUp(version),
      onDown: () => this.#noteDown(),
      onApp: (app: string) => this.#lanes.get(app)?.wake(),
    }
    this.#watching = watchEngine({ engine, clock, random, log, ...events }, this.#abort.signal)
    this.#lookLater()
  }

  aim(targets: ReadonlyMap<string, Target>, scope: Scope): void {
    this.#scope = scope
    this.#desired = new Set(targets.keys())
    this.#discovered = false
    for (const [app, target] of targets) this.#aimAt(app, target)
    if (!scope.prune) return
    for (const app of [...this.#lanes.keys(), ...scope.known]) if (!targets.has(app)) this.#remove(app)
    this.#discover()
  }

  /** Stops services of an app and starts them again; all if none are named. Rejects with a SkerryError. `signal` ends it while it has not begun. */
  async restart(app: string, services: readonly string[], signal: AbortSignal): Promise<void> {
    const lane = this.#lanes.get(app)
    if (lane === undefined) throw new SkerryError('app.unknown', `the device has no app ${app}`)
    await lane.restart(services, signal)
  }

  lanes(): ReadonlyMap<string, Lane> {
    return this.#lanes
  }

  /** False while the Engine does not answer; undefined before it is known. */
  get engineUp(): boolean | undefined {
    return this.#up
  }

  /** True if nothing of this device's agent is left, as far as the Engine was asked. */
  isBare(): boolean {
    return this.#lanes.size === 0 && this.#discovered
  }

  wakeAll(): void {
    for (const lane of this.#lanes.values()) lane.wake()
    if (this.#scope.prune) this.#discover()
  }

  /** Waits a little for the steps under way: the Engine ends them without us. Containers stay as they are. */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#cancelTimer()
    this.#cancelProbe()
    this.#cancelDiscovery()
    let cancel = () => {}
    const late = new Promise<void>(resolve => {
      cancel = this.#options.clock.after(stopWithinMs, resolve)
    })
    await Promise.race([Promise.all([this.#watching, ...[...this.#lanes.values()].map(lane => lane.stop())]), late])
    cancel()
  }

  #aimAt(app: string, target: Target): void {
    const lane = this.#lanes.get(app)
    if (lane !== undefined && targetKey(lane.target) === targetKey(target)) return
    const renewed = lane === undefined ? target.memory : { ...target.memory, sinceMs: this.#sinceOf(app, target) }
    this.#volatile.set(app, renewed)
    this.#laneTo(app, { ...target, memory: this.#withOutages(renewed) })
  }

  /** What is refused is no reason to try anything again. */
  #sinceOf(app: string, { fault }: Target): number {
    return fault === undefined ? this.#options.clock.now() : (this.#volatile.get(app)?.sinceMs ?? 0)
  }

  #remove(app: string): void {
    const volumes = this.#scope.purged.has(app)
    const aimed = this.#lanes.get(app)?.target.wish
    if (aimed?.run === 'removed' && this.#lanes.get(app)?.target.course === 'desired' && (aimed.volumes || !volumes)) return
    const owner = { app, device: this.#options.device }
    this.#volatile.delete(app)
    this.#laneTo(app, { ...noTarget, owner, wish: { run: 'removed', owner, volumes } })
  }

  #laneTo(app: string, target: Target): void {
    const existing = this.#lanes.get(app)
    if (existing === undefined) this.#openLane(app, target)
    else existing.aim(target)
  }

  #openLane(app: string, target: Target): void {
    const { log, onRemoved: _, onEngine: __, device: ___, bootedAtMs: ____, ...shared } = this.#options
    const lane = new Lane(target, {
      ...shared,
      log: log.child({ app }),
      onConverged: (done, observed) => this.#noteConverged(app, done, observed),
      onUnavailable: () => this.#probe(),
    })
    this.#lanes.set(app, lane)
    lane.wake()
  }

  #noteConverged(app: string, target: Target, observed: Observed): void {
    if (target.wish?.run === 'removed' && !this.#desired.has(app)) this.#closeLane(app)
    else this.#options.onConverged(target, observed)
  }

  #closeLane(app: string): void {
    void this.#lanes.get(app)?.stop()
    this.#lanes.delete(app)
    this.#options.onRemoved(app)
  }

  /** Finds apps that were made before this start and that nobody desires any more. */
  #discover(): void {
    const { engine, device, clock } = this.#options
    this.#cancelDiscovery()
    this.#cancelDiscovery = () => {}
    engine.apps(device).then(
      apps => {
        if (!this.#scope.prune || this.#abort.signal.aborted) return
        for (const app of apps) if (!this.#desired.has(app)) this.#remove(app)
        this.#discovered = true
        this.#options.onChange()
      },
      () => {
        if (this.#abort.signal.aborted) return
        this.#cancelDiscovery = clock.after(discoverAgainMs, () => this.#discover())
      },
    )
  }

  #noteUp(version: string): void {
    const { clock, log } = this.#options
    if (this.#outages.end(clock.now())) {
      for (const [app, lane] of this.#lanes) lane.remember(this.#withOutages(this.#volatile.get(app) ?? lane.target.memory))
      log.warn('the Docker Engine answers again')
    }
    this.#up = true
    this.#options.onEngine(version)
    this.wakeAll()
  }

  /** One call has failed: is the Engine away? Asked until it answers, as its event stream may have stayed open. */
  #probe(): void {
    const { engine, clock } = this.#options
    if (this.#probing || this.#abort.signal.aborted) return
    this.#probing = true
    engine.version().then(
      version => {
        this.#probing = false
        if (this.#up === false) this.#noteUp(version)
      },
      () => {
        this.#probing = false
        if (this.#abort.signal.aborted) return
        this.#noteDown()
        this.#cancelProbe = clock.after(probeAgainMs, () => this.#probe())
      },
    )
  }

  #noteDown(): void {
    this.#outages.begin(this.#options.clock.now())
    if (this.#up === false) return
    this.#up = false
    this.#options.onEngine(undefined)
  }

  #withOutages(memory: Given): Given {
    return { ...memory, outages: [...this.#outages.list, ...memory.outages] }
  }

  /** Events can be missed: whatever they said, everything is looked at now and then. */
  #lookLater(): void {
    this.#cancelTimer = this.#options.clock.after(lookAgainMs, () => {
      this.wakeAll()
      this.#lookLater()
    })
  }
}
