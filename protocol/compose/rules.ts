// Compose's rules for merging, attribute by attribute (https://github.com/compose-spec/compose-spec/blob/main/13-merge.md).
import { childOf, type Item, isList, isMap } from './item.js'
import { anything, each, fields, keyed, named, pairs, type Rule, replaced } from './merge.js'
import { cleanPath } from './paths.js'

const texts = keyed(entry => String(entry.value))

function entryText(map: Item, key: string): string | undefined {
  const value = childOf(map, key)?.value
  return value === undefined || value === null || typeof value === 'object' ? undefined : String(value)
}

/** The part of `source:target:options` that is the target; of a lone part, that. */
function targetOf(text: string): string {
  const [first = '', second = first] = text.split(':')
  return second
}

const byTarget = keyed(entry => cleanPath((isMap(entry.value) ? entryText(entry, 'target') : targetOf(String(entry.value))) ?? ''))

/** A port of the same address, host port, container port and protocol is the same one, however it is written. */
const ports = keyed(entry => {
  if (!isMap(entry.value)) return String(entry.value).replace(/^[^/]*$/, '$&/tcp')
  const [target, published, host, protocol] = ['target', 'published', 'host_ip', 'protocol'].map(key => entryText(entry, key))
  return `${host === undefined ? '' : `${host}:`}${published === undefined ? '' : `${published}:`}${target}/${protocol ?? 'tcp'}`
})

/** Configs or secrets, by where they stand in the container. */
function placedIn(folder: string): Rule {
  return keyed(entry => {
    const target = (isMap(entry.value) ? (entryText(entry, 'target') ?? entryText(entry, 'source')) : String(entry.value)) ?? ''
    return cleanPath(target.startsWith('/') ? target : `${folder}/${target}`)
  })
}

const byPath = keyed(entry => (isMap(entry.value) ? entryText(entry, 'path') : String(entry.value)) ?? '')
const tmpfs = keyed(entry => cleanPath(String(entry.value).split(':')[0] ?? ''))

/** All addresses of all hosts of both. */
const hosts: Rule = (base, over) => {
  const lists = [base, over].map(listHosts)
  const [before, after] = lists
  return before === undefined || after === undefined ? over : texts({ ...base, value: before }, { ...over, value: after })
}

function listHosts(item: Item): readonly Item[] | undefined {
  if (isList(item.value)) return item.value
  if (!isMap(item.value)) return undefined
  return [...item.value].flatMap(([host, entry]) =>
    (isList(entry.value) ? entry.value : [entry]).map(address => ({ ...address, value: `${host}=${String(address.value)}` })),
  )
}

/** Options are those of a driver, so they are merged only if both mean the same one. */
const logging: Rule = (base, over) => {
  const [before, after] = [entryText(base, 'driver'), entryText(over, 'driver')]
  return before === undefined || after === undefined || before === after ? anything(base, over) : over
}

/** A mere path is a context. */
const build: Rule = (base, over) => buildFields(asBuild(base), asBuild(over))

const buildFields = fields({
  additional_contexts: pairs,
  args: pairs,
  extra_hosts: hosts,
  labels: pairs,
  tags: texts,
  platforms: texts,
})

function asBuild(item: Item): Item {
  return typeof item.value === 'string' ? { ...item, value: new Map([['context', item]]) } : item
}

function started(name: Item): Item {
  const value = new Map([
    ['condition', { ...name, value: 'service_started' }],
    ['required', { ...name, value: true }],
  ])
  return { ...name, value }
}

/** Subnets are told apart by their address; those of the file that is merged are the ones that remain. */
const subnets: Rule = (base, over) => {
  if (!isList(base.value) || !isList(over.value)) return over
  const known = new Map(base.value.map(entry => [entryText(entry, 'subnet'), entry]))
  const value = over.value.map(entry => {
    const before = known.get(entryText(entry, 'subnet'))
    return before === undefined ? entry : anything(before, entry)
  })
  return { ...over, value }
}

export const serviceRule = fields({
  annotations: pairs,
  blkio_config: fields({
    weight_device: byPath,
    device_read_bps: byPath,
    device_read_iops: byPath,
    device_write_bps: byPath,
    device_write_iops: byPath,
  }),
  build,
  cap_add: texts,
  cap_drop: texts,
  command: replaced,
  configs: placedIn(''),
  depends_on: named(anything, started),
  deploy: fields({ labels: pairs }),
  devices: byTarget,
  dns: texts,
  dns_opt: texts,
  dns_search: texts,
  entrypoint: replaced,
  env_file: byPath,
  environment: pairs,
  expose: texts,
  extra_hosts: hosts,
  healthcheck: fields({ test: replaced }),
  label_file: texts,
  labels: pairs,
  links: texts,
  logging,
  networks: named(fields({ aliases: texts, link_local_ips: texts })),
  ports,
  profiles: texts,
  secrets: placedIn('/run/secrets'),
  sysctls: pairs,
  tmpfs,
  volumes: byTarget,
})

export const fileRule = fields({
  services: each(serviceRule),
  networks: each(fields({ labels: pairs, ipam: fields({ config: subnets }) })),
  volumes: each(fields({ labels: pairs })),
})
