// The canonical form of a compose file: every attribute in one form, defaults left out, ready to be hashed, diffed and run.
import type { Blkio, Build, DeviceRequest, Hook, Link, PlacedFile, VolumesFrom } from './parts.js'

/** What a compose file says, normalised. All maps have their keys sorted; equal meaning gives an equal value. */
export interface Project {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, Network>>
  readonly volumes: Readonly<Record<string, Volume>>
}

export interface Service {
  /** Absent: built here, under a name made of the app's and the service's. */
  readonly image?: string
  /** Files of the bundle that an image is built from; an image of the same name that exists already is not pulled. */
  readonly build?: Build
  /** When to pull; a number is the age in ms from which on an image is pulled anew. Absent: when it is missing. */
  readonly pullPolicy?: 'always' | 'never' | 'build' | number
  readonly platform?: string
  /** How many containers; 1 if absent. */
  readonly scale?: number
  /** Absent: the image's own. Empty: cleared. */
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  /** Null takes the variable away from the image's. */
  readonly environment: Readonly<Record<string, string | null>>
  readonly ports: readonly Port[]
  readonly expose: readonly string[]
  readonly volumes: readonly Mount[]
  /** Configs and secrets, in order of target. */
  readonly files?: readonly PlacedFile[]
  /** Services or containers whose mounts are taken over. */
  readonly volumesFrom?: readonly VolumesFrom[]
  /** Keys are networks of the project. Empty when `networkMode` is set. */
  readonly networks: Readonly<Record<string, Attachment>>
  /** `host`, `none`, `bridge`, `service:NAME` or `container:NAME`. */
  readonly networkMode?: string
  readonly links?: readonly Link[]
  /** Containers outside the app, each `name:alias`. */
  readonly externalLinks?: readonly string[]
  readonly macAddress?: string
  readonly restart: Restart
  /** Links, shared namespaces and `volumesFrom` count too. */
  readonly dependsOn: Readonly<Record<string, Dependency>>
  readonly postStart?: readonly Hook[]
  readonly preStop?: readonly Hook[]
  readonly healthcheck?: Healthcheck
  readonly labels: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly resources: Resources
  readonly containerName?: string
  readonly hostname?: string
  readonly domainname?: string
  readonly user?: string
  readonly groupAdd?: readonly string[]
  readonly workingDir?: string
  readonly tty?: boolean
  readonly stdinOpen?: boolean
  readonly readOnly?: boolean
  readonly init?: boolean
  readonly privileged?: boolean
  readonly runtime?: string
  /** `host`, `private`, `shareable`, `none`, `service:NAME` or `container:NAME`. */
  readonly ipc?: string
  /** `host`, `service:NAME` or `container:NAME`. */
  readonly pid?: string
  readonly uts?: 'host'
  readonly usernsMode?: string
  readonly isolation?: 'default'
  readonly cgroup?: 'host' | 'private'
  readonly cgroupParent?: string
  readonly stopSignal?: string
  readonly stopGraceMs?: number
  readonly shmSizeBytes?: number
  readonly tmpfs: readonly string[]
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  /** A seccomp profile stands here as its contents. */
  readonly securityOpt: readonly string[]
  readonly extraHosts: readonly string[]
  readonly dns: readonly string[]
  readonly dnsSearch?: readonly string[]
  readonly dnsOptions?: readonly string[]
  readonly devices: readonly string[]
  readonly deviceRequests?: readonly DeviceRequest[]
  readonly deviceCgroupRules?: readonly string[]
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>
  readonly sysctls: Readonly<Record<string, string>>
  readonly storageOptions?: Readonly<Record<string, string>>
  readonly logging?: { readonly driver?: string; readonly options: Readonly<Record<string, string>> }
}

/** One published port; ranges are spread out. `published` 0 lets the Engine choose, and it chooses from `published` to `publishedTo`. */
export interface Port {
  readonly hostIp: string
  readonly published: number
  readonly publishedTo?: number
  readonly target: number
  readonly protocol: 'tcp' | 'udp' | 'sctp'
}

