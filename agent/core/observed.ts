// What the Engine shows of one app: plain data, never leaves the agent.

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'
export type Health = 'none' | 'starting' | 'healthy' | 'unhealthy'

/** A container with our label; those of others are never looked at. */
export interface ObservedContainer {
  readonly id: string
  readonly name: string
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
  /** When it was made and when it ended last, ms since 1970; 0 for never. */
  readonly createdAt: number
  readonly finishedAt: number
  readonly networks: readonly string[]
  readonly volumes: readonly MountedVolume[]
  /** Id of the container whose network this one shares. */
  readonly parent?: string
  /** Services that it depends on, by its label. */
  readonly dependsOn: readonly string[]
  readonly ports: readonly string[]
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
  /** Its digest in the registry that it came from, such as `sha256:…`. */
  readonly digest?: string
}

export interface Observed {
  readonly containers: readonly ObservedContainer[]
  readonly networks: readonly ObservedNetwork[]
  /** Names of the volumes that exist, of those that were asked for or that carry the app's label. */
  readonly volumes: readonly string[]
  /** Local images by reference, of those that were asked for. */
  readonly images: Readonly<Record<string, ObservedImage>>
}

export const nothingObserved: Observed = { containers: [], networks: [], volumes: [], images: {} }
