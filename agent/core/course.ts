// What to follow of an app: what is desired, or, once that has failed, the last good revision, or nothing.
import type { DesiredApp } from '../../protocol/messages/manifest.js'
import type { AppRecord } from './record.js'

/** What a desired revision is, told apart from others. */
export interface Candidate {
  /** As the manifest names it: what failed is tried again when this changes. */
  readonly entry: string
  /** What its containers are made of: what is as the last good one need not prove itself again. */
  readonly content: string
  readonly generation: number
}

export type Course = 'desired' | 'last-good' | 'undone'

export function entryOf({ revision, digest, refresh, policy }: DesiredApp): string {
  const { restart, settleS, rollBack } = policy ?? {}
  const services = refresh?.services === undefined ? '' : [...refresh.services].sort().join(' ')
  return JSON.stringify([
    revision,
    Buffer.from(digest).toString('base64url'),
    refresh?.generation ?? 0,
    services.slice(0, 1000),
    restart,
    settleS,
    rollBack,
  ])
}

/** `retrying`: it is time to try once more what failed. */
export function chooseCourse(record: AppRecord | undefined, { entry }: Candidate, retrying: boolean): Course {
  const failed = record?.failed
  if (failed === undefined || failed.entry !== entry || retrying) return 'desired'
  if (record?.good !== undefined) return 'last-good'
  return canUndo(record) ? 'undone' : 'desired'
}

/** A first deploy that has never been good: nothing of it has to stay. */
export function canUndo(record: AppRecord | undefined): boolean {
  return record?.good === undefined && record?.kept !== undefined
}

export function isGood(record: AppRecord | undefined, { content, generation }: Candidate): boolean {
  return record?.good?.content === content && record.good.generation === generation
}

/**
 * Whether its refresh is still to be done. One that came to nothing is tried again while it is all that is new; it does not stand in
 * the way of a new revision, which is then made of the images that are here.
 */
export function awaitsRefresh(record: AppRecord | undefined, { entry, content, generation }: Candidate): boolean {
  const { good, failed } = record ?? {}
  const isAllThatIsNew = failed?.entry === entry && good?.content === content
  const wasTried = failed !== undefined && failed.generation >= generation && !isAllThatIsNew
  return generation > (good?.generation ?? 0) && !wasTried
}

/** Without a revision to go back to, and with containers from before, there is nothing to do but to try on. */
export function canFail(record: AppRecord | undefined): boolean {
  return record?.good !== undefined || record?.kept !== undefined
}

/** The newest refresh that has been done or given up; 0 for none. */
export function refreshedOf(record: AppRecord | undefined): number {
  const { good, failed } = record ?? {}
  return Math.max(good?.generation ?? 0, failed?.retry === false ? failed.generation : 0)
}
