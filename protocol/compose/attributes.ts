// The attributes of a service that are more than a text, each with its reader.
import { describe, type Item, isList, isMap, quote, type Report } from './item.js'
import type { Dependency, Restart, Service } from './project.js'
import {
  type Draft,
  type Fields,
  field,
  listOf,
  oneOf,
  oneOrMore,
  pairsOf,
  type Reader,
  readFields,
  readFlag,
  readPairs,
  readScalar,
  readText,
  setOf,
  sorted,
  sortUnique,
  textOf,
} from './read.js'
import { splitWords } from './words.js'

export const readName = textOf('a text', text => text.length <= 255)
export const readTexts = setOf(readText)

/** A seccomp profile is a file of the one who deploys; the Engine only takes its contents. */
export const readSecurity = setOf((item, report) => {
  const text = readText(item, report)
  if (text === undefined || !/^seccomp[=:](?!unconfined$|\s*\{)/.test(text)) return text
  return report.refuse(item, 'compose.unsupported', 'a device has no file of yours: only seccomp=unconfined is supported')
})

/** A string is split as a shell would; an empty one or an empty list clears what the image has. */
export const readCommand: Reader<readonly string[]> = (item, report) => {
  if (isList(item.value)) return listOf(readScalar)(item, report)
  const line = readText(item, report)
  return line === undefined
    ? undefined
    : (splitWords(line) ?? report.refuse(item, 'compose.schema', `a quote is not closed in ${quote(line)}`))
}

/** A variable without a value is passed through from the environment that the file is read with. */
export const readEnvironment = pairsOf((name, item, report) => {
  const value = report.variable(name)
  if (value === undefined) report.warn(item, 'compose.variable', `the variable ${quote(name)} is not set and is left out`)
  return value
})

export const readRestart: Reader<Restart> = (item, report) => {
  const [, policy, retries] = /^(no|always|unless-stopped|on-failure)(?::(\d{1,6}))?$/.exec(String(item.value)) ?? []
  if (typeof item.value !== 'string' || policy === undefined || (retries !== undefined && policy !== 'on-failure'))
    return report.refuse(
      item,
      'compose.schema',
      `expected "no", always, unless-stopped, on-failure or on-failure:3, found ${describe(item)}`,
    )
  const maxRetries = Number(retries ?? 0)
  return maxRetries === 0 ? { policy: policy as Restart['policy'] } : { policy: policy as Restart['policy'], maxRetries }
}

export const readNetworkMode: Reader<string> = (item, report) => {
  const mode = readText(item, report)
  if (mode === undefined || /^(host|none|bridge|service:.+)$/.test(mode)) return mode
  return report.refuse(
    item,
    'compose.unsupported',
    `the network mode ${quote(mode)} is not supported: use host, none, bridge, service:NAME or networks`,
  )
}

const conditions = { service_started: 'started', service_healthy: 'healthy', service_completed_successfully: 'completed' } as const

const readCondition: Reader<Dependency['condition']> = (item, report) => {
  const name = oneOf('service_started', 'service_healthy', 'service_completed_successfully')(item, report)
  return name && conditions[name]
}

const dependencyFields: Fields<Draft<Dependency>> = {
  read: {
    condition: field('condition', readCondition),
    required: field('required', readFlag),
    restart: (item, _draft, report) => {
      if (readFlag(item, report)) report.refuse(item, 'compose.unsupported', 'restarting with a dependency is not supported')
    },
  },
}

export const readDependsOn: Reader<Readonly<Record<string, Dependency>>> = (item, report) => {
  const { value } = item
  if (isMap(value)) return sorted([...value].map(([name, entry]) => [name, readDependency(entry, report)]))
  return sorted((listOf(readText)(item, report) ?? []).map(name => [name, { condition: 'started', required: true }]))
}

function readDependency(item: Item, report: Report): Dependency {
  const draft: Draft<Dependency> = {}
  if (item.value !== null) readFields(item, dependencyFields, draft, report)
  return { condition: 'started', required: true, ...draft }
}

const loggingFields: Fields<Draft<NonNullable<Service['logging']>>> = {
  read: { driver: field('driver', readText), options: field('options', readPairs) },
}

export const readLogging: Reader<NonNullable<Service['logging']>> = (item, report) => {
  const draft: Draft<NonNullable<Service['logging']>> = {}
  readFields(item, loggingFields, draft, report)
  return Object.keys(draft).length === 0 ? undefined : { options: {}, ...draft }
}

/** `host:address` or `host=address`, or a map; one form for all. */
export const readExtraHosts: Reader<readonly string[]> = (item, report) => {
  const { value } = item
  if (isMap(value))
    return sortUnique(
      [...value].flatMap(([host, entry]) => oneOrMore(readText)(entry, report)?.map(address => `${host}:${unbracket(address)}`) ?? []),
    )
  const readHost = textOf('host:address', text => /^[^\s:=]+[:=]\S+$/.test(text))
  return listOf(readHost)(item, report)
    ?.map(text => text.replace(/^([^:=]+)[:=](.*)$/, (_, host, address) => `${host}:${unbracket(address)}`))
    .sort()
}

function unbracket(address: string): string {
  return address.replace(/^\[(.*)\]$/, '$1')
}

const readDevice = textOf('a device such as /dev/ttyUSB0:/dev/ttyUSB0:rwm', text => /^\/[^:]*(:\/[^:]*)?(:[rwm]{1,3})?$/.test(text))

/** Written out in full: host path, container path, permissions. */
export const readDevices: Reader<readonly string[]> = (item, report) =>
  listOf(readDevice)(item, report)
    ?.map(text => {
      const [host = '', ...rest] = text.split(':')
      const inside = rest.find(part => part.startsWith('/')) ?? host
      return `${host}:${inside}:${rest.find(part => !part.startsWith('/')) ?? 'rwm'}`
    })
    .sort()
