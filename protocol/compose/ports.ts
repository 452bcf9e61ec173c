// Ports and exposed ports: short and long forms and ranges, spread out to single ports.
import { isIP } from 'node:net'
import { describe, type Item, isMap, quote, type Report } from './item.js'
import type { Port } from './project.js'
import { type Draft, type Fields, field, integerOf, oneOf, type Reader, readFields, readScalar, sortUnique, textOf } from './read.js'

/** From and to, both included. */
type Range = readonly [number, number]
type Protocol = Port['protocol']

interface Mapping {
  readonly hostIp: string
  /** Absent: the Engine chooses. */
  readonly published: Range | undefined
  readonly target: Range
  readonly protocol: Protocol
}

export const readPorts: Reader<readonly Port[]> = (item, report) => {
  if (!Array.isArray(item.value)) return report.refuse(item, 'compose.schema', `expected a list of ports, found ${describe(item)}`)
  const ports = new Map<string, Port>()
  for (const entry of item.value) {
    for (const port of spread(entry, readMapping(entry, report), report)) ports.set(portKey(port), port)
  }
  return [...ports.values()].sort(comparePorts)
}

export const readExpose: Reader<readonly string[]> = (item, report) => {
  if (!Array.isArray(item.value)) return report.refuse(item, 'compose.schema', `expected a list of ports, found ${describe(item)}`)
  const exposed: string[] = []
  for (const entry of item.value) {
    for (const { target, protocol } of spread(entry, readExposed(entry, report), report)) exposed.push(`${target}/${protocol}`)
  }
  return sortUnique(exposed)
}

function readExposed(item: Item, report: Report): Mapping | undefined {
  const text = readScalar(item, report)
  if (text === undefined) return undefined
  const [range = '', protocol] = splitProtocol(text)
  const target = parseRange(range, 1)
  if (target === undefined || protocol === undefined) return report.refuse(item, 'compose.schema', `${quote(text)} is no port`)
  return { hostIp: '', published: undefined, target, protocol }
}

function readMapping(item: Item, report: Report): Mapping | undefined {
  if (isMap(item.value)) return readLong(item, report)
  const text = readScalar(item, report)
  if (text === undefined) return undefined
  return parseShort(text) ?? report.refuse(item, 'compose.schema', `${quote(text)} is no port; write [[ip:]host:]container[/protocol]`)
}

/** `[[ip:][host]:]container[/protocol]`, an IPv6 address in brackets. */
function parseShort(text: string): Mapping | undefined {
  const [mapping = '', protocol] = splitProtocol(text)
  const [, address = '', rest = ''] = /^(?:(\[[^\]]*\]|[^:[\]]*):(?=[^:]*:))?(.*)$/.exec(mapping) ?? []
  const [first = '', second, ...more] = rest.split(':')
  const target = parseRange(second ?? first, 1)
  const published = second === undefined || first === '' ? undefined : parseRange(first, 0)
  const hostIp = address.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  const isWrong = more.length > 0 || (second !== undefined && first !== '' && published === undefined)
  if (target === undefined || protocol === undefined || isWrong || (hostIp !== '' && isIP(hostIp) === 0)) return undefined
  return { hostIp, published, target, protocol }
}

function splitProtocol(text: string): readonly [string, Protocol | undefined] {
  const [ports = '', name = 'tcp', ...more] = text.split('/')
  const protocol = (['tcp', 'udp', 'sctp'] as const).find(known => known === name.toLowerCase())
  return [ports, more.length > 0 ? undefined : protocol]
}

function parseRange(text: string, min: number): Range | undefined {
  const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim()) ?? []
  const range = [Number(from), Number(to)] as const
  return from !== undefined && range[0] >= min && range[0] <= range[1] && range[1] <= 65535 ? range : undefined
}

interface Long {
  readonly target: number
  readonly published: Range
  readonly hostIp: string
  readonly protocol: Protocol
}

const readPublished: Reader<Range> = (item, report) => {
  const text = readScalar(item, report)
  if (text === undefined || text === '') return undefined
  return parseRange(text, 0) ?? report.refuse(item, 'compose.schema', `${quote(text)} is no port or range of ports`)
}

const longFields: Fields<Draft<Long>> = {
  read: {
    target: field('target', integerOf(1, 65535)),
    published: field('published', readPublished),
    host_ip: field(
      'hostIp',
      textOf('an IP address', text => isIP(text) !== 0),
    ),
    protocol: field('protocol', oneOf('tcp', 'udp', 'sctp')),
    // Both mean the same where there is one Engine.
    mode: (item, _draft, report) => void oneOf('host', 'ingress')(item, report),
  },
  ignored: { app_protocol: 'the Engine looks at no protocols', name: 'the Engine has no names for ports' },
}

function readLong(item: Item, report: Report): Mapping | undefined {
  const draft: Draft<Long> = {}
  readFields(item, longFields, draft, report)
  const { target, published, hostIp = '', protocol = 'tcp' } = draft
  if (target !== undefined) return { hostIp: hostIp.toLowerCase(), published, target: [target, target], protocol }
  if (isMap(item.value) && !item.value.has('target')) report.refuse(item, 'compose.schema', 'a port needs a target')
  return undefined
}

function spread(item: Item, mapping: Mapping | undefined, report: Report): readonly Port[] {
  if (mapping === undefined) return []
  const { hostIp, published, target, protocol } = mapping
  const count = target[1] - target[0] + 1
  if (!report.take('ports', count)) return report.refuse(item, 'compose.too-complex', 'the file has too many ports') ?? []
  if (published !== undefined && count === 1 && published[0] < published[1])
    return [{ hostIp, protocol, published: published[0], publishedTo: published[1], target: target[0] }]
  if (published !== undefined && published[1] - published[0] + 1 !== count) return refuseRange(item, report) ?? []
  return Array.from({ length: count }, (_, n) => ({
    hostIp,
    protocol,
    // 0 means that the Engine chooses, so a range from 0 does not count up.
    published: published === undefined || published[0] === 0 ? 0 : published[0] + n,
    target: target[0] + n,
  }))
}

function refuseRange(item: Item, report: Report): undefined {
  return report.refuse(item, 'compose.schema', 'the ranges of host ports and container ports differ in length')
}

function portKey({ hostIp, published, publishedTo = published, target, protocol }: Port): string {
  return `${hostIp} ${published} ${publishedTo} ${target} ${protocol}`
}

function comparePorts(a: Port, b: Port): number {
  if (a.target !== b.target) return a.target - b.target
  if (a.published !== b.published) return a.published - b.published
  const [x, y] = [portKey(a), portKey(b)]
  return x < y ? -1 : x > y ? 1 : 0
}
