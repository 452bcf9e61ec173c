// How a service is attached to networks.
import { isIP } from 'node:net'
import { readAnyAddress, readMac } from './hosts.js'
import { describe, type Item, isList, isMap, type Report } from './item.js'
import type { Attachment } from './project.js'
import {
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
  sorted,
  textOf,
} from './read.js'

const readAddress = (version: 4 | 6) => textOf(`an IPv${version} address`, text => isIP(text) === version)
const readInteger = integerOf(Number.MIN_SAFE_INTEGER)

const fields: Fields<Draft<Attachment>> = {
  read: {
    aliases: field('aliases', setOf(textOf('a host name', text => !/\s/.test(text)))),
    ipv4_address: field('ipv4', readAddress(4)),
    ipv6_address: field('ipv6', readAddress(6)),
    link_local_ips: field('linkLocal', setOf(readAnyAddress)),
    mac_address: field('macAddress', readMac),
    priority: field('priority', readInteger),
    gw_priority: field('gatewayPriority', readInteger),
    driver_opts: field('driverOpts', readPairs),
    interface_name: field(
      'interfaceName',
      textOf('a name of at most 15 characters', text => /^[^\s/]{1,15}$/.test(text)),
    ),
  },
}

/** A list of names, or a map from name to how it is attached. */
export const readAttachments: Reader<Readonly<Record<string, Attachment>>> = (item, report) => {
  const { value } = item
  if (isMap(value)) return sorted([...value].map(([name, entry]) => [name, readAttachment(entry, report)]))
  if (!isList(value)) return report.refuse(item, 'compose.schema', `expected a list or a map of networks, found ${describe(item)}`)
  return sorted((listOf(readText)(item, report) ?? []).map(name => [name, { aliases: [] }]))
}

function readAttachment(item: Item, report: Report): Attachment {
  const draft: Draft<Attachment> = {}
  if (item.value !== null) readFields(item, fields, draft, report)
  if (draft.priority === 0) delete draft.priority
  if (draft.gatewayPriority === 0) delete draft.gatewayPriority
  if (draft.linkLocal?.length === 0) delete draft.linkLocal
  if (Object.keys(draft.driverOpts ?? { one: '' }).length === 0) delete draft.driverOpts
  return { aliases: [], ...draft }
}
