// Limits on memory, processors and processes, from a service's own attributes and from deploy.
import type { Item, Report } from './item.js'
import type { Resources } from './project.js'
import { type Apply, type Draft, type Fields, integerOf, oneOf, type Reader, readFields, textOf } from './read.js'
import { readBytes, readCpusMilli } from './units.js'

export interface HasResources {
  resources?: Draft<Resources>
}

/** A limit may stand in two places if both say the same. `none` is the value that means no limit; it is left out. */
function limit<K extends keyof Resources>(name: K, read: Reader<NonNullable<Resources[K]>>, none?: Resources[K]): Apply<HasResources> {
  return (item, draft, report) => {
    const value = read(item, report)
    if (value === undefined || value === none) return
    draft.resources ??= {}
    const other: Resources[K] | undefined = draft.resources[name]
    if (other !== undefined && other !== value)
      report.refuse(item, 'compose.inconsistent', `this differs from the service's other limit of the kind: ${value} and ${other}`)
    draft.resources[name] = value
  }
}

const readSwap: Reader<number> = (item, report) => (String(item.value) === '-1' ? -1 : readBytes(item, report))
const readPids: Reader<number> = (item, report) => {
  const pids = integerOf(-1)(item, report)
  return pids === 0 ? -1 : pids
}
const readCpuset = textOf('processors such as 0-2,4', text => /^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/.test(text))

const memory = limit('memoryBytes', readBytes, 0)
const memoryReservation = limit('memoryReservationBytes', readBytes, 0)
const cpus = limit('cpusMilli', readCpusMilli, 0)
const pids = limit('pids', readPids, -1)

/** The attributes of a service that limit it. */
export const resourceFields: Fields<HasResources>['read'] = {
  mem_limit: memory,
  mem_reservation: memoryReservation,
  memswap_limit: limit('memorySwapBytes', readSwap, 0),
  cpus,
  cpu_shares: limit('cpuShares', integerOf(0), 0),
  cpuset: limit('cpuset', readCpuset),
  pids_limit: pids,
}

const limits: Fields<HasResources> = { read: { cpus, memory, pids } }

const reservations: Fields<HasResources> = {
  read: { memory: memoryReservation },
  // Only a scheduler reserves processors.
  ignored: ['cpus'],
  unsupported: ['devices', 'generic_resources'],
}

const resources: Fields<HasResources> = {
  read: {
    limits: (item, draft, report) => readFields(item, limits, draft, report),
    reservations: (item, draft, report) => readFields(item, reservations, draft, report),
  },
}

const deploy: Fields<HasResources> = {
  read: {
    resources: (item, draft, report) => readFields(item, resources, draft, report),
    mode: (item, _draft, report) => {
      if (item.value === 'global') report.refuse(item, 'compose.unsupported', 'the mode global is not supported')
      else oneOf('replicated')(item, report)
    },
    replicas: applyOne,
  },
  unsupported: ['restart_policy', 'placement', 'update_config', 'rollback_config', 'endpoint_mode', 'labels'],
}

export const applyDeploy: Apply<HasResources> = (item, draft, report) => readFields(item, deploy, draft, report)

/** How many containers a service has; only one is supported. */
export function applyOne(item: Item, _draft: unknown, report: Report): void {
  const count = integerOf(0)(item, report)
  if (count !== undefined && count !== 1) report.refuse(item, 'compose.unsupported', 'only one container a service is supported')
}

/** What the Engine would refuse. */
export function checkResources(item: Item, { memoryBytes, memoryReservationBytes, memorySwapBytes }: Resources, report: Report): void {
  const refuse = (message: string) => report.refuse(item, 'compose.inconsistent', message)
  if (memorySwapBytes !== undefined && memoryBytes === undefined) refuse('memswap_limit needs mem_limit')
  if (memorySwapBytes !== undefined && memorySwapBytes !== -1 && memorySwapBytes < (memoryBytes ?? 0))
    refuse('memswap_limit includes mem_limit, so it is not less')
  if ((memoryReservationBytes ?? 0) > (memoryBytes ?? Number.POSITIVE_INFINITY)) refuse('more memory is reserved than mem_limit allows')
}
