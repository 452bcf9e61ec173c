// What the HTTP API answers about a group.

import type { Permit } from './permits.js'
import type { DeviceState } from './standing.js'

export interface Group {
  readonly name: string
  readonly devices: readonly { readonly id: string; readonly name: string; readonly state: DeviceState }[]
  readonly apps: readonly string[]
  readonly createdAt: string
  readonly permit: Permit | null
}
