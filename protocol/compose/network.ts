// Networks and volumes of the project, and how a service is attached to networks.
import { BlockList, isIP } from 'node:net'
import { describe, type Item, isList, isMap, type Report } from './item.js'
import type { Attachment, Network, Volume } from './project.js'
import {
  type Draft,
  type Fields,
  field,
  listOf,
  type Reader,
  readFields,
  readFlag,
  readPairs,
  readText,
  readTrue,
  setOf,
  sorted,
  textOf,
} from './read.js'

type Subnet = Network['subnets'][number]

const isEngineName = (text: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(text)
export const readEngineName = textOf('a name of letters, digits, _, . and -', isEngineName)
const readAddress = (version: 4 | 6) => textOf(`an IPv${version} address`, text => isIP(text) === version)
export const readAnyAddress = textOf('an IP address', text => isIP(text) !== 0)
const readCidr = textOf('a subnet such as 10.1.0.0/16', text => parseCidr(text) !== undefined)

/** The default driver is left out. */
function readDriver(standard: string): Reader<string> {
  return (item, report) => {
    const driver = readText(item, report)
    return driver === standard || driver === 'default' || driver === '' ? undefined : driver
  }
}

type Named = Draft<Network & Volume>

/** `true`, or the old form `{ name: … }`. */
function applyExternal(item: Item, draft: Named, report: Report): void {
  const external = isMap(item.value) ? true : readFlag(item, report)
  if (isMap(item.value)) readFields(item, { read: { name: field<Named, 'name'>('name', readEngineName) } }, draft, report)
  if (external) draft.external = true
}

const common: Fields<Named>['read'] = {
  name: field('name', readEngineName),
  external: applyExternal,
  driver_opts: field('driverOpts', readPairs),
  labels: field('labels', readPairs),
}

const subnetFields: Fields<Draft<Subnet>> = {
  read: { subnet: field('subnet', readCidr), gateway: field('gateway', readAnyAddress), ip_range: field('ipRange', readCidr) },
  unsupported: ['aux_addresses'],
}

const readSubnet: Reader<Subnet> = (item, report) => {
  const draft: Draft<Subnet> = {}
  readFields(item, subnetFields, draft, report)
  const { subnet, gateway, ipRange } = draft
  if (subnet === undefined && (gateway ?? ipRange) !== undefined)
    return report.refuse(item, 'compose.inconsistent', 'a gateway or range needs a subnet')
  for (const address of [gateway, ipRange]) {
    if (subnet !== undefined && address !== undefined && !isWithin(address, subnet))
      report.refuse(item, 'compose.inconsistent', `${address} is not in the subnet ${subnet}`)
  }
  return draft
}

const ipamFields: Fields<Draft<Network>> = {
  read: {
    config: field('subnets', listOf(readSubnet)),
    driver: (item, _draft, report) => {
      const driver = readText(item, report)
      if (driver !== undefined && driver !== 'default')
        report.refuse(item, 'compose.unsupported', 'only the default driver of ipam is supported')
    },
  },
  unsupported: ['options'],
}

const networkFields: Fields<Named> = {
  read: {
    ...common,
    driver: field('driver', readDriver('bridge')),
    internal: field('internal', readTrue),
    enable_ipv6: field('enableIpv6', readTrue),
    attachable: field('attachable', readTrue),
    ipam: (item, draft, report) => readFields(item, ipamFields, draft, report),
  },
  unsupported: ['enable_ipv4'],
}

const volumeFields: Fields<Named> = { read: { ...common, driver: field('driver', readDriver('local')) } }

/** A network of the project; `key` is its name there. */
export function readNetwork(key: string, item: Item, report: Report): Network {
  const { subnets = [], ...rest } = readNamed(key, item, networkFields, report)
  return { driverOpts: {}, labels: {}, ...rest, subnets: subnets.filter(subnet => Object.keys(subnet).length > 0) }
}

export function readVolume(key: string, item: Item, report: Report): Volume {
  return { driverOpts: {}, labels: {}, ...readNamed(key, item, volumeFields, report) }
}

function readNamed(key: string, item: Item, fields: Fields<Named>, report: Report): Named {
  const draft: Named = {}
  if (item.value !== null) readFields(item, fields, draft, report)
  if (draft.external !== true) return draft
  const others = isMap(item.value)
    ? [...item.value.keys()].filter(name => name !== 'external' && name !== 'name' && !name.startsWith('x-'))
    : []
  if (others.length > 0) report.refuse(item, 'compose.inconsistent', `what is external is not made here, so it has no ${others.join(', ')}`)
  return { external: true, name: draft.name ?? key }
}

const attachmentFields: Fields<Draft<Attachment>> = {
  read: {
    aliases: field('aliases', setOf(textOf('a host name', text => !/\s/.test(text)))),
    ipv4_address: field('ipv4', readAddress(4)),
    ipv6_address: field('ipv6', readAddress(6)),
  },
  unsupported: ['link_local_ips', 'mac_address', 'priority', 'gw_priority', 'driver_opts', 'interface_name'],
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
  if (item.value !== null) readFields(item, attachmentFields, draft, report)
  return { aliases: [], ...draft }
}

interface Cidr {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

function parseCidr(text: string): Cidr | undefined {
  const [, address = '', digits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? []
  const version = isIP(address)
  const prefix = Number(digits)
  if (version === 0 || prefix > (version === 4 ? 32 : 128)) return undefined
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** Whether an address, or the first one of a range, is in a subnet. */
export function isWithin(addressOrRange: string, subnet: string): boolean {
  const [address = ''] = addressOrRange.split('/')
  const cidr = parseCidr(subnet)
  if (cidr === undefined || isIP(address) !== (cidr.family === 'ipv4' ? 4 : 6)) return false
  const list = new BlockList()
  list.addSubnet(cidr.address, cidr.prefix, cidr.family)
  return list.check(address, cidr.family)
}
