// Limits on memory, processors and processes, from a service's own attributes and from deploy.
import { applyBlkio } from './blkio.js'
import { type Item, isMap, quote, type Report } from './item.js'
import type { Resources, Service } from './project.js'
import { type Apply, type Draft, type Fields, field, integerOf, type Reader, readFields, readFlag, sorted, textOf } from './read.js'
import { readBytes, readCpusMilli, readMicroseconds } from './units.js'

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
      report.refuse(item, 'compose.inconsistent', "this differs from the service's other limit of the kind")
    draft.resources[name] = value
  }
}

const readSwap: Reader<number> = (item, report) => (String(item.value) === '-1' ? -1 : readBytes(item, report))
const readPids: Reader<number> = (item, report) => {
  const pids = integerOf(-1)(item, report)
  return pids === 0 ? -1 : pids
}
const readCpuset = textOf('processors such as 0-2,4', text => /^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/.test(text))
const readQuota: Reader<number> = (item, report) => (String(item.value) === '-1' ? 0 : readMicroseconds(item, report))

export const limitMemory = limit('memoryBytes', readBytes, 0)
export const limitReservation = limit('memoryReservationBytes', readBytes, 0)
export const limitCpus = limit('cpusMilli', readCpusMilli, 0)
export const limitPids = limit('pids', readPids, -1)

/** The attributes of a service that limit it. */
export const resourceFields: Fields<HasResources>['read'] = {
  mem_limit: limitMemory,
  mem_reservation: limitReservation,
  memswap_limit: limit('memorySwapBytes', readSwap, 0),
  // None at all is something else than the Engine's default.
  mem_swappiness: limit('memorySwappiness', integerOf(-1, 100), -1),
  oom_kill_disable: limit('oomKillDisable', readFlag, false),
  oom_score_adj: limit('oomScoreAdj', integerOf(-1000, 1000), 0),
  cpus: limitCpus,
  cpu_shares: limit('cpuShares', integerOf(0), 0),
  cpu_quota: limit('cpuQuotaUs', readQuota, 0),
  cpu_period: limit('cpuPeriodUs', readMicroseconds, 0),
  cpu_rt_period: limit('cpuRealtimePeriodUs', readMicroseconds, 0),
  cpu_rt_runtime: limit('cpuRealtimeRuntimeUs', readMicroseconds, 0),
  cpu_count: limit('cpuCount', integerOf(0), 0),
  cpu_percent: limit('cpuPercent', integerOf(0, 100), 0),
  cpuset: limit('cpuset', readCpuset),
  pids_limit: limitPids,
  blkio_config: applyBlkio,
}

type Ulimits = NonNullable<Service['ulimits']>
type Ulimit = Ulimits[string]

const ulimitNames = [
  ...['core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc'],
  ...['rss', 'rtprio', 'rttime', 'sigpending', 'stack'],
]
const readUlimitValue = integerOf(-1)
const ulimitFields: Fields<Draft<Ulimit>> = { read: { soft: field('soft', readUlimitValue), hard: field('hard', readUlimitValue) } }

/** One number for both, or soft and hard; -1 is no limit. */
function readUlimit(item: Item, report: Report): Ulimit | undefined {
  if (!isMap(item.value)) {
    const both = readUlimitValue(item, report)
    return both === undefined ? undefined : { soft: both, hard: both }
  }
  const draft: Draft<Ulimit> = {}
  const faults = report.refusals.length
  readFields(item, ulimitFields, draft, report)
  const { soft, hard } = draft
  if (report.refusals.length > faults) return undefined
  if (soft === undefined || hard === undefined) return report.refuse(item, 'compose.schema', 'a ulimit needs soft and hard')
  if (hard !== -1 && (soft > hard || soft === -1))
    return report.refuse(item, 'compose.inconsistent', 'the soft limit is above the hard one')
  return { soft, hard }
}

export const readUlimits: Reader<Ulimits> = (item, report) => {
  if (!isMap(item.value)) return report.refuse(item, 'compose.schema', 'expected a map of ulimits')
  const limits = [...item.value].flatMap(([name, entry]) => {
    if (!ulimitNames.includes(name)) report.refuse(entry, 'compose.schema', `there is no ulimit ${quote(name)}: ${ulimitNames.join(', ')}`)
    const value = readUlimit(entry, report)
    return value === undefined ? [] : [[name, value] as const]
  })
  return limits.length === 0 ? undefined : sorted(limits)
}

/** The Engine's own least limit of memory. */
const leastMemoryBytes = 6 * 1024 * 1024

/** What the Engine would refuse. */
export function checkResources(item: Item, resources: Resources, report: Report): void {
  for (const message of [...memoryFaults(resources), ...cpuFaults(resources)]) report.refuse(item, 'compose.inconsistent', message)
}

function* memoryFaults({ memoryBytes, memoryReservationBytes = 0, memorySwapBytes = 0 }: Resources): Iterable<string> {
  const memory = memoryBytes ?? Number.POSITIVE_INFINITY
  if (Math.min(memory, memoryReservationBytes || memory) < leastMemoryBytes) yield 'no container can do with less than 6m of memory'
  if (memorySwapBytes > 0 && memoryBytes === undefined) yield 'memswap_limit needs mem_limit'
  if (memorySwapBytes > 0 && memorySwapBytes < (memoryBytes ?? 0)) yield 'memswap_limit includes mem_limit, so it is not less'
  if (memoryReservationBytes > memory) yield 'more memory is reserved than mem_limit allows'
}

function* cpuFaults({ cpusMilli, cpuQuotaUs, cpuPeriodUs, cpuRealtimePeriodUs, cpuRealtimeRuntimeUs = 0 }: Resources): Iterable<string> {
  if (cpusMilli !== undefined && (cpuQuotaUs ?? cpuPeriodUs) !== undefined) yield 'cpus is another way to write cpu_quota and cpu_period'
  if (cpuPeriodUs !== undefined && (cpuPeriodUs < 1000 || cpuPeriodUs > 1_000_000)) yield 'cpu_period is from 1ms to 1s'
  if (cpuQuotaUs !== undefined && cpuQuotaUs < 1000) yield 'cpu_quota is at least 1ms'
  if (cpuRealtimePeriodUs !== undefined && cpuRealtimeRuntimeUs > cpuRealtimePeriodUs) yield 'cpu_rt_runtime is within cpu_rt_period'
}
