// What the HTTP API answers about a device.

import type { Refusal } from '../../protocol/errors.js'
import type { Facts } from '../../protocol/messages/status.js'
import type { Link, LinkOwner } from './links.js'
import type { Held, Permit } from './permits.js'
import type { AppStatus, DeviceState } from './standing.js'
import type { MonthUse } from './usage.js'

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
