// What the HTTP API answers, as the commands use it.

import type { Role } from '../protocol/access.js'
import type { Refusal } from '../protocol/errors.js'
import type { ServiceState } from '../protocol/messages/heartbeat.js'
import type { Policy, RunState } from '../protocol/messages/manifest.js'
import type { AppState } from '../protocol/messages/reported.js'
import type { Facts } from '../protocol/messages/status.js'
import type { Traffic } from '../protocol/messages/usage.js'

export type DeviceState = 'Ready' | 'NotReady' | 'Unknown'
/** How an app does on one device; `pending` until the device has said anything. */
type AppOnDeviceState = AppState | 'pending'

export interface List<T> {
  readonly items: readonly T[]
}

export interface SigningKey {
  readonly number: number
  readonly id: string
  readonly createdAt: string
  readonly current: boolean
  readonly devices: number
}

export interface Service {
  readonly name: string
  readonly state: ServiceState
  readonly image: string
  readonly exitCode?: number | null
  readonly restarts?: number | null
  readonly ports?: readonly string[]
  readonly container?: string | null
  readonly digest?: string
  readonly running?: number
  readonly scale?: number
  readonly pulledBytes?: number
  readonly pullBytes?: number
}

/** The last word on whether containers may be changed. */
export interface Permit {
  readonly value: boolean
  readonly leaseS: number | null
  readonly by: string | null
  readonly user: string | null
  readonly address: string | null
  readonly since: string
}

export interface Held {
  readonly by: 'device' | 'group' | 'owner'
  readonly group: string | null
  readonly why: 'withheld' | 'lapsed' | 'missing'
  readonly who: string | null
  readonly since: string
}

interface AppStatus {
  readonly group: string | null
  /** The revision that runs; null before the first report. */
  readonly revision: number | null
  readonly desiredRevision: number | null
  /** The name of the desired revision; null if it has none. */
  readonly desiredVersion: string | null
  readonly state: AppOnDeviceState
  readonly fault: Refusal | null
  readonly held: Held | null
  /** A revision that failed there and is not tried again until something changes. */
  readonly failedRevision: number | null
  /** Generation of the newest refresh that was done, or given up. */
  readonly refreshed: number | null
  readonly services: readonly Service[]
}

export interface Device {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly state: DeviceState
  readonly reason: string | null
  readonly since: string
  readonly lastSeen: string | null
  /** When it turns NotReady if it stays silent; null if it is not Ready. */
  readonly expectedBy: string | null
  readonly intervalS: number | null
  readonly leaseS: number | null
  /** How it is to use its link. */
  readonly link: Link & { readonly of: LinkOwner }
  /** What its connection costs; null if it never told. */
  readonly usage: MonthUse | null
  readonly facts: Facts | null
  readonly metrics: {
    readonly uptimeS: number
    readonly cpuPercent: number
    readonly memoryUsedMiB: number
    readonly diskUsedPercent: number
    readonly load: number
    readonly temperatureC: number | null
  } | null
  readonly groups: readonly string[]
  readonly revision: { readonly desired: number | null; readonly held: number | null }
  readonly apps: readonly (AppStatus & { readonly app: string })[]
  readonly faults: readonly Refusal[]
  /** What it shows for being itself; null if it never joined. */
  readonly identity: {
    readonly key: string
    readonly via: 'token' | 'approval'
    readonly joinedAt: string
    readonly certificateUntil: string | null
  } | null
  readonly permit: Permit | null
  readonly held: Held | null
}

/** How a link is used; null: no limit. */
export interface Link {
  readonly profile: string
  readonly intervalS: number
  readonly keepaliveS: number
  readonly metricsS: number
  readonly reportMs: number
  readonly changes: boolean
  readonly usageS: number
  readonly logBytesPerS: number | null
  readonly logBytes: number | null
  readonly pulls: number | null
  readonly quiet: readonly string[]
  readonly budgetBytes: number | null
  /** A silent device is NotReady so long after its last heartbeat. */
  readonly notReadyAfterS: number
}

/** Whose setting it is; null: nobody's. */
type LinkOwner = { readonly kind: 'device' | 'group'; readonly name: string } | null

export interface LinkStanding {
  readonly setting: Readonly<Record<string, unknown>> | null
  readonly link: Link | null
  readonly of: LinkOwner
}

export interface MonthUse {
  readonly month: string
  readonly usedBytes: number
  readonly projectedBytes: number | null
  readonly budgetBytes: number | null
  /** How many times more rarely telemetry comes. */
  readonly slow: number
}