/**
 * `options` are those of the Engine's short form, sorted. A bind's `source` is absolute, or relative to the app's folder
 * and then `.` or begins with `./` or `..`; `..` stands only at its start.
 */
export type Mount =
  | {
      readonly type: 'bind'
      readonly source: string
      readonly target: string
      readonly options: readonly string[]
      /** False: the source must exist already. */
      readonly createSource?: false
      /** Which mounts below the source come along, and how; absent: all, read-only ones as far as the kernel can. */
      readonly recursive?: 'disabled' | 'writable' | 'readonly'
    }
  /** `source` is a volume of the project; absent for an anonymous one. */
  | {
      readonly type: 'volume'
      readonly source?: string
      readonly target: string
      readonly options: readonly string[]
      readonly subpath?: string
      /** Of the volume, if this mount makes it. */
      readonly labels?: Readonly<Record<string, string>>
    }
  | {
      readonly type: 'tmpfs'
      readonly target: string
      readonly sizeBytes?: number
      /** File mode bits. */
      readonly mode?: number
      readonly readOnly?: true
    }
  /** The files of an image. */
  | { readonly type: 'image'; readonly source: string; readonly target: string; readonly subpath?: string }

export interface Attachment {
  readonly aliases: readonly string[]
  readonly ipv4?: string
  readonly ipv6?: string
  readonly linkLocal?: readonly string[]
  readonly macAddress?: string
  /** The network of the highest one is joined first, then by name; 0 if absent. */
  readonly priority?: number
  readonly gatewayPriority?: number
  readonly driverOpts?: Readonly<Record<string, string>>
  readonly interfaceName?: string
}

export interface Restart {
  readonly policy: 'no' | 'always' | 'unless-stopped' | 'on-failure'
  readonly maxRetries?: number
}

export interface Dependency {
  readonly condition: 'started' | 'healthy' | 'completed'
  /** A dependency that is not required does not stop its dependant when it fails. */
  readonly required: boolean
  /** True: the dependant is started anew when the dependency has been made anew. */
  readonly restart?: boolean
}

/** Absent fields are the image's own. Durations in ms. */
export interface Healthcheck {
  /** As the Engine takes it: `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`. */
  readonly test?: readonly string[]
  readonly intervalMs?: number
  readonly timeoutMs?: number
  readonly startPeriodMs?: number
  readonly startIntervalMs?: number
  readonly retries?: number
}

export interface Resources {
  readonly memoryBytes?: number
  readonly memoryReservationBytes?: number
  readonly memorySwapBytes?: number
  /** CPUs in thousandths. */
  readonly cpusMilli?: number
  readonly memorySwappiness?: number
  readonly cpuShares?: number
  readonly cpuQuotaUs?: number
  readonly cpuPeriodUs?: number
  readonly cpuRealtimePeriodUs?: number
  readonly cpuRealtimeRuntimeUs?: number
  readonly cpuCount?: number
  readonly cpuPercent?: number
  readonly cpuset?: string
  readonly pids?: number
  readonly oomKillDisable?: boolean
  readonly oomScoreAdj?: number
  readonly blkio?: Blkio
}

export interface Network {
  /** The Engine's name where the file fixes it; otherwise `{project}_{key}`. */
  readonly name?: string
  readonly external?: boolean
  readonly driver?: string
  readonly driverOpts: Readonly<Record<string, string>>
  readonly internal?: boolean
  readonly enableIpv4?: boolean
  readonly enableIpv6?: boolean
  readonly attachable?: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly subnets: readonly {
    readonly subnet?: string
    readonly gateway?: string
    readonly ipRange?: string
    readonly auxAddresses?: Readonly<Record<string, string>>
  }[]
  readonly ipamDriver?: string
  readonly ipamOptions?: Readonly<Record<string, string>>
}

export interface Volume {
  readonly name?: string
  readonly external?: boolean
  readonly driver?: string
  /** A `device` that is bound may be a path of the app's folder, as a bind's `source`. */
  readonly driverOpts: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}
