// The Docker Engine as the agent sees it: a port, so that nothing else knows how it is spoken to.
import type { Hook } from '../protocol/compose/parts.js'
import type { Restart } from '../protocol/compose/project.js'
import type { LogBatch } from './core/log-pieces.js'
import type { Observed } from './core/observed.js'
import type { NetworkBody, PlacedContent, StepArgs, VolumeBody } from './core/step.js'
import type { Login } from './logins.js'

/** What to look at; see {@link Observed}. */
export interface ObserveQuery {
  readonly app: string
  readonly images: readonly string[]
  readonly volumes: readonly string[]
  /** Networks that the app wants, by name: nobody needs to count their endpoints. */
  readonly networks: readonly string[]
}

export interface PullProgress {
  readonly image: string
  readonly status: string
  /** Bytes of all layers known so far. */
  readonly currentBytes: number
  readonly totalBytes: number
}

/** A container whose log can be read. */
export interface LogSource {
  readonly id: string
  readonly service: string
  readonly number: number
  readonly running: boolean
}

export interface LogQuery {
  readonly id: string
  /** Goes on until the container ends. */
  readonly follow: boolean
  /** Lines from the end; undefined: all. */
  readonly tail: number | undefined
  /** Seconds since 1970. */
  readonly sinceS: number | undefined
  /** Only what is newer than this line's time; empty: everything. */
  readonly after: string
  readonly timestamps: boolean
}

/** Every call throws a SkerryError with a code of its own; `engine.unavailable` when nothing answers. */
export interface Engine {
  /** The Engine's version. Also proves that it answers. */
  version(): Promise<string>
  observe(query: ObserveQuery): Promise<Observed>
  /** Names of the apps that the agent of `device` has made something of. */
  apps(device: string): Promise<string[]>
  pull(args: StepArgs['pull'], onProgress: (progress: PullProgress) => void, signal: AbortSignal, login?: Login): Promise<void>
  build(args: StepArgs['build'], signal: AbortSignal, logins?: readonly Login[]): Promise<void>
  /** Throws `auth.refused` if the registry does. */
  checkLogin(login: Login): Promise<void>
  /** An image that is in use stays. */
  removeImage(image: string): Promise<void>
  createNetwork(body: NetworkBody): Promise<void>
  removeNetwork(id: string): Promise<void>
  createVolume(body: VolumeBody): Promise<void>
  removeVolume(name: string): Promise<void>
  /** Takes names away from an image, and the image with the last of its names. False if a container needs it. */
  dropImage(id: string, references: readonly string[]): Promise<boolean>
  /** The new container's id. */
  createContainer(args: StepArgs['create']): Promise<string>
  renameContainer(id: string, name: string): Promise<void>
  /** Into a container that has not been started yet. */
  placeFiles(id: string, files: readonly PlacedContent[]): Promise<void>
  /** When the Engine starts the container again by itself. */
  setRestart(id: string, restart: Restart): Promise<void>
  startContainer(id: string): Promise<void>
  /** Runs a command in a container and waits for its end. */
  runHook(id: string, hook: Hook): Promise<void>
  /** Waits for the container to end, at most for its own grace period; `graceS` says how long that is. */
  stopContainer(id: string, graceS?: number): Promise<void>
  removeContainer(id: string, volumes: boolean): Promise<void>
  /** The app's containers, by service and number. */
  logSources(app: string): Promise<LogSource[]>
  readLog(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogBatch>
  /** Calls `onApp` for each change of a container of ours. Ends with an error when the stream does, or quietly by `signal`. */
  watch(onOpen: () => void, onApp: (app: string) => void, signal: AbortSignal): Promise<void>
}
