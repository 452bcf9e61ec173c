// What should be true of one app on this device, ready for the planner.
import type { Project } from '../../protocol/compose/project.js'
import type { RestartPolicy } from '../../protocol/messages/manifest.js'
import type { Proofs } from './image-lists.js'
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
      /** By service: one text for what its image is built from. An image that was built from something else is built anew. */
      readonly builds?: Readonly<Record<string, string>>
      /** By service: the id of the image that its containers are made from, whatever the tag stands for now. */
      readonly images?: Readonly<Record<string, string>>
      /** By service: what to pull where that image is gone. Without it nothing is pulled. */
      readonly sources?: Readonly<Record<string, string>>
      /** By service: what its image has to prove once it is here. */
      readonly proofs?: Proofs
      /** Whose images are pulled or built anew though they are here, once: see {@link Memory.pulled}. */
      readonly refresh?: Refresh
    }
  | { readonly run: 'stopped'; readonly owner: Owner }
  | RemovedWish

interface RemovedWish {
  readonly run: 'removed'
  readonly owner: Owner
  /** Volumes, and images by reference, go only if nothing else uses them. */
  readonly volumes: boolean
  readonly images?: readonly string[]
  /** Names of volumes that stay even so. */
  readonly kept?: readonly string[]
}

/** The named services, all of them without `services`, or those whose pull policy asks for it. */
export type Refresh = { readonly services?: readonly string[] } | 'by-policy'

export type RunningWish = Wish & { readonly run: 'running' }

/** A time in which containers ended by no fault of theirs, such as a power cut. Wall clock, ms. */
export interface Outage {
  readonly fromMs: number
  readonly toMs: number
}

/** What the Engine does not remember: times are wall-clock ms, as its own. */
export interface Memory {
  /** What ended then is started again. */
  readonly outages: readonly Outage[]
  /** When the app was last wanted anew: what failed before is tried again. */
  readonly sinceMs: number
  /** Services that ended too often, and until when they wait. */
  readonly holds: Readonly<Record<string, number>>
  /** References of the images that were pulled or built for this wish: none is refreshed twice. */
  readonly pulled: readonly string[]
  /** When to start services again whose compose file asks for no restart. */
  readonly restart: RestartPolicy
}

export const noMemory: Memory = { outages: [], sinceMs: 0, holds: {}, pulled: [], restart: 'no' }
