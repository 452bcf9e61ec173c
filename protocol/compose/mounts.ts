// Mounts of a service: the list of volumes with its short forms, and tmpfs.
import { describe, type Item, isMap, quote, type Report } from './item.js'
import { readLongMount } from './mount-long.js'
import { bindMount, mountTarget } from './mount-parts.js'
import type { VolumesFrom } from './parts.js'
import type { Mount } from './project.js'
import { listOf, type Reader, readText, sortUnique, textOf } from './read.js'

/** Options of a short form that the Engine takes. */
const bindOptions = ['ro', 'z', 'Z', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const
const volumeOptions = ['ro', 'z', 'Z', 'nocopy'] as const

export const readMounts: Reader<readonly Mount[]> = (item, report) => {
  if (!Array.isArray(item.value)) return report.refuse(item, 'compose.schema', `expected a list of volumes, found ${describe(item)}`)
  const mounts = new Map<string, Mount>()
  for (const entry of item.value) {
    const mount = isMap(entry.value) ? readLongMount(entry, report) : readShort(entry, report)
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
  const target = mountTarget(second ?? first, item, report)
  if (target === undefined) return undefined
  if (second === undefined) return { options: [], target, type: 'volume' }
  const words = third === '' ? [] : third.split(',')
  if (!/^[.~/]/.test(first)) return { options: readOptions(words, volumeOptions, item, report), source: first, target, type: 'volume' }
  return bindMount({ options: readOptions(words, bindOptions, item, report), source: first, target }, item, report)
}

function readOptions(words: readonly string[], known: readonly string[], item: Item, report: Report): readonly string[] {
  const options: string[] = []
  for (const word of words) {
    if (known.includes(word)) options.push(word)
    else if (['cached', 'delegated', 'consistent'].includes(word))
      report.warn(item, 'compose.unsupported', `${word} has no effect here: a device mounts its own files`)
    else if (word !== 'rw') report.refuse(item, 'compose.schema', `there is no volume option ${quote(word)}`)
  }
  return sortUnique(options)
}

/** `target` or `target:options`, options sorted. */
export const readTmpfsEntry: Reader<string> = (item, report) => {
  const text = readText(item, report)
  if (text === undefined) return undefined
  const at = text.indexOf(':')
  const target = mountTarget(at < 0 ? text : text.slice(0, at), item, report)
  const options = at < 0 ? [] : sortUnique(text.slice(at + 1).split(','))
  if (target === undefined) return undefined
  return options.length === 0 ? target : `${target}:${options.join(',')}`
}

const volumesFromForm = /^(container:)?([^:\s]+)(?::(ro|rw))?$/

/** `service` or `container:name`, each with `:ro` or `:rw`. */
export const readVolumesFrom: Reader<readonly VolumesFrom[]> = (item, report) => {
  const read = textOf('service or container:name, and :ro where nothing is written', text => volumesFromForm.test(text))
  const all = listOf(read)(item, report)?.map(text => {
    const [, container, name = '', mode] = volumesFromForm.exec(text) ?? []
    return { ...(container === undefined ? { service: name } : { container: name }), readOnly: mode === 'ro' }
  })
  return all && [...new Map(all.map(each => [JSON.stringify(each), each])).values()]
}
