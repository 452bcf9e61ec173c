// Where a service's image comes from: built from a folder, pulled, and when anew.

import { readExtraHosts } from './hosts.js'
import { readImage } from './image.js'
import { describe, type Item, isMap, quote, type Report } from './item.js'
import type { Build } from './parts.js'
import { cleanPath, folderPath, readOwnPath, takePath } from './paths.js'
import type { Service } from './project.js'
import {
  type Draft,
  type Fields,
  field,
  listOf,
  pairsOf,
  type Reader,
  readFields,
  readPairs,
  readText,
  readTrue,
  setOf,
  textOf,
} from './read.js'
import { parseDurationMs, readBytes } from './units.js'

export const readPlatform = textOf('a platform such as linux/arm64', text => /^[\w.-]{1,40}(\/[\w.-]{1,40}){0,2}$/.test(text))

const dayMs = 86_400_000
const policies: Readonly<Record<string, Service['pullPolicy'] | 'missing'>> = {
  always: 'always',
  never: 'never',
  build: 'build',
  missing: 'missing',
  if_not_present: 'missing',
  daily: dayMs,
  weekly: 7 * dayMs,
}

/** `refresh` is told by `pull_refresh_after`; what is missing is always pulled, so that is no policy of its own. */
export const readPullPolicy: Reader<NonNullable<Service['pullPolicy']> | 'refresh'> = (item, report) => {
  const text = readText(item, report)
  if (text === undefined || text === 'refresh') return text
  const policy = Object.hasOwn(policies, text) ? policies[text] : readAge(/^every_(.+)$/.exec(text)?.[1])
  if (policy === undefined)
    return report.refuse(
      item,
      'compose.schema',
      `expected always, never, missing, build, daily, weekly or every_12h, found ${describe(item)}`,
    )
  return policy === 'missing' ? undefined : policy
}

function readAge(text: string | undefined): number | undefined {
  const age = text === undefined ? undefined : parseDurationMs(text)
  return age === 0 ? undefined : age
}

const readArgs = pairsOf((name, item, report) => {
  const value = report.variable(name)
  if (value === undefined) report.warn(item, 'compose.variable', `the variable ${quote(name)} is not set and is left out`)
  return value
})

const readOnePlatform: Reader<string> = (item, report) => {
  const [first, ...others] = listOf(readPlatform)(item, report) ?? []
  if (others.length === 0) return first
  return report.refuse(item, 'compose.unsupported', 'a device builds for one platform, its own or the one named')
}

const fields: Fields<Draft<Build>> = {
  read: {
    context: field('context', readText),
    dockerfile: field('dockerfile', readText),
    dockerfile_inline: field('dockerfileInline', readText),
    args: field('args', readArgs),
    target: field('target', readText),
    labels: field('labels', readPairs),
    network: field('network', readText),
    extra_hosts: field('extraHosts', readExtraHosts),
    cache_from: field('cacheFrom', setOf(readText)),
    tags: field('tags', setOf(readImage)),
    no_cache: field('noCache', readTrue),
    pull: field('pull', readTrue),
    platforms: field('platform', readOnePlatform),
    shm_size: field('shmSizeBytes', readBytes),
  },
  ignored: {
    cache_to: 'a device keeps its own cache',
    provenance: 'images built on a device carry no attestations',
    sbom: 'images built on a device carry no attestations',
  },
  unsupported: {
    additional_contexts: 'the Engine builds from one context',
    entitlements: 'the Engine builds without them',
    isolation: 'only Windows has it',
    privileged: 'the Engine builds without privileges',
    secrets: 'the Engine builds without them',
    ssh: 'a device has no keys of yours',
    ulimits: 'the Engine builds with its own',
  },
}

/** A context, or a map. */
export const readBuild: Reader<Build> = (item, report) => {
  const draft: Draft<Build> = {}
  if (isMap(item.value)) readFields(item, fields, draft, report)
  else assign(draft, 'context', readText(item, report))
  const faults = report.refusals.length
  const context = readContext(draft.context ?? '.', item, report)
  if (context === undefined) return undefined
  const dockerfile = draft.dockerfileInline === undefined ? readDockerfile(draft.dockerfile, context, item, report) : undefined
  if (draft.dockerfileInline !== undefined && draft.dockerfile !== undefined)
    report.refuse(item, 'compose.inconsistent', 'dockerfile and dockerfile_inline exclude each other')
  if (report.refusals.length > faults) return undefined
  const { dockerfile: _, ...rest } = draft
  return {
    args: {},
    labels: {},
    extraHosts: [],
    cacheFrom: [],
    tags: [],
    ...rest,
    context,
    ...(dockerfile === undefined || dockerfile === 'Dockerfile' ? {} : { dockerfile }),
  }
}

function assign<D, K extends keyof D>(draft: D, name: K, value: D[K] | undefined): void {
  if (value !== undefined) draft[name] = value
}

function readContext(text: string, item: Item, report: Report): string | undefined {
  if (/^([a-z]+:\/\/|git@|github\.com\/)|\.git(#|$)/.test(text))
    return report.refuse(item, 'compose.unsupported', `${quote(text)} is no folder: a device builds only from what comes with the app`)
  const path = readOwnPath(text, item, report)
  if (path === undefined) return undefined
  if (takePath(path, report) === 'folder') return path
  return report.refuse(
    item,
    'compose.inconsistent',
    `there is no folder ${quote(text)} to build from; it has to come with the compose file`,
  )
}

/** Relative to the context, unless it is absolute. */
function readDockerfile(text: string | undefined, context: string, item: Item, report: Report): string | undefined {
  const name = text ?? 'Dockerfile'
  const path = readOwnPath(name.startsWith('/') ? name : `${context}/${name}`, item, report)
  if (path === undefined) return undefined
  if (takePath(path, report) !== 'file')
    return report.refuse(item, 'compose.inconsistent', `there is no file ${quote(folderPath(path))} that says how to build`)
  return name.startsWith('/') ? path : cleanPath(name)
}
