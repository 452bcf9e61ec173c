// Configs and secrets: what the project has, and which of them a service gets where.
import { describe, type Item, isList, isMap, quote, type Report } from './item.js'
import type { PlacedFile } from './parts.js'
import { folderPath, readOwnPath, takePath } from './paths.js'
import { type Draft, type Fields, field, type Reader, readFields, readFlag, readMode, readScalar, readText } from './read.js'

export type FileKind = 'config' | 'secret'

/** A config or secret of the project. A file is looked for only when a service gets it. None of its sources: it has been refused. */
export interface FileSource {
  readonly item: Item
  readonly file?: string
  readonly environment?: string
  readonly content?: string
}

/** What the project has, by name. */
export interface FileSources {
  readonly config: ReadonlyMap<string, FileSource>
  readonly secret: ReadonlyMap<string, FileSource>
}

export const noFiles: FileSources = { config: new Map(), secret: new Map() }

type SourceDraft = Draft<Omit<FileSource, 'item'>>

const sourceFields: Fields<SourceDraft> = {
  read: {
    file: field('file', readText),
    environment: field('environment', readText),
    content: field('content', readText),
    external: (item, _draft, report) => {
      if (isMap(item.value) || readFlag(item, report) === true)
        report.refuse(item, 'compose.unsupported', 'only a cluster keeps configs and secrets of its own; use file, environment or content')
    },
  },
  ignored: { name: 'only a cluster names it', labels: 'only a cluster labels it' },
  unsupported: {
    driver: 'only a cluster has drivers for it',
    driver_opts: 'only a cluster has drivers for it',
    template_driver: 'only a cluster fills in templates',
  },
}

export function readFileSource(_name: string, item: Item, report: Report): FileSource | undefined {
  const draft: SourceDraft = {}
  const faults = report.refusals.length
  if (item.value !== null) readFields(item, sourceFields, draft, report)
  if (report.refusals.length > faults) return { item }
  const given = Object.keys(draft)
  if (given.length === 1) return { item, ...draft }
  const message = given.length === 0 ? 'has no source: name a file, environment or content' : `has several sources: ${given.join(', ')}`
  report.refuse(item, 'compose.inconsistent', `this ${message}`)
  return { item }
}

/** That a service gets a config or secret. */
export interface Grant {
  readonly kind: FileKind
  readonly item: Item
  readonly source: string
  readonly target?: string
  readonly uid?: string
  readonly gid?: string
  readonly mode?: number
}

type GrantDraft = Draft<Omit<Grant, 'kind' | 'item'>>

const grantFields: Fields<GrantDraft> = {
  read: {
    source: field('source', readText),
    target: field('target', readText),
    uid: field('uid', readScalar),
    gid: field('gid', readScalar),
    mode: field('mode', readMode),
  },
}

export function readGrants(kind: FileKind): Reader<readonly Grant[]> {
  return (item, report) => {
    if (!isList(item.value)) return report.refuse(item, 'compose.schema', `expected a list of ${kind}s, found ${describe(item)}`)
    return item.value.flatMap(entry => readGrant(kind, entry, report) ?? [])
  }
}

function readGrant(kind: FileKind, item: Item, report: Report): Grant | undefined {
  const draft: GrantDraft = {}
  if (isMap(item.value)) readFields(item, grantFields, draft, report)
  else field<GrantDraft, 'source'>('source', readText)(item, draft, report)
  const { source } = draft
  if (source !== undefined) return { ...draft, source, kind, item }
  return isMap(item.value) && !item.value.has('source') ? report.refuse(item, 'compose.schema', `a ${kind} needs a source`) : undefined
}

/** The files of a service, in order of target. */
export function placeFiles(grants: readonly Grant[], sources: FileSources, report: Report): readonly PlacedFile[] {
  const placed = new Map<string, PlacedFile>()
  for (const grant of grants) {
    const file = placeFile(grant, sources, report)
    if (file === undefined) continue
    if (placed.has(file.target)) report.refuse(grant.item, 'compose.inconsistent', `there are two files at ${quote(file.target)}`)
    placed.set(file.target, file)
  }
  return [...placed.values()].sort((a, b) => (a.target < b.target ? -1 : 1))
}

const folders: Readonly<Record<FileKind, string>> = { config: '/', secret: '/run/secrets/' }

function placeFile(grant: Grant, sources: FileSources, report: Report): PlacedFile | undefined {
  const { kind, item, source: name, target = name, uid, gid, mode } = grant
  const found = sources[kind].get(name)
  if (found === undefined) return report.refuse(item, 'compose.inconsistent', `there is no ${kind} ${quote(name)} under ${kind}s`)
  const source = findContents(found, report)
  if (source === undefined) return undefined
  const full = target.startsWith('/') ? target : folders[kind] + target
  if ('path' in source && (uid ?? gid ?? mode) !== undefined) {
    report.warn(item, 'compose.unsupported', 'uid, gid and mode have no effect on a file: it is mounted as it is')
    return { target: full, source }
  }
  return {
    target: full,
    source,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(mode === undefined || mode === 0o444 ? {} : { mode }),
  }
}

function findContents({ item, file, environment, content }: FileSource, report: Report): PlacedFile['source'] | undefined {
  if (content !== undefined) return { content }
  if (environment !== undefined) {
    const value = report.variable(environment)
    return value === undefined
      ? report.refuse(item, 'compose.variable', `the variable ${quote(environment)} is not set`)
      : { content: value }
  }
  const path = file === undefined ? undefined : readOwnPath(file, item, report)
  if (path === undefined) return undefined
  if (takePath(path, report) === 'file') return { path }
  return report.refuse(item, 'compose.inconsistent', `there is no file ${quote(folderPath(path))}`)
}
