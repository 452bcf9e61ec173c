// How an app is, from what was seen of it and what was tried: the reported state.
import type { Refusal } from '../../protocol/errors.js'
import type { ServiceState } from '../../protocol/messages/heartbeat.js'
import type { Fault } from '../../protocol/messages/message.js'
import type { AppState, ReportedApp, ReportedService } from '../../protocol/messages/reported.js'
import type { Course } from './course.js'
import { judgeDependencies } from './dependencies.js'
import type { Memory, RunningWish, Wish } from './desired.js'
import { judgeEnding } from './ended.js'
import { isRunning, type Match, matchContainers } from './match.js'
import type { Observed, ObservedContainer } from './observed.js'
import type { Failed } from './record.js'

export interface AppView {
  readonly name: string
  readonly group: string | undefined
  /** The revision that its containers are of; 0 and no digest before the first. */
  readonly revision: number
  readonly digest: Uint8Array | undefined
  /** Absent while its spec isn't held. */
  readonly wish: Wish | undefined
  /** False until the Engine has been asked for the first time. */
  readonly known: boolean
  readonly observed: Observed
  readonly memory: Memory
  /** True while there are steps left that have not failed. */
  readonly busy: boolean
  /** Services whose image is being pulled, and how far that is. */
  readonly pulling: ReadonlyMap<string, { readonly bytes: number; readonly total: number } | undefined>
  /** Why images that have to be pulled are not, for now: no failure. */
  readonly deferred: Refusal | undefined
  /** Services in a crash loop, and how often they have ended. */
  readonly loops: ReadonlyMap<string, number>
  /** True while a new revision has neither proved itself nor failed. */
  readonly trying: boolean
  /** Why the last try failed. */
  readonly fault: Refusal | undefined
  readonly course: Course
  /** What failed, if something else than it is followed, or it is tried again without having touched anything yet. */
  readonly failed: Failed | undefined
  /** What fails is left as it is: nothing goes back. */
  readonly stays: boolean
  readonly refreshed: number
  /** There are steps left that wait for a permit. */
  readonly held: boolean
}

export function reportApp(view: AppView): ReportedApp {
  const match = view.wish?.run === 'running' ? matchContainers(view.wish, view.observed) : undefined
  const services = reportServices(view, match)
  const own =
    view.fault ??
    loopFault(view) ??
    (view.wish?.run === 'running' && match !== undefined ? findFault(view.wish, match, view.memory) : undefined)
  // What was left as it failed, and has recovered, has not failed any more.
  const failed = view.stays && own === undefined ? undefined : view.failed
  const fault = own ?? failed?.fault ?? view.deferred
  return {
    name: view.name,
    ...(view.group === undefined ? {} : { group: view.group }),
    revision: view.revision,
    ...(view.digest === undefined ? {} : { digest: view.digest }),
    state: appState({ ...view, failed }, services, own),
    ...(fault === undefined ? {} : { fault: faultOf(fault) }),
    services,
    ...(failed === undefined ? {} : { failedRevision: failed.revision }),
    ...(view.refreshed === 0 ? {} : { refreshed: view.refreshed }),
  }
}

function faultOf({ code, message, path }: Refusal): Fault {
  return path === undefined ? { code, message } : { code, message, path }
}

function reportServices(view: AppView, match: Match | undefined): ReportedService[] {
  const project = view.wish?.run === 'running' ? view.wish.project : undefined
  const names = project === undefined ? view.observed.containers.map(container => container.service) : Object.keys(project.services)
  return [...new Set(names)].sort().map(name => {
    const container = worstOf(match?.current.get(name) ?? []) ?? newestOf(view.observed, name)
    const image = project?.services[name]?.image ?? container?.image ?? ''
    const state = serviceState(view, name, container)
    const scale = project?.services[name]?.scale
    const current = match?.current.get(name) ?? []
    const counts = scale === undefined ? {} : { running: current.filter(isRunning).length, scale }
    return { ...reportService(name, image, container, state), ...reportImage(view, name, image, container), ...counts }
  })
}

/** How far a pull is, and what exactly the image is. */
function reportImage({ pulling, observed }: AppView, name: string, image: string, container: ObservedContainer | undefined) {
  const pulled = pulling.get(name)
  const known = observed.images[image]
  const digest = known !== undefined && known.id === container?.imageId ? (known.digest ?? known.id) : container?.imageId
  return {
    ...(pulled === undefined ? {} : { pulledBytes: pulled.bytes, pullBytes: pulled.total }),
    ...(digest === undefined || digest === '' ? {} : { digest }),
  }
}

/** Of several containers the one to tell of: ended before running, unhealthy before healthy. */
function worstOf(containers: readonly ObservedContainer[]): ObservedContainer | undefined {
  const rank = (container: ObservedContainer) => (isRunning(container) ? 2 : 0) + (container.health === 'unhealthy' ? 0 : 1)
  return [...containers].sort((a, b) => rank(a) - rank(b))[0]
}

function newestOf({ containers }: Observed, service: string): ObservedContainer | undefined {
  const own = containers.filter(container => container.service === service)
  return own.find(isRunning) ?? own.sort((a, b) => b.createdAt - a.createdAt)[0]
}

