// What the store is given: its file, its limits, and clients as Aedes describes them.
import type { Qos } from './packet.js'
import type { QueueLimits } from './queue.js'
import type { RetainedLimits } from './retained.js'
import type { SessionLimits } from './sessions.js'
import type { Owner } from './wills.js'

export type StoreLimits = RetainedLimits & QueueLimits & SessionLimits

/** What the store could not keep. */
export type StoreDrop = 'retained-full' | 'queue-full'

export interface StoreOptions {
  readonly file: string
  readonly limits: StoreLimits
  /** Whether a topic is for a value of programs, which have limits of their own. */
  readonly isData?: (topic: string) => boolean
  readonly onDrop?: (reason: StoreDrop, source: string) => void
  readonly onError?: (error: unknown) => void
  /** Wall-clock ms. */
  readonly now?: () => number
}

export interface Granted {
  readonly clientId: string
  readonly qos: Qos
}

/** A client as Aedes hands it over; only connected ones say whether their session is clean. */
export type StoreClient = Owner & { readonly clean?: boolean }
