// What users wish of an app beyond its spec: newer images, and its policy. Pure.
import type { Policy, Refresh } from '../../protocol/messages/manifest.js'

/** What a user says of a policy; what is absent stays as it is. */
export interface PolicyPatch {
  readonly restart?: Policy['restart']
  /** 0: what the health checks need. */
  readonly settleS?: number
  readonly rollBack?: boolean
}

/** What differs from the default, and nothing else. */
export function patchPolicy(policy: Policy, { restart, settleS, rollBack }: PolicyPatch): Policy {
  const next = {
    restart: restart ?? policy.restart ?? 'no',
    settleS: settleS ?? policy.settleS ?? 0,
    rollBack: rollBack ?? policy.rollBack,
  }
  return {
    ...(next.restart === 'no' ? {} : { restart: next.restart }),
    ...(next.settleS === 0 ? {} : { settleS: next.settleS }),
    ...(next.rollBack === false ? { rollBack: false } : {}),
  }
}

/**
 * The next refresh. Devices know the newest one only: what some of them have not done yet of the one before goes into it. No services:
 * all of them.
 */
export function nextRefresh(before: Refresh | null, doneEverywhere: boolean, generation: number, services: readonly string[]): Refresh {
  if (services.length === 0) return { generation }
  if (before === null || doneEverywhere) return { generation, services: [...new Set(services)].sort() }
  if (before.services === undefined) return { generation }
  return { generation, services: [...new Set([...before.services, ...services])].sort() }
}
