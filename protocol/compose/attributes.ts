// The attributes of a service that are more than a text, each with its reader.
import { describe, type Item, isList, isMap, quote, type Report } from './item.js'
import type { Hook } from './parts.js'
import { readFolderText } from './paths.js'
import type { Dependency, Restart, Service } from './project.js'
import {
  type Draft,
  type Fields,
  field,
  listOf,
  oneOf,
  pairsOf,
  type Reader,
  readFields,
  readFlag,
  readPairs,
  readScalar,
  readText,
  readTrue,
  setOf,
  sorted,
  sortUnique,
  textOf,
} from './read.js'
import { splitWords } from './words.js'

export const readName = textOf('a text', text => text.length <= 255)
const isContainerName = (text: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(text)
export const readContainerName = textOf('a name of at least two letters, digits, _, . and -', isContainerName)
export const readTexts = setOf(readText)
/** With or without CAP_, in any case. */
export const readCapabilities: Reader<readonly string[]> = (item, report) => {
  const names = readTexts(item, report)?.map(name => name.toUpperCase().replace(/^CAP_/, ''))
  return names && sortUnique(names)
}

export const readAbsolutePath = textOf('an absolute path', text => text.startsWith('/'))

/** A seccomp profile is a file of the one who deploys; the Engine takes its contents. */
export const readSecurity = setOf((item, report) => {
  const text = readText(item, report)
  const [, path] = /^seccomp[=:](?!(?:unconfined|builtin)$|\s*\{)(.+)$/.exec(text ?? '') ?? []
  if (text === undefined || path === undefined) return text
  const profile = readFolderText(path, item, report)
  return profile === undefined
    ? undefined
    : (compactProfile(profile) ?? report.refuse(item, 'compose.schema', `${quote(path)} is not JSON`))
})

/** Numbers stay as they are written: some are larger than JavaScript's. */
function compactProfile(text: string): string | undefined {
  try {
    JSON.parse(text)
    return `seccomp=${text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')}`
  } catch {
    return undefined
  }
}

/** A string is split as a shell would; an empty one or an empty list clears what the image has. */
export const readCommand: Reader<readonly string[]> = (item, report) => {
  if (isList(item.value)) return listOf(readScalar)(item, report)
  const line = readText(item, report)
  return line === undefined
    ? undefined
    : (splitWords(line) ?? report.refuse(item, 'compose.schema', `a quote is not closed in ${quote(line)}`))
}

/** A variable without a value is passed through from the environment that the file is read with. */
export const readEnvironment: Reader<Service['environment']> = pairsOf<string | null>((name, item, report) => {
  const value = report.variable(name)
  if (value === undefined)
    report.warn(item, 'compose.variable', `the variable ${quote(name)} is not set; the container gets none, not even the image's`)
  return value ?? null
})

const readSetVariables = pairsOf((name, item, report) => {
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

const conditions = { service_started: 'started', service_healthy: 'healthy', service_completed_successfully: 'completed' } as const

const readCondition: Reader<Dependency['condition']> = (item, report) => {
  const name = oneOf('service_started', 'service_healthy', 'service_completed_successfully')(item, report)
  return name && conditions[name]
}

const dependencyFields: Fields<Draft<Dependency>> = {
  read: {
    condition: field('condition', readCondition),
    required: field('required', readFlag),
    restart: field('restart', readTrue),
  },
}

export const readDependsOn: Reader<Readonly<Record<string, Dependency>>> = (item, report) => {
  const { value } = item
  if (isMap(value)) return sorted([...value].map(([name, entry]) => [name, readDependency(entry, report)]))
  return sorted((listOf(readText)(item, report) ?? []).map(name => [name, { condition: 'started', required: true }]))
}

function readDependency(item: Item, report: Report): Dependency {
  const draft: Draft<Dependency> = {}
  readFields(item, dependencyFields, draft, report)
  if (isMap(item.value) && (item.value.get('condition')?.value ?? null) === null)
    report.refuse(item, 'compose.schema', `a dependency needs a condition: ${Object.keys(conditions).join(', ')}`)
  return { condition: 'started', required: true, ...draft }
}

const loggingFields: Fields<Draft<NonNullable<Service['logging']>>> = {
  read: { driver: field('driver', readText), options: field('options', readPairs) },
}

export const readLogging: Reader<NonNullable<Service['logging']>> = (item, report) => {
  const draft: Draft<NonNullable<Service['logging']>> = {}
  readFields(item, loggingFields, draft, report)
  return Object.keys(draft).length === 0 ? undefined : { ...draft, options: draft.options ?? {} }
}

const hookFields: Fields<Draft<Hook>> = {
  read: {
    command: field('command', readCommand),
    user: field('user', readName),
    privileged: field('privileged', readTrue),
    working_dir: field('workingDir', readAbsolutePath),
    environment: field('environment', readSetVariables),
  },
}

/** In the order in which they run. */
export const readHooks: Reader<readonly Hook[]> = (item, report) => {
  const hooks = listOf(readHook)(item, report) ?? []
  return hooks.length === 0 ? undefined : hooks
}

function readHook(item: Item, report: Report): Hook | undefined {
  const draft: Draft<Hook> = {}
  const faults = report.refusals.length
  readFields(item, hookFields, draft, report)
  const { command = [] } = draft
  if (report.refusals.length > faults) return undefined
  if (command.length === 0) return report.refuse(item, 'compose.schema', 'a hook needs a command')
  return { environment: {}, ...draft, command }
}
