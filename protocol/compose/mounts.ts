// Mounts: short and long forms of volumes, and tmpfs.
import { posix } from 'node:path'
import { describe, type Item, isMap, quote, type Report } from './item.js'
import type { Mount } from './project.js'
import { type Draft, type Fields, field, oneOf, type Reader, readFields, readFlag, readText, sortUnique } from './read.js'
import { readBytes } from './units.js'

/** Options of a short form that the Engine takes. */
const bindOptions = ['ro', 'z', 'Z', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const
const volumeOptions = ['ro', 'z', 'Z', 'nocopy'] as const

export const readMounts: Reader<readonly Mount[]> = (item, report) => {
  if (!Array.isArray(item.value)) return report.refuse(item, 'compose.schema', `expected a list of volumes, found ${describe(item)}`)
  const mounts = new Map<string, Mount>()
  for (const entry of item.value) {
    const mount = isMap(entry.value) ? readLong(entry, report) : readShort(entry, report)
    if (mount === undefined) continue
    if (mounts.has(mount.target)) report.refuse(entry, 'compose.inconsistent', `${quote(mount.target)} is mounted twice`)
    mounts.set(mount.target, mount)
  }
  return [...mounts.values()].sort((a, b) => (a.target < b.target ? -1 : 1))
}

/** `target`, `source:target` or `source:target:options`. */
function readShort(item: Item, report: Report): Mount | undefined {
  const text = readText(item, report)
  if (text === undefined) return undefined
  const parts = text.split(':')
  if (parts.length > 3 || parts.includes(''))
    return report.refuse(item, 'compose.schema', `${quote(text)} is no volume; write [source:]target[:options]`)
  const [first = '', second, third = ''] = parts
  const target = checkTarget(second ?? first, item, report)
  if (target === undefined) return undefined
  if (second === undefined) return { type: 'volume', target, options: [] }
  const words = third === '' ? [] : third.split(',')
  if (!/^[.~/]/.test(first)) return volume(first, target, readOptions(words, volumeOptions, item, report))
  return bind(first, target, readOptions(words, bindOptions, item, report), item, report)
}

function readOptions(words: readonly string[], known: readonly string[], item: Item, report: Report): readonly string[] {
  const options: string[] = []
  for (const word of words) {
    if (known.includes(word)) options.push(word)
    else if (['cached', 'delegated', 'consistent'].includes(word)) report.warn(item, 'compose.unsupported', `${word} has no effect here`)
    else if (word !== 'rw') report.refuse(item, 'compose.schema', `there is no volume option ${quote(word)}`)
  }
  return sortUnique(options)
}

function volume(source: string, target: string, options: readonly string[]): Mount {
  return { type: 'volume', source, target, options }
}

function bind(source: string, target: string, options: readonly string[], item: Item, report: Report): Mount | undefined {
  if (source.startsWith('/')) return { type: 'bind', source: cleanPath(source), target, options }
  return report.refuse(
    item,
    'compose.unsupported',
    `${quote(source)} is relative, and a device has no folder of yours: use an absolute path or a named volume`,
  )
}

function checkTarget(target: string, item: Item, report: Report): string | undefined {
  if (!target.startsWith('/')) return report.refuse(item, 'compose.schema', `the target ${quote(target)} is no absolute path`)
  const clean = cleanPath(target)
  return clean === '/' ? report.refuse(item, 'compose.schema', 'nothing can be mounted over /') : clean
}

function cleanPath(path: string): string {
  const clean = posix.normalize(path)
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean
}

interface Long {
  readonly type: 'bind' | 'volume' | 'tmpfs'
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
  readonly options: readonly string[]
  readonly sizeBytes: number
}

const readType: Reader<Long['type']> = (item, report) => {
  if (item.value === 'image' || item.value === 'npipe' || item.value === 'cluster')
    return report.refuse(item, 'compose.unsupported', `volumes of type ${item.value} are not supported`)
  return oneOf('bind', 'volume', 'tmpfs')(item, report)
}

const bindFields: Fields<Draft<Long>> = {
  read: {
    propagation: addOption(oneOf('private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave')),
    selinux: addOption(oneOf('z', 'Z')),
    create_host_path: (item, _draft, report) => {
      if (readFlag(item, report) === false)
        report.refuse(item, 'compose.unsupported', 'a host path that must exist already is not supported')
    },
  },
  unsupported: ['recursive'],
}

const volumeFields: Fields<Draft<Long>> = {
  read: { nocopy: addOption((item, report) => (readFlag(item, report) ? 'nocopy' : undefined)) },
  unsupported: ['subpath', 'labels'],
}

const tmpfsFields: Fields<Draft<Long>> = { read: { size: field('sizeBytes', readBytes) }, unsupported: ['mode'] }

const longFields: Fields<Draft<Long>> = {
  read: {
    type: field('type', readType),
    source: field('source', readText),
    target: field('target', readText),
    read_only: field('readOnly', readFlag),
    bind: (item, draft, report) => readFields(item, bindFields, draft, report),
    volume: (item, draft, report) => readFields(item, volumeFields, draft, report),
    tmpfs: (item, draft, report) => readFields(item, tmpfsFields, draft, report),
  },
  ignored: ['consistency'],
  unsupported: ['image'],
}

function addOption(read: Reader<string>): (item: Item, draft: Draft<Long>, report: Report) => void {
  return (item, draft, report) => {
    const option = read(item, report)
    if (option !== undefined) draft.options = [...(draft.options ?? []), option]
  }
}

function readLong(item: Item, report: Report): Mount | undefined {
  const draft: Draft<Long> = {}
  const faults = report.refusals.length
  readFields(item, longFields, draft, report)
  if (report.refusals.length > faults) return undefined
  if (draft.type === undefined || draft.target === undefined)
    return report.refuse(item, 'compose.schema', `a volume needs a ${draft.type === undefined ? 'type' : 'target'}`)
  const target = checkTarget(draft.target, item, report)
  const misplaced = (['bind', 'volume', 'tmpfs'] as const).find(kind => kind !== draft.type && isMap(item.value) && item.value.has(kind))
  if (misplaced !== undefined)
    return report.refuse(item, 'compose.inconsistent', `${misplaced} is no option of a volume of type ${draft.type}`)
  return target === undefined ? undefined : finishLong(draft, target, item, report)
}

function finishLong(draft: Draft<Long>, target: string, item: Item, report: Report): Mount | undefined {
  const { type, source, readOnly, options = [], sizeBytes } = draft
  const all = sortUnique(readOnly ? [...options, 'ro'] : options)
  if (type === 'bind') {
    if (source === undefined || source === '') return report.refuse(item, 'compose.schema', 'a bind needs a source')
    return bind(source, target, all, item, report)
  }
  if (type === 'volume') return source === undefined || source === '' ? { type, target, options: all } : volume(source, target, all)
  if (source !== undefined || readOnly) return report.refuse(item, 'compose.inconsistent', 'a tmpfs has no source and is not read-only')
  return sizeBytes === undefined || sizeBytes === 0 ? { type: 'tmpfs', target } : { type: 'tmpfs', target, sizeBytes }
}

/** `target` or `target:options`, options sorted. */
export const readTmpfsEntry: Reader<string> = (item, report) => {
  const text = readText(item, report)
  if (text === undefined) return undefined
  const at = text.indexOf(':')
  const target = checkTarget(at < 0 ? text : text.slice(0, at), item, report)
  const options = at < 0 ? [] : sortUnique(text.slice(at + 1).split(','))
  if (target === undefined) return undefined
  return options.length === 0 ? target : `${target}:${options.join(',')}`
}
