// Networks and volumes of the project.
import { isWithin, parseCidr } from './cidr.js'
import { readAnyAddress } from './hosts.js'
import { describe, type Item, isMap, type Report } from './item.js'
import { readPath, takePath } from './paths.js'
import type { Network, Volume } from './project.js'
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
  sorted,
  textOf,
} from './read.js'

type Subnet = Network['subnets'][number]

const isEngineName = (text: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(text)
export const readEngineName = textOf('a name of letters, digits, _, . and -', isEngineName)
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
  if (!isMap(item.value)) {
    if (readFlag(item, report)) draft.external = true
    return
  }
  draft.external = true
  readFields(item, { read: { name: applyName } }, draft, report)
}

/** In two places only if both say the same. */
function applyName(item: Item, draft: Named, report: Report): void {
  const name = readEngineName(item, report)
  if (name === undefined) return
  if (draft.name !== undefined && draft.name !== name)
    report.refuse(item, 'compose.inconsistent', `it has two names: ${draft.name} and ${name}`)
  draft.name = name
}

const common: Fields<Named>['read'] = {
  name: applyName,
  external: applyExternal,
  driver_opts: field('driverOpts', readPairs),
  labels: field('labels', readPairs),
}

const readHosts: Reader<Readonly<Record<string, string>>> = (item, report) => {
  if (!isMap(item.value)) return report.refuse(item, 'compose.schema', `expected a map of addresses, found ${describe(item)}`)
  const hosts = [...item.value].map(([name, entry]) => [name, readAnyAddress(entry, report) ?? ''] as const)
  return hosts.length === 0 ? undefined : sorted(hosts)
}

const subnetFields: Fields<Draft<Subnet>> = {
  read: {
    subnet: field('subnet', readCidr),
    gateway: field('gateway', readAnyAddress),
    ip_range: field('ipRange', readCidr),
    aux_addresses: field('auxAddresses', readHosts),
  },
}

const readSubnet: Reader<Subnet> = (item, report) => {
  const draft: Draft<Subnet> = {}
  readFields(item, subnetFields, draft, report)
  const { subnet, gateway, ipRange, auxAddresses = {} } = draft
  if (subnet === undefined && Object.keys(draft).length > 0)
    return report.refuse(item, 'compose.inconsistent', 'a gateway, a range or addresses need a subnet')
  for (const address of [gateway, ipRange, ...Object.values(auxAddresses)]) {
    if (subnet !== undefined && address !== undefined && !isWithin(address, subnet))
      report.refuse(item, 'compose.inconsistent', `${address} is not in the subnet ${subnet}`)
  }
  return draft
}

const readSomePairs: Reader<Readonly<Record<string, string>>> = (item, report) => {
  const pairs = readPairs(item, report)
  return pairs === undefined || Object.keys(pairs).length === 0 ? undefined : pairs
}

const ipamFields: Fields<Draft<Network>> = {
  read: {
    config: field('subnets', listOf(readSubnet)),
    driver: field('ipamDriver', readDriver('default')),
    options: field('ipamOptions', readSomePairs),
  },
}

const networkFields: Fields<Named> = {
  read: {
    ...common,
    driver: field('driver', readDriver('bridge')),
    internal: field('internal', readTrue),
    // On by default.
    enable_ipv4: (item, draft, report) => {
      if (readFlag(item, report) === false) draft.enableIpv4 = false
    },
    enable_ipv6: field('enableIpv6', readTrue),
    attachable: field('attachable', readTrue),
    ipam: (item, draft, report) => readFields(item, ipamFields, draft, report),
  },
}

/** A volume that is a folder of the app: the Engine's own driver binds what `device` names. */
const readVolumeOptions: Reader<Volume['driverOpts']> = (item, report) => {
  const options = readPairs(item, report)
  const device = options?.device
  if (device === undefined || !/^[.~]/.test(device) || !/(^|,)r?bind(,|$)/.test(options?.o ?? '')) return options
  const path = readPath(device, item, report)
  if (path !== undefined) takePath(path, report)
  return path === undefined ? undefined : { ...options, device: path }
}

const volumeFields: Fields<Named> = {
  read: { ...common, driver: field('driver', readDriver('local')), driver_opts: field('driverOpts', readVolumeOptions) },
}

interface NamedForm {
  readonly fields: Fields<Named>
  readonly harmless?: readonly string[]
}

/** A network of the project; `key` is its name there. */
export function readNetwork(key: string, item: Item, report: Report): Network {
  const { subnets = [], ...rest } = readNamed(key, item, { fields: networkFields, harmless: ['driver'] }, report)
  return { driverOpts: {}, labels: {}, ...rest, subnets: subnets.filter(subnet => Object.keys(subnet).length > 0) }
}

export function readVolume(key: string, item: Item, report: Report): Volume {
  return { driverOpts: {}, labels: {}, ...readNamed(key, item, { fields: volumeFields }, report) }
}

/** `harmless`: what something external may say of itself all the same. */
function readNamed(key: string, item: Item, { fields, harmless = [] }: NamedForm, report: Report): Named {
  const draft: Named = {}
  if (item.value !== null) readFields(item, fields, draft, report)
  if (draft.external !== true) return draft
  const others = isMap(item.value)
    ? [...item.value].flatMap(([name, { value }]) => (value === null || /^(external|name|x-.*)$/.test(name) ? [] : [name]))
    : []
  const message = `what is external is not made here, so it has no ${others.join(', ')}`
  if (others.some(name => !harmless.includes(name))) report.refuse(item, 'compose.inconsistent', message)
  else if (others.length > 0) report.warn(item, 'compose.inconsistent', message)
  return { external: true, name: draft.name ?? key }
}
