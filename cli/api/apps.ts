// What the HTTP API answers about apps: their state, their versions, and what was done with them.

import type { Refusal } from '../../protocol/errors.js'
import type { Policy, RunState } from '../../protocol/messages/manifest.js'
import type { AppStatus, DeviceState } from './standing.js'

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