interface Sums {
  readonly totalBytes: number
  readonly purposes: Traffic
}

/** What a device's connection has cost. */
export interface Usage {
  readonly device: string
  readonly month: MonthUse | null
  readonly days: readonly (Sums & { readonly day: string })[]
  readonly months: readonly (Sums & { readonly month: string })[]
}

export interface JoinToken {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly uses: number
  readonly used: number
  readonly createdAt: string
  readonly expiresAt: string
}

export interface Invitation extends JoinToken {
  readonly token: string
  readonly url: string | null
  /** The line to paste on a device. */
  readonly command: string
  readonly note: string | null
}

/** A device that asked to join without a token. */
export interface Pending {
  readonly key: string
  readonly device: string
  readonly state: 'pending' | 'rejected'
  readonly facts: Facts
  readonly firstAt: string
  readonly lastAt: string
}

export interface Group {
  readonly name: string
  readonly devices: readonly { readonly id: string; readonly name: string; readonly state: DeviceState }[]
  readonly apps: readonly string[]
  readonly createdAt: string
  readonly permit: Permit | null
}

export interface AppDevice extends AppStatus {
  readonly device: string
  readonly name: string
  readonly deviceState: DeviceState
  readonly reason: string | null
}

export interface App {
  readonly name: string
  readonly target: { readonly kind: 'device' | 'group'; readonly name: string }
  readonly revision: number
  readonly version: string | null
  readonly digest: string
  readonly run: RunState
  readonly createdAt: string
  readonly updatedAt: string
  readonly services: readonly string[]
  readonly refresh: { readonly generation: number; readonly services: readonly string[] | null } | null
  readonly policy: { readonly restart: NonNullable<Policy['restart']>; readonly settleS: number | null; readonly rollBack: boolean }
  readonly state: string
  readonly counts: { readonly total: number; readonly running: number }
  readonly devices: readonly AppDevice[]
}

export interface Deployed extends App {
  readonly changed: boolean
  readonly warnings: readonly Refusal[]
}

/** A name that people gave a revision. */
export interface Version {
  readonly version: string
  readonly revision: number
  readonly digest: string
  readonly createdAt: string
  readonly origin: { readonly via: string; readonly user?: string; readonly topic?: string }
}

/** The answer to a dry run. */
export interface Checked {
  readonly services: readonly string[]
  readonly warnings: readonly Refusal[]
}

export interface Restarted {
  readonly items: readonly { readonly device: string; readonly name: string; readonly restarted: boolean; readonly fault: Refusal | null }[]
}

export interface LogLine {
  readonly service: string
  readonly stream: 'out' | 'err'
  readonly time?: string
  readonly line: string
}

/** The fleet's without a group. */
export interface ImageList {
  readonly group: string | null
  readonly patterns: readonly string[]
}

export interface AuditRow {
  readonly number: number
  readonly at: string
  readonly who: string
  readonly via: string
  readonly from: string
  readonly action: string
  readonly target: string
  readonly outcome: 'done' | 'refused' | 'failed'
  readonly code: string | null
  readonly count: number
  readonly detail: string
  readonly hash: string
}

export interface Verification {
  readonly intact: boolean
  readonly rows: number
  readonly head: string
  readonly broken: number
  readonly faults: readonly { readonly number: number; readonly message: string }[]
}

export interface FleetEvent {
  readonly id: number
  readonly at: string
  readonly type: string
  readonly device: string | null
  readonly group: string | null
  readonly app: string | null
  readonly message: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Groups that a role is for; null: the whole fleet. */
type Groups = readonly string[] | null

export interface Who {
  readonly name: string
  readonly kind: 'user' | 'token' | 'local' | 'config'
  readonly role: Role
  readonly groups: Groups
  readonly expiresAt: string | null
}

export interface LoggedIn extends Who {
  /** The session's, where a token was asked for. */
  readonly token?: string
}

export interface User {
  readonly name: string
  readonly role: Role
  readonly groups: Groups
  readonly oneTimePassword: boolean
  readonly createdAt: string
  readonly lastSeen: string | null
}

export interface NewUser extends User {
  /** The one-time password, if one was made. */
  readonly password: string | null
}

export interface AccessToken {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly groups: Groups
  readonly createdAt: string
  readonly createdBy: string
  readonly expiresAt: string
  readonly lastSeen: string | null
}
