// What should be true of one app on this device, ready for the planner.
import type { Project } from '../../protocol/compose/project.js'
import type { Owner } from './labels.js'

export type Wish =
  | {
      readonly run: 'running'
      readonly owner: Owner
      readonly project: Project
      /** Hash of each service: a container with another one is replaced. */
      readonly hashes: Readonly<Record<string, string>>
      /** Folder that relative bind sources start from. */
      readonly folder: string
    }
  | { readonly run: 'stopped'; readonly owner: Owner }
  | { readonly run: 'removed'; readonly owner: Owner; readonly volumes: boolean }

export type RunningWish = Wish & { readonly run: 'running' }

/** What the Engine does not remember: times are wall-clock ms, as its own. */
export interface Memory {
  /** Times in which containers ended by no fault of theirs, such as a power cut: what ended then is started again. */
  readonly outages: readonly { readonly fromMs: number; readonly toMs: number }[]
  /** When the app was last wanted anew: what failed before is tried again. */
  readonly sinceMs: number
  /** Services that ended too often, and until when they wait. */
  readonly holds: Readonly<Record<string, number>>
}

export const noMemory: Memory = { outages: [], sinceMs: 0, holds: {} }
