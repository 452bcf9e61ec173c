// The canonical form of a compose file: every attribute in one form, defaults left out, ready to be hashed, diffed and run.

/** What a compose file says, normalised. All maps have their keys sorted; equal meaning gives an equal value. */
export interface Project {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, Network>>
  readonly volumes: Readonly<Record<string, Volume>>
}

export interface Service {
  readonly image: string
  /** Absent: the image's own. Empty: cleared. */
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly ports: readonly Port[]
  readonly expose: readonly string[]
  readonly volumes: readonly Mount[]
  /** Keys are networks of the project. Empty when `networkMode` is set. */
  readonly networks: Readonly<Record<string, Attachment>>
  /** `host`, `none`, `bridge`, or `service:NAME`. */
  readonly networkMode?: string
  readonly restart: Restart
  readonly dependsOn: Readonly<Record<string, Dependency>>
  readonly healthcheck?: Healthcheck
  readonly labels: Readonly<Record<string, string>>
  readonly resources: Resources
  readonly containerName?: string
  readonly hostname?: string
  readonly user?: string
  readonly workingDir?: string
  readonly tty?: boolean
  readonly stdinOpen?: boolean
  readonly readOnly?: boolean
  readonly init?: boolean
  readonly privileged?: boolean
  readonly stopSignal?: string
  readonly stopGraceMs?: number
  readonly tmpfs: readonly string[]
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  readonly securityOpt: readonly string[]
  readonly extraHosts: readonly string[]
  readonly dns: readonly string[]
  readonly devices: readonly string[]
  readonly sysctls: Readonly<Record<string, string>>
  readonly logging?: { readonly driver?: string; readonly options: Readonly<Record<string, string>> }
}

/** One published port; ranges are spread out. `published` 0 lets the Engine choose. */
export interface Port {
  readonly hostIp: string
  readonly published: number
  readonly target: number
  readonly protocol: 'tcp' | 'udp' | 'sctp'
}

export type Mount =
  | { readonly type: 'bind'; readonly source: string; readonly target: string; readonly options: readonly string[] }
  /** `source` is a volume of the project; absent for an anonymous one. */
  | { readonly type: 'volume'; readonly source?: string; readonly target: string; readonly options: readonly string[] }
  | { readonly type: 'tmpfs'; readonly target: string; readonly sizeBytes?: number }

export interface Attachment {
  readonly aliases: readonly string[]
  readonly ipv4?: string
  readonly ipv6?: string
}

export interface Restart {
  readonly policy: 'no' | 'always' | 'unless-stopped' | 'on-failure'
  readonly maxRetries?: number
}

export interface Dependency {
  readonly condition: 'started' | 'healthy' | 'completed'
  /** A dependency that is not required does not stop its dependant when it fails. */
  readonly required: boolean
}

/** Absent fields are the image's own. Durations in ms. */
export interface Healthcheck {
  /** As the Engine takes it: `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`. */
  readonly test?: readonly string[]
  readonly intervalMs?: number
  readonly timeoutMs?: number
  readonly startPeriodMs?: number
  readonly retries?: number
}

export interface Resources {
  readonly memoryBytes?: number
  readonly memoryReservationBytes?: number
  readonly memorySwapBytes?: number
  /** CPUs in thousandths. */
  readonly cpusMilli?: number
  readonly cpuShares?: number
  readonly cpuset?: string
  readonly pids?: number
}

export interface Network {
  /** The Engine's name where the file fixes it; otherwise `{project}_{key}`. */
  readonly name?: string
  readonly external?: boolean
  readonly driver?: string
  readonly driverOpts: Readonly<Record<string, string>>
  readonly internal?: boolean
  readonly enableIpv6?: boolean
  readonly attachable?: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly subnets: readonly { readonly subnet?: string; readonly gateway?: string; readonly ipRange?: string }[]
}

export interface Volume {
  readonly name?: string
  readonly external?: boolean
  readonly driver?: string
  readonly driverOpts: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}
