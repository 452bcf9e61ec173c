// A service while it is read, and its canonical form: every default in place, what several attributes say put together.
import type { HasDeploy } from './deploy.js'
import type { Item, Report } from './item.js'
import { nearest } from './place.js'
import { type FileSources, type Grant, placeFiles } from './placed.js'
import type { Restart, Service } from './project.js'
import { type Draft, sorted } from './read.js'

/** The canonical fields, and what becomes one of them once all attributes are known. */
export interface ServiceDraft extends Omit<Draft<Service>, 'pullPolicy' | keyof HasDeploy>, HasDeploy {
  pullPolicy?: NonNullable<Service['pullPolicy']> | 'refresh'
  refreshAfterMs?: number
  configs?: readonly Grant[]
  secrets?: readonly Grant[]
}

const bare = {
  environment: {},
  ports: [],
  expose: [],
  volumes: [],
  dependsOn: {},
  labels: {},
  resources: {},
  tmpfs: [],
  capAdd: [],
  capDrop: [],
  securityOpt: [],
  extraHosts: [],
  dns: [],
  devices: [],
  sysctls: {},
} as const

export function finishService(draft: ServiceDraft, item: Item, sources: FileSources, report: Report): Service {
  const { pullPolicy: _pull, refreshAfterMs: _refresh, configs = [], secrets = [], deployRestart: _restart, scale, ...rest } = draft
  const policy = pullPolicyOf(draft, item, report)
  const files = placeFiles([...configs, ...secrets], sources, report)
  const networks = rest.networks ?? {}
  const isLoose = rest.networkMode === undefined && Object.keys(networks).length === 0
  return withDefaults({
    ...withoutEmpty(rest),
    restart: restartOf(draft, item, report),
    ...(policy === undefined ? {} : { pullPolicy: policy }),
    ...(scale === undefined || scale === 1 ? {} : { scale }),
    ...(files.length === 0 ? {} : { files }),
    networks: isLoose ? { default: { aliases: [] } } : networks,
  })
}

/** Put together from entries: a spread over another one costs more than all the reading before. */
function withDefaults(service: Omit<Service, keyof typeof bare> & Partial<Service>): Service {
  const missing = Object.entries(bare).filter(([name]) => !Object.hasOwn(service, name))
  return sorted<unknown>([...Object.entries(service), ...missing]) as typeof bare & typeof service
}

function pullPolicyOf({ pullPolicy, refreshAfterMs, build }: ServiceDraft, item: Item, report: Report): Service['pullPolicy'] {
  const refuse = (message: string) => report.refuse(nearest(item, 'pull_policy'), 'compose.inconsistent', message)
  if (pullPolicy === 'build' && build === undefined) return refuse('the pull_policy build needs a build')
  if (pullPolicy === 'refresh') return refreshAfterMs ?? refuse('the pull_policy refresh needs pull_refresh_after')
  if (refreshAfterMs !== undefined)
    report.warn(nearest(item, 'pull_refresh_after'), 'compose.inconsistent', 'this has no effect without the pull_policy refresh')
  return pullPolicy
}

function restartOf({ restart, deployRestart }: ServiceDraft, item: Item, report: Report): Restart {
  const isSame = restart?.policy === deployRestart?.policy && restart?.maxRetries === deployRestart?.maxRetries
  if (restart !== undefined && deployRestart !== undefined && !isSame)
    report.warn(nearest(item, 'deploy', 'restart_policy'), 'compose.inconsistent', 'this stands above restart, and they differ')
  return deployRestart ?? restart ?? { policy: 'no' }
}

/** Fields that say nothing without entries. */
const optional = [
  ...(['links', 'externalLinks', 'volumesFrom', 'groupAdd', 'dnsSearch', 'dnsOptions', 'deviceCgroupRules'] as const),
  ...(['annotations', 'storageOptions'] as const),
]

function withoutEmpty(draft: Partial<Service>): Partial<Service> {
  const kept: Draft<Service> = { ...draft }
  for (const name of optional) if (Object.keys(kept[name] ?? ['one']).length === 0) delete kept[name]
  if (kept.shmSizeBytes === 0) delete kept.shmSizeBytes
  return kept
}
