// Devices of the host: nodes under /dev, what cgroups allow, and those that a driver hands out.
import { describe, type Item, isList, isMap, quote, type Report } from './item.js'
import type { DeviceRequest } from './parts.js'
import {
  type Apply,
  type Draft,
  type Fields,
  field,
  integerOf,
  listOf,
  type Reader,
  readFields,
  readPairs,
  readText,
  setOf,
  sortUnique,
  textOf,
} from './read.js'

export interface HasDevices {
  devices?: readonly string[]
  deviceRequests?: readonly DeviceRequest[]
}

const permissions = (text: string): boolean => /^[rwm]{1,3}$/.test(text)
/** Such as `vendor.com/gpu=0`. */
const cdiName = /^[\w.-]+\/[\w.-]+=[\w.:-]+$/

const longFields: Fields<{ source?: string; target?: string; permissions?: string }> = {
  read: {
    source: field('source', readText),
    target: field('target', readText),
    permissions: field('permissions', textOf('permissions made of r, w and m', permissions)),
  },
}

/** Written out in full: host path, container path, permissions. */
const readDevice: Reader<string> = (item, report) => {
  if (isMap(item.value)) return readLongDevice(item, report)
  const text = readText(item, report)
  if (text === undefined || cdiName.test(text)) return text
  const [source = '', ...rest] = text.split(':')
  const [target = source, access = 'rwm'] = rest[0] !== undefined && permissions(rest[0]) && rest.length === 1 ? [source, rest[0]] : rest
  if (rest.length > 2) return report.refuse(item, 'compose.schema', `${quote(text)} is no device; write host[:container][:rwm]`)
  return finishDevice([source, target, access], item, report)
}

function readLongDevice(item: Item, report: Report): string | undefined {
  const draft: { source?: string; target?: string; permissions?: string } = {}
  const faults = report.refusals.length
  readFields(item, longFields, draft, report)
  if (report.refusals.length > faults) return undefined
  const { source = '', target = source, permissions: access = 'rwm' } = draft
  if (cdiName.test(source) && target === source) return source
  return finishDevice([source, target, access], item, report)
}

function finishDevice([source, target, access]: readonly [string, string, string], item: Item, report: Report): string | undefined {
  if (source.startsWith('/') && target.startsWith('/') && permissions(access))
    return `${source}:${target}:${[...new Set(access)].sort(byPermission).join('')}`
  return report.refuse(item, 'compose.schema', 'expected a device such as /dev/ttyUSB0:/dev/ttyUSB0:rwm')
}

function byPermission(a: string, b: string): number {
  return 'rwm'.indexOf(a) - 'rwm'.indexOf(b)
}

/** Names of the container device interface are requests to its driver. */
export const applyDevices: Apply<HasDevices> = (item, draft, report) => {
  const all = listOf(readDevice)(item, report) ?? []
  const named = all.filter(text => cdiName.test(text))
  draft.devices = sortUnique(all.filter(text => !cdiName.test(text)))
  if (named.length > 0) addRequests(draft, [{ driver: 'cdi', deviceIds: sortUnique(named), capabilities: [], options: {} }])
}

function addRequests(draft: HasDevices, requests: readonly DeviceRequest[]): void {
  const all = [...(draft.deviceRequests ?? []), ...requests].map(request => [JSON.stringify(request), request] as const)
  draft.deviceRequests = all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, request]) => request)
}

export const readCgroupRules = setOf(textOf("a rule such as 'c 1:3 mr'", text => /^[abc] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text)))

const readCount: Reader<number> = (item, report) => (item.value === 'all' ? -1 : integerOf(-1)(item, report))

const requestFields: Fields<Draft<DeviceRequest>> = {
  read: {
    driver: field('driver', readText),
    count: field('count', readCount),
    device_ids: field('deviceIds', setOf(readText)),
    capabilities: field('capabilities', setOf(readText)),
    options: field('options', readPairs),
  },
}

/** `all` of them, unless the request counts or names them. */
function readRequest(always: readonly string[]): Reader<DeviceRequest> {
  return (item, report) => {
    const draft: Draft<DeviceRequest> = {}
    readFields(item, requestFields, draft, report)
    const { driver, count, deviceIds = [], options = {} } = draft
    const capabilities = sortUnique([...(draft.capabilities ?? []), ...always])
    if (capabilities.length === 0 && driver === undefined)
      return report.refuse(item, 'compose.schema', 'a reserved device needs capabilities or a driver')
    if (count !== undefined && deviceIds.length > 0)
      return report.refuse(item, 'compose.inconsistent', 'count and device_ids exclude each other')
    return {
      ...(driver === undefined ? {} : { driver }),
      ...(deviceIds.length > 0 ? {} : { count: count ?? -1 }),
      deviceIds,
      capabilities,
      options,
    }
  }
}

/** `all`, or a list of requests. */
export const applyGpus: Apply<HasDevices> = (item, draft, report) => {
  if (item.value === 'all') addRequests(draft, [{ count: -1, deviceIds: [], capabilities: ['gpu'], options: {} }])
  else if (isList(item.value)) addRequests(draft, listOf(readRequest(['gpu']))(item, report) ?? [])
  else report.refuse(item, 'compose.schema', `expected all or a list of GPUs, found ${describe(item)}`)
}

export const applyReservedDevices: Apply<HasDevices> = (item, draft, report) =>
  addRequests(draft, listOf(readRequest([]))(item, report) ?? [])
