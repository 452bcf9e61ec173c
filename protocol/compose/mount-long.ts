// The long form of a mount: a map with a type.
import { type Item, isMap, type Report } from './item.js'
import { type BindMount, bindMount, mountTarget } from './mount-parts.js'
import type { Mount } from './project.js'
import {
  type Apply,
  type Draft,
  type Fields,
  field,
  oneOf,
  type Reader,
  readFields,
  readFlag,
  readMode,
  readPairs,
  readText,
  readTrue,
  sortUnique,
  textOf,
} from './read.js'
import { readBytes } from './units.js'

const types = ['bind', 'volume', 'tmpfs', 'image'] as const

interface Long {
  readonly type: (typeof types)[number]
  readonly source: string
  readonly target: string
  readonly readOnly: true
  readonly options: readonly string[]
  readonly createSource: boolean
  readonly recursive: NonNullable<BindMount['recursive']> | 'enabled'
  readonly subpath: string
  readonly labels: Readonly<Record<string, string>>
  readonly sizeBytes: number
  readonly mode: number
}

const readType: Reader<Long['type']> = (item, report) => {
  if (item.value === 'npipe') return report.refuse(item, 'compose.unsupported', 'only Windows has volumes of type npipe')
  if (item.value === 'cluster') return report.refuse(item, 'compose.unsupported', 'only a cluster has volumes of type cluster')
  return oneOf(...types)(item, report)
}

function addOption(read: Reader<string>): Apply<Draft<Long>> {
  return (item, draft, report) => {
    const option = read(item, report)
    if (option !== undefined) draft.options = [...(draft.options ?? []), option]
  }
}

const readSubpath = textOf('a relative path', text => !/^\/|(^|\/)\.\.(\/|$)/.test(text))

const details: Readonly<Record<Long['type'], Fields<Draft<Long>>>> = {
  bind: {
    read: {
      propagation: addOption(oneOf('private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave')),
      selinux: addOption(oneOf('z', 'Z')),
      create_host_path: field('createSource', readFlag),
      recursive: field('recursive', oneOf('enabled', 'disabled', 'writable', 'readonly')),
    },
  },
  volume: {
    read: {
      nocopy: addOption((item, report) => (readFlag(item, report) ? 'nocopy' : undefined)),
      subpath: field('subpath', readSubpath),
      labels: field('labels', readPairs),
    },
  },
  tmpfs: { read: { size: field('sizeBytes', readBytes), mode: field('mode', readMode) } },
  image: { read: { subpath: field('subpath', readSubpath) } },
}

const fields: Fields<Draft<Long>> = {
  read: {
    type: field('type', readType),
    source: field('source', readText),
    target: field('target', readText),
    read_only: field('readOnly', readTrue),
    ...Object.fromEntries(
      types.map(type => [type, (item: Item, draft: Draft<Long>, report: Report) => readFields(item, details[type], draft, report)]),
    ),
  },
  ignored: { consistency: 'a device mounts its own files' },
}

export function readLongMount(item: Item, report: Report): Mount | undefined {
  const draft: Draft<Long> = {}
  const faults = report.refusals.length
  readFields(item, fields, draft, report)
  if (report.refusals.length > faults) return undefined
  if (draft.type === undefined || draft.target === undefined)
    return report.refuse(item, 'compose.schema', `a volume needs a ${draft.type === undefined ? 'type' : 'target'}`)
  const misplaced = types.find(type => type !== draft.type && isMap(item.value) && (item.value.get(type)?.value ?? null) !== null)
  if (misplaced !== undefined)
    return report.refuse(item, 'compose.inconsistent', `${misplaced} is no option of a volume of type ${draft.type}`)
  const target = mountTarget(draft.target, item, report)
  return target === undefined ? undefined : finishers[draft.type](draft, target, item, report)
}

type Finish = (draft: Draft<Long>, target: string, item: Item, report: Report) => Mount | undefined

const finishers: Readonly<Record<Long['type'], Finish>> = {
  bind(draft, target, item, report) {
    const { source = '', createSource, recursive } = draft
    if (source === '') return report.refuse(item, 'compose.schema', 'a bind needs a source')
    const mount = {
      source,
      target,
      options: allOptions(draft),
      ...(createSource === false ? { createSource } : {}),
      ...(recursive === undefined || recursive === 'enabled' ? {} : { recursive }),
    }
    return bindMount(mount, item, report)
  },
  volume(draft, target) {
    const { source = '', subpath, labels = {} } = draft
    return {
      type: 'volume',
      ...(source === '' ? {} : { source }),
      target,
      options: allOptions(draft),
      ...(subpath === undefined ? {} : { subpath }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
    }
  },
  tmpfs({ source, sizeBytes = 0, mode, readOnly }, target, item, report) {
    if (source !== undefined) return report.refuse(item, 'compose.inconsistent', 'a tmpfs has no source')
    return {
      ...(mode === undefined ? {} : { mode }),
      ...(readOnly === undefined ? {} : { readOnly }),
      ...(sizeBytes === 0 ? {} : { sizeBytes }),
      target,
      type: 'tmpfs',
    }
  },
  image({ source = '', subpath }, target, item, report) {
    if (source === '') return report.refuse(item, 'compose.schema', 'a volume of type image needs the image as its source')
    return { type: 'image', source, target, ...(subpath === undefined ? {} : { subpath }) }
  },
}

function allOptions({ options = [], readOnly }: Draft<Long>): readonly string[] {
  return sortUnique(readOnly ? [...options, 'ro'] : options)
}
