// What one app's loop is to bring about, and what goes beside the apps.
import type { Refusal } from '../protocol/errors.js'
import { digestText } from '../protocol/spec.js'
import type { Candidate, Course } from './core/course.js'
import type { Memory, RunningWish, Wish } from './core/desired.js'
import type { Owner } from './core/labels.js'
import type { Failed } from './core/record.js'

/** A revision of an app: its number, and its spec. */
export interface Revision {
  readonly revision: number
  readonly digest: Uint8Array
}

/** What outlives a target's loop; the rest of the memory is the loop's own. */
export type Given = Pick<Memory, 'outages' | 'sinceMs' | 'restart'>

export interface OnTrial {
  readonly candidate: Candidate
  readonly settleMs: number | undefined
  /** What the device gives to its compose file. */
  readonly variables: Readonly<Record<string, string>>
}

/** What an app should be. Without a wish its containers are left alone: its spec isn't held, or cannot be followed. */
export interface Target {
  readonly owner: Owner
  readonly wish: Wish | undefined
  /** What runs, and is kept running while the wish's images are still on their way. */
  readonly before: RunningWish | undefined
  /** Of the wish; absent for removals. */
  readonly revision: Revision | undefined
  readonly memory: Given
  /** Why there is no wish, if it is a fault. */
  readonly fault: Refusal | undefined
  readonly course: Course
  /** What has to prove itself; absent for what has done so, and for what is no revision. */
  readonly trial: OnTrial | undefined
  /** What failed before: why another course is followed, or what is tried once more. */
  readonly failed: Failed | undefined
  /** Why it would not be begun, were it not running already. */
  readonly concern: Refusal | undefined
}

/** What else than a target's app there is to do. */
export interface Scope {
  /** Whatever else this device's agent has made goes. False while it isn't known whether something else is desired. */
  readonly prune: boolean
  /** Apps that are removed with their volumes. */
  readonly purged: ReadonlySet<string>
  /** Apps that the ledger knows. */
  readonly known: ReadonlySet<string>
}

/** What a target is that says nothing. */
export const noTarget: Omit<Target, 'owner'> = {
  wish: undefined,
  before: undefined,
  revision: undefined,
  memory: { outages: [], sinceMs: 0, restart: 'no' },
  fault: undefined,
  course: 'desired',
  trial: undefined,
  failed: undefined,
  concern: undefined,
}

/** Equal keys mean equal targets, whatever is remembered and proved. */
export function targetKey({ wish, revision, fault, owner, course, trial, failed, memory, concern }: Target): string {
  const digest = revision === undefined ? '' : digestText(revision.digest)
  // The same spec is another project when variables of the device change.
  const made =
    wish?.run === 'running'
      ? [wish.hashes, wish.images, wish.sources, wish.proofs, wish.project.networks, wish.project.volumes]
      : wish?.run === 'removed'
        ? [wish.volumes]
        : []
  const tried = [course, trial?.candidate.entry, course === 'desired' && failed !== undefined]
  return JSON.stringify([owner.app, wish?.run, revision?.revision, digest, fault, concern, memory.restart, made, tried])
}
