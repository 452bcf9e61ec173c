// How the HTTP API tells what a device is, and how one app does on it.

import type { Refusal } from '../../protocol/errors.js'
import type { ServiceState } from '../../protocol/messages/heartbeat.js'
import type { AppState } from '../../protocol/messages/reported.js'
import type { Held } from './permits.js'

export type DeviceState = 'Ready' | 'NotReady' | 'Unknown'

/** How an app does on one device; `pending` until the device has said anything. */
type AppOnDeviceState = AppState | 'pending'

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

export interface AppStatus {
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