function reportService(name: string, image: string, container: ObservedContainer | undefined, state: ServiceState): ReportedService {
  if (container === undefined) return { name, state, image }
  return {
    name,
    state,
    image,
    ...(container.finishedAt > 0 ? { exitCode: container.exitCode } : {}),
    ...(container.restarts > 0 ? { restarts: container.restarts } : {}),
    ...(container.ports.length > 0 ? { ports: container.ports } : {}),
    container: container.id.slice(0, 12),
  }
}

function serviceState({ known, wish, pulling, memory }: AppView, name: string, container: ObservedContainer | undefined): ServiceState {
  if (!known) return 'unknown'
  if (pulling.has(name)) return 'pulling'
  const isWanted = wish?.run === 'running' && wish.project.services[name]?.scale !== 0
  if (container === undefined) return isWanted ? 'pending' : 'stopped'
  switch (container.state) {
    case 'running':
      return container.health === 'none' ? 'running' : container.health
    case 'restarting':
      return 'restarting'
    case 'paused':
      return 'unknown'
    case 'created':
      return wish?.run === 'running' ? 'created' : 'stopped'
    case 'exited': {
      if (wish?.run !== 'running') return 'stopped'
      const restart = wish.project.services[name]?.restart
      return restart !== undefined && judgeEnding(container, restart, memory) === 'completed' ? 'completed' : 'exited'
    }
    case 'dead':
    case 'removing':
      return 'exited'
  }
}

const good: readonly ServiceState[] = ['running', 'healthy', 'completed']
const underway: readonly ServiceState[] = ['pending', 'pulling', 'created', 'starting']

function appState(view: AppView, services: readonly ReportedService[], fault: Refusal | undefined): AppState {
  const { wish, failed, course, stays } = view
  if (!view.known) return 'unknown'
  if (view.held) return 'held'
  if (wish === undefined) return view.fault === undefined ? 'updating' : 'failed'
  if (course === 'undone') return 'failed'
  if (wish.run === 'removed') return 'removing'
  if (wish.run === 'stopped') return stoppedState(view)
  // What failed is tried again, and the containers of before are as they were.
  if (failed !== undefined && course === 'desired' && !stays) return view.revision === 0 ? 'failed' : 'rolled-back'
  const state = runningState(view, services, fault)
  if (failed === undefined) return state
  if (stays) return state === 'partial' ? 'failed' : state
  return state === 'running' ? 'rolled-back' : state
}

function stoppedState({ fault, observed }: AppView): AppState {
  if (fault !== undefined) return 'failed'
  return observed.containers.some(isRunning) ? 'updating' : 'stopped'
}

function runningState(
  { fault: hindrance, busy, loops, trying }: AppView,
  services: readonly ReportedService[],
  fault: Refusal | undefined,
): AppState {
  if (hindrance !== undefined) return trying ? 'updating' : 'failed'
  if (busy) return 'updating'
  const isGood = ({ name, state, scale }: ReportedService) => scale === 0 || (good.includes(state) && !loops.has(name))
  if (services.every(isGood)) return 'running'
  if (fault === undefined && services.some(({ state }) => underway.includes(state))) return 'updating'
  return services.some(isGood) ? 'partial' : 'failed'
}

function loopFault({ loops, observed }: AppView): Refusal | undefined {
  const [first] = loops
  if (first === undefined) return undefined
  const [name, ends] = first
  const exitCode = newestOf(observed, name)?.exitCode ?? 0
  const message = `${name} has ended ${ends} times in a row, last with exit code ${exitCode}: it is started again, but ever less often`
  return { code: 'service.crash-loop', message, path: `services.${name}` }
}

/** What is wrong with an app that has nothing left to do. */
function findFault(wish: RunningWish, match: Match, memory: Memory): Refusal | undefined {
  const names = Object.keys(wish.project.services)
  return (
    firstDefined(names, name => dependencyFault(wish, match, memory, name)) ??
    firstDefined(names, name => firstDefined(match.current.get(name) ?? [], container => serviceFault(wish, container, memory)))
  )
}

/** Why a service that has never started, or has ended, cannot start. */
export function dependencyFault(wish: RunningWish, match: Match, memory: Memory, name: string): Refusal | undefined {
  const containers = match.current.get(name) ?? []
  if (containers.every(isRunning)) return undefined
  const outcome = judgeDependencies(wish, match, memory, name)
  return outcome.state === 'failed' ? outcome.refusal : undefined
}

export function serviceFault(wish: RunningWish, container: ObservedContainer, memory: Memory): Refusal | undefined {
  const path = `services.${container.service}`
  if (container.state === 'running' && container.health === 'unhealthy') {
    return { code: 'service.unhealthy', message: `${container.service} is unhealthy: its health check fails`, path: `${path}.healthcheck` }
  }
  const restart = wish.project.services[container.service]?.restart
  const failed = container.state === 'exited' && restart !== undefined && judgeEnding(container, restart, memory) === 'failed'
  if (!failed && container.state !== 'restarting') return undefined
  const message = `${container.service} ended with exit code ${container.exitCode}${failed ? '' : ' and is started again and again'}`
  return { code: 'service.exited', message, path }
}

function firstDefined<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
