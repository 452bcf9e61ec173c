// What the Engine shows of one app: plain data, never leaves the agent.
import type { Hook } from '../../protocol/compose/parts.js'
import type { Restart } from '../../protocol/compose/project.js'

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'
export type Health = 'none' | 'starting' | 'healthy' | 'unhealthy'

/** A container with our label; those of others are never looked at. */
export interface ObservedContainer {
  readonly id: string
  readonly name: string
  /** The device whose agent manages it; absent if it was applied by hand. */
  readonly device?: string
  readonly service: string
  /** Counted from 1, as docker compose does. */
  readonly number: number
  /** Hash of the service that it was made from. */
  readonly hash: string
  readonly image: string
  readonly imageId: string
  readonly state: ContainerState
  readonly health: Health
  readonly exitCode: number
  readonly restarts: number
  /** When the Engine starts it again by itself; absent if unknown. */
  readonly restart?: Restart
  /** When it was made, and when it started and ended last, ms since 1970; 0 for never. */
  readonly createdAt: number
  readonly startedAt: number
  readonly finishedAt: number
  readonly networks: readonly string[]
  readonly volumes: readonly MountedVolume[]
  /** Ids of the containers whose network, IPC or process ids this one shares, or whose volumes it takes over. */
  readonly parents: readonly string[]
  /** Services that it depends on, by its label. */
  readonly dependsOn: readonly string[]
  readonly ports: readonly string[]
  /** How long it may take to stop before it is killed; the Engine's default if absent. */
  readonly stopGraceS?: number
  /** Commands to run in it before it is stopped. */
  readonly preStop: readonly Hook[]
}

export interface MountedVolume {
  readonly name: string
  readonly target: string
}

export interface ObservedNetwork {
  readonly id: string
  readonly name: string
  /** True with our label of this app: only then may it be removed. */
  readonly owned: boolean
  /** The options that it was made from, as text; empty if it isn't ours. */
  readonly options: string
  /** Containers attached to it, anybody's. */
  readonly endpoints: number
}

export interface ObservedImage {
  readonly id: string
  /** Paths that the image declares as volumes. */
  readonly volumes: readonly string[]
  /** When it was pulled, built or tagged here last, ms since 1970; 0 if unknown. */
  readonly taggedAt: number
  /** True if a container, anybody's, is made from it. */
  readonly used: boolean
  /** Its digest in the registry that it came from, such as `sha256:…`. */
  readonly digest?: string
  /** All of its digests, where it is known under several names. */
  readonly digests?: readonly string[]
  /** The label that says what it was built from; absent for images that were not built here. */
  readonly build?: string
}

export interface ObservedVolume {
  readonly name: string
  /** True with our label of this app. */
  readonly owned: boolean
  /** The options that it was made from, as text; empty if it isn't ours. */
  readonly options: string
  /** True if a container, anybody's, mounts it. */
  readonly used: boolean
}

export interface Observed {
  readonly containers: readonly ObservedContainer[]
  readonly networks: readonly ObservedNetwork[]
  /** The volumes that exist, of those that were asked for or that carry the app's label. */
  readonly volumes: readonly ObservedVolume[]
  /** Local images by reference or id, of those that were asked for. */
  readonly images: Readonly<Record<string, ObservedImage>>
  /** Minor number of the Engine's API version: 41 of 1.41. */
  readonly api: number
  /** Host ports that containers of others publish. */
  readonly taken?: readonly TakenPort[]
}

export interface TakenPort {
  readonly ip: string
  readonly port: number
  readonly protocol: string
  /** Name of the container. */
  readonly container: string
}

export const nothingObserved: Observed = { containers: [], networks: [], volumes: [], images: {}, api: 41 }
