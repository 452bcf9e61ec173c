// What deploy says of a service that one machine can do; the rest is for a cluster's scheduler.
import { applyReservedDevices, type HasDevices } from './devices.js'
import { describe, type Item, type Report } from './item.js'
import type { Restart } from './project.js'
import { type Apply, type Draft, type Fields, field, integerOf, type Reader, readFields, readText } from './read.js'
import { type HasResources, limitCpus, limitMemory, limitPids, limitReservation } from './resources.js'

interface HasScale {
  scale?: number
}

export interface HasDeploy extends HasResources, HasDevices, HasScale {
  /** Stands above the service's own restart. */
  deployRestart?: Restart
}

const scheduler = "only a cluster's scheduler uses it"

/** How many containers; in two places only if both say the same. */
export const applyScale: Apply<HasScale> = (item, draft, report) => {
  const count = integerOf(0, 1000)(item, report)
  if (count === undefined) return
  if (draft.scale !== undefined && draft.scale !== count)
    report.refuse(item, 'compose.inconsistent', `scale and deploy.replicas differ: ${draft.scale} and ${count}`)
  draft.scale = count
}

const limits: Fields<HasDeploy> = { read: { cpus: limitCpus, memory: limitMemory, pids: limitPids } }

const reservations: Fields<HasDeploy> = {
  read: { memory: limitReservation, devices: applyReservedDevices },
  ignored: { cpus: scheduler, generic_resources: scheduler },
}

const resources: Fields<HasDeploy> = {
  read: {
    limits: (item, draft, report) => readFields(item, limits, draft, report),
    reservations: (item, draft, report) => readFields(item, reservations, draft, report),
  },
}

const policies: Readonly<Record<string, Restart['policy']>> = {
  none: 'no',
  no: 'no',
  'on-failure': 'on-failure',
  any: 'always',
  always: 'always',
  'unless-stopped': 'unless-stopped',
}

const readCondition: Reader<Restart['policy']> = (item, report) => {
  const word = readText(item, report)
  if (word === undefined) return undefined
  return Object.hasOwn(policies, word)
    ? policies[word]
    : report.refuse(item, 'compose.schema', `expected none, on-failure or any, found ${describe(item)}`)
}

const restartFields: Fields<Draft<Restart>> = {
  read: { condition: field('policy', readCondition), max_attempts: field('maxRetries', integerOf(0, 1_000_000)) },
  ignored: { delay: scheduler, window: scheduler },
}

function applyRestartPolicy(item: Item, draft: HasDeploy, report: Report): void {
  const read: Draft<Restart> = {}
  readFields(item, restartFields, read, report)
  const { policy = 'always', maxRetries = 0 } = read
  if (maxRetries > 0 && policy !== 'on-failure')
    report.warn(item, 'compose.unsupported', 'max_attempts has no effect here: only the condition on-failure counts attempts')
  draft.deployRestart = maxRetries > 0 && policy === 'on-failure' ? { policy, maxRetries } : { policy }
}

function checkMode(item: Item, _draft: unknown, report: Report): void {
  const mode = readText(item, report)
  if (mode === 'global') report.warn(item, 'compose.unsupported', `the mode global has no effect here: ${scheduler}`)
  else if (mode === 'replicated-job' || mode === 'global-job')
    report.refuse(item, 'compose.unsupported', `the mode ${mode} is not supported: ${scheduler}`)
  else if (mode !== undefined && mode !== 'replicated')
    report.refuse(item, 'compose.schema', `expected replicated or global, found ${describe(item)}`)
}

const fields: Fields<HasDeploy> = {
  read: {
    resources: (item, draft, report) => readFields(item, resources, draft, report),
    mode: checkMode,
    replicas: applyScale,
    restart_policy: applyRestartPolicy,
  },
  ignored: {
    endpoint_mode: scheduler,
    labels: "they are a cluster service's, not a container's",
    placement: scheduler,
    rollback_config: scheduler,
    update_config: scheduler,
  },
}

export const applyDeploy: Apply<HasDeploy> = (item, draft, report) => readFields(item, fields, draft, report)
