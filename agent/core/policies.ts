// Which containers the Engine itself would start again, against what is wanted: an app that is stopped stays so when the Engine starts.
import type { Restart } from '../../protocol/compose/project.js'
import type { Wish } from './desired.js'
import { matchContainers } from './match.js'
import type { Observed } from './observed.js'

export interface PolicyChange {
  readonly id: string
  readonly restart: Restart
}

export function policyChanges(wish: Wish, observed: Observed): PolicyChange[] {
  if (wish.run === 'removed') return []
  if (wish.run === 'stopped') return observed.containers.flatMap(({ id, restart }) => change(id, restart, { policy: 'no' }))
  const { services } = wish.project
  return [...matchContainers(wish, observed).current].flatMap(([name, containers]) =>
    containers.flatMap(({ id, restart }) => change(id, restart, services[name]?.restart)),
  )
}

function change(id: string, is: Restart | undefined, wanted: Restart | undefined): PolicyChange[] {
  if (is === undefined || wanted === undefined) return []
  const same = is.policy === wanted.policy && (is.maxRetries ?? 0) === (wanted.maxRetries ?? 0)
  return same ? [] : [{ id, restart: wanted }]
}
