// The same engine on this machine with no manager: applies, plans or removes one app and returns when done.
import type { DigestOf } from '../protocol/compose/hash.js'
import type { Project } from '../protocol/compose/project.js'
import { SkerryError, unwrap } from '../protocol/errors.js'
import { checkName } from '../protocol/names.js'
import { type Memory, noMemory, type RunningWish, type Wish } from './core/desired.js'
import type { Owner } from './core/labels.js'
import type { Observed } from './core/observed.js'
import { plan } from './core/plan.js'
import { judgeProgress } from './core/progress.js'
import { foreseeSteps, notePulled } from './core/simulate.js'
import type { Step } from './core/step.js'
import { connectEngine } from './docker.js'
import type { Engine, PullProgress } from './engine.js'
import { createExecutors, executeSteps, type StepProgress } from './execute.js'
import { Logins, withLogins } from './logins.js'
import { queryOf } from './look.js'
import { takeRounds } from './rounds.js'
import { runningWish } from './wish.js'

export type Progress = StepProgress | { readonly pull: PullProgress }

interface Common {
  /** A socket's path, or a `unix://`, `tcp://` or `http://` URL. */
  readonly engine: string
  /** The agent's state folder, for its logins at registries; without it there are none. */
  readonly state?: string
  readonly app: string
  readonly onProgress?: (progress: Progress) => void
  readonly signal?: AbortSignal
}

export interface ApplyOptions extends Common {
  readonly project: Project
  /** Folder that relative paths start from. */
  readonly folder: string
  /** Contents that count as part of a service; none by default. */
  readonly digestOf?: DigestOf
  /** Return only when every service with a health check is healthy and none has failed. */
  readonly wait?: boolean
}

export interface RemoveOptions extends Common {
  /** Also removes the app's named volumes with their data. */
  readonly volumes?: boolean
  /** Also removes the images of its containers. Both only if nothing else uses them. */
  readonly images?: boolean
}

/** Returns when all services have been started, with the number of steps taken. Throws a SkerryError if one cannot be, `name.in-use` for an app of an agent. Applying the same again changes nothing. */
export async function applyOnce(options: ApplyOptions): Promise<number> {
  return await converge(wishOf(options), options, options.wait ?? false)
}

/** Every step that applying would take if all went well; [] if everything is as it should be. Changes nothing. */
export async function planOnce(options: ApplyOptions): Promise<readonly Step[]> {
  const wish = wishOf(options)
  const observed = await connectEngine(options.engine).observe(queryOf(wish))
  refuseManaged(observed, options)
  return foreseeSteps(wish, observed, endedBefore(observed), Date.now())
}

export interface Removed {
  /** Steps that were taken. */
  readonly taken: number
  /** The device whose agent kept the app, and brings it back if it is still there. */
  readonly device: string | undefined
}

/** Returns when nothing of the app is left but what was not asked for. */
export async function removeOnce(options: RemoveOptions): Promise<Removed> {
  const owner = ownerOf(options)
  const observed = await connectEngine(options.engine).observe({ app: options.app, images: [], volumes: [], networks: [] })
  const images = options.images === true ? [...new Set(observed.containers.map(({ image }) => image))] : []
  const taken = await converge({ run: 'removed', owner, volumes: options.volumes ?? false, images }, options, false)
  return { taken, device: keeperOf(observed) }
}

function keeperOf({ containers }: Observed): string | undefined {
  return containers.find(({ device }) => device !== undefined)?.device
}

/** An agent would at once undo what is done to its apps by hand. */
function refuseManaged(observed: Observed, { app }: Common): void {
  const device = keeperOf(observed)
  if (device === undefined) return
  throw new SkerryError(
    'name.in-use',
    `app ${app} is one of a fleet, kept by the agent of device ${device}: choose another name, or delete it from the fleet`,
  )
}

/** Whoever applies by hand wants the newer image where the pull policy speaks of one. */
function openEngine({ engine, state }: Common): Engine {
  return state === undefined ? connectEngine(engine) : withLogins(connectEngine(engine), new Logins(state))
}

function wishOf(options: ApplyOptions): RunningWish {
  return { ...runningWish(ownerOf(options), options.project, options.folder, options.digestOf), refresh: 'by-policy' }
}

function ownerOf({ app }: Common): Owner {
  return { app: unwrap(checkName('app', app)), device: '' }
}

/** Whoever applies by hand wants everything that has ended before, however it did, to be started again. By the Engine's clock alone. */
function endedBefore({ containers }: Observed): Memory {
  return { ...noMemory, outages: [{ fromMs: 0, toMs: Math.max(0, ...containers.map(({ finishedAt }) => finishedAt)) }] }
}

async function converge(wish: Wish, options: Common, healthy: boolean): Promise<number> {
  const engine = openEngine(options)
  const { onProgress = () => {}, signal = new AbortController().signal } = options
  let memory: Memory | undefined
  const executors = createExecutors(engine, pull => onProgress({ pull }))
  let taken = 0
  const take = async (steps: readonly Step[]) => {
    const ids = await executeSteps(steps, executors, { signal, onStep: onProgress })
    taken += steps.length
    memory = steps.reduce(notePulled, memory ?? noMemory)
    return ids
  }
  const changes = watchChanges(engine, wish.owner.app)
  try {
    for (;;) {
      signal.throwIfAborted()
      const seen = changes.count()
      const observed = await engine.observe(queryOf(wish))
      if (wish.run === 'running') refuseManaged(observed, options)
      memory ??= endedBefore(observed)
      const steps = plan(wish, observed, memory, Date.now())
      if (steps.length > 0) {
        await takeRounds({ observed, steps }, { wish, memory: () => memory ?? noMemory, now: Date.now, take, isOver: () => signal.aborted })
        continue
      }
      const outcome = judgeProgress(wish, observed, memory, healthy)
      if (outcome.state === 'done') return taken
      if (outcome.state === 'failed') throw new SkerryError(outcome.refusal.code, outcome.refusal.message, { path: outcome.refusal.path })
      await changes.after(seen, signal)
    }
  } finally {
    changes.stop()
  }
}

interface Changes {
  count(): number
  /** Resolves when there have been more than `seen` changes; after a second in any case, as a stream may lose some. */
  after(seen: number, signal: AbortSignal): Promise<void>
  stop(): void
}

/** Counts the Engine's events of one app, so that waiting needs no polling. */
function watchChanges(engine: Engine, app: string): Changes {
  const abort = new AbortController()
  let count = 0
  let notify = () => {}
  const note = () => {
    count++
    notify()
  }
  engine.watch(note, name => name === app && note(), abort.signal).catch(() => {})
  return {
    count: () => count,
    after: (seen, signal) =>
      new Promise((resolve, reject) => {
        if (count > seen) return resolve()
        const finish = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', cancel)
          notify = () => {}
          resolve()
        }
        const cancel = () => {
          clearTimeout(timer)
          reject(signal.reason)
        }
        const timer = setTimeout(finish, 1000)
        notify = finish
        signal.addEventListener('abort', cancel, { once: true })
      }),
    stop: () => abort.abort(),
  }
}
