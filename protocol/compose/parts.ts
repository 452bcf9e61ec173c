// Parts of the canonical service that few services have: builds, placed files, hooks, device requests, rates of disks.

/** Paths are relative to the app's folder, or absolute where the file is of this machine. */
export interface Build {
  readonly context: string
  /** Relative to the context. Absent: `Dockerfile`. */
  readonly dockerfile?: string
  /** Instead of a file. */
  readonly dockerfileInline?: string
  readonly args: Readonly<Record<string, string>>
  readonly target?: string
  readonly labels: Readonly<Record<string, string>>
  readonly network?: string
  readonly extraHosts: readonly string[]
  readonly cacheFrom: readonly string[]
  /** Further names of the image. */
  readonly tags: readonly string[]
  readonly noCache?: boolean
  readonly pull?: boolean
  readonly platform?: string
  readonly shmSizeBytes?: number
}

/** A config or secret: a file that is put into the container. */
export interface PlacedFile {
  readonly target: string
  /** A file of the app's folder, as in {@link Mount}, or the contents themselves. */
  readonly source: { readonly path: string } | { readonly content: string }
  /** File mode bits; absent: 0444. */
  readonly mode?: number
  readonly uid?: string
  readonly gid?: string
}

export interface VolumesFrom {
  /** One of both. */
  readonly service?: string
  readonly container?: string
  readonly readOnly: boolean
}

export interface Link {
  readonly service: string
  readonly alias: string
}

/** A command run in the container after it has started, or before it is stopped. */
export interface Hook {
  readonly command: readonly string[]
  readonly user?: string
  readonly privileged?: boolean
  readonly workingDir?: string
  readonly environment: Readonly<Record<string, string>>
}

/** As the Engine's DeviceRequests. `count` -1 means all. */
export interface DeviceRequest {
  readonly driver?: string
  readonly count?: number
  readonly deviceIds: readonly string[]
  readonly capabilities: readonly string[]
  readonly options: Readonly<Record<string, string>>
}

/** Rates are in bytes or operations a second, by device path. */
export interface Blkio {
  readonly weight?: number
  readonly weightDevice?: Readonly<Record<string, number>>
  readonly readBytes?: Readonly<Record<string, number>>
  readonly writeBytes?: Readonly<Record<string, number>>
  readonly readOperations?: Readonly<Record<string, number>>
  readonly writeOperations?: Readonly<Record<string, number>>
}
