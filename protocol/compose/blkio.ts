// Limits on how fast a container reads and writes disks.
import { type Item, isList, quote, type Report } from './item.js'
import type { Blkio } from './parts.js'
import { type Apply, type Draft, type Fields, field, integerOf, listOf, type Reader, readFields, readText, sorted } from './read.js'
import { readBytes } from './units.js'

type Rates = Readonly<Record<string, number>>

/** A list of devices with a number each, as a map by device. */
function byDevice(key: 'rate' | 'weight', read: Reader<number>): Reader<Rates> {
  const fields: Fields<{ path?: string; amount?: number }> = { read: { path: field('path', readText), [key]: field('amount', read) } }
  const readEntry = (item: Item, report: Report): readonly [string, number] | undefined => {
    const draft: { path?: string; amount?: number } = {}
    readFields(item, fields, draft, report)
    const { path, amount } = draft
    return path !== undefined && amount !== undefined
      ? [path, amount]
      : report.refuse(item, 'compose.schema', `expected a path and a ${key}`)
  }
  return (item, report) => {
    const entries = listOf(readEntry)(item, report) ?? []
    const twice = entries.find(([path], n) => entries.some(([other], m) => m > n && other === path))
    if (twice !== undefined && isList(item.value)) report.refuse(item, 'compose.inconsistent', `${quote(twice[0])} is here twice`)
    return entries.length === 0 ? undefined : sorted(entries)
  }
}

/** 0 means the Engine's own. */
const readWeight: Reader<number> = (item, report) => (String(item.value) === '0' ? undefined : integerOf(10, 1000)(item, report))
const readRate = byDevice('rate', readBytes)
const readOperations = byDevice('rate', integerOf(0))

const fields: Fields<Draft<Blkio>> = {
  read: {
    weight: field('weight', readWeight),
    weight_device: field('weightDevice', byDevice('weight', integerOf(10, 1000))),
    device_read_bps: field('readBytes', readRate),
    device_write_bps: field('writeBytes', readRate),
    device_read_iops: field('readOperations', readOperations),
    device_write_iops: field('writeOperations', readOperations),
  },
}

export const applyBlkio: Apply<{ resources?: { blkio?: Blkio } }> = (item, draft, report) => {
  const blkio: Draft<Blkio> = {}
  readFields(item, fields, blkio, report)
  if (Object.keys(blkio).length > 0) draft.resources = { ...draft.resources, blkio }
}
