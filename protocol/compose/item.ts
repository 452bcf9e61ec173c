// One place in a compose file: what stands there, where it is, and the report of the faults found on the way.
import type { ErrorCode, Refusal } from '../errors.js'
import type { ComposeSource } from './source.js'

export type Scalar = string | number | boolean | null

/** A node of the file with anchors and merge keys resolved. Maps are `Map`s, so no key is special. */
export interface Item {
  readonly parent: Item | undefined
  readonly key: string | number
  readonly line: number
  /** Written once more while loading, when variables are filled in and paths are made relative to the project's folder. */
  value: Scalar | readonly Item[] | ReadonlyMap<string, Item>
  /** For a file that is merged over others: what stands here goes, or takes the place of what the others have. */
  readonly tag?: Tag
  /** At the top level of a file that faults must name. */
  readonly file?: string
}

/** `!reset` and `!override`. */
export type Tag = 'reset' | 'override'

export type Variables = Readonly<Record<string, string>>

/** Entries of a merge key belong to the map that has it: this key is no step of a path. */
export const mergeKey = '<<'

const maxRefusals = 50

/** What all files of a project may come to together, so that none of their tricks makes much of little. */
const limits = {
  /** Compose files that are read: given, included, extended. */
  files: 100,
  /** Maps, lists and values after anchors and merge keys are expanded, and variables of files. */
  nodes: 100_000,
  /** Those of services that extend others. */
  copies: 300_000,
  /** Characters of values after variables are filled in. */
  characters: 4 * 1024 * 1024,
  /** Characters of files with variables or labels, each time that one is read. */
  variableFiles: 8 * 1024 * 1024,
  /** Ports, with ranges spread out. */
  ports: 20_000,
}

/** What was found while reading the files of a project. Readers are handed it and return undefined where they refuse. */
export class Report {
  readonly refusals: Refusal[] = []
  readonly warnings: Refusal[] = []
  /** Files of the folder that were read, or that containers or builds need. */
  readonly paths = new Set<string>()
  /** Variables that were looked for. */
  readonly variables = new Set<string>()
  /** The variables of the source and those of its folder's `.env`; set once that has been read. */
  environment: Variables
  readonly #left = { ...limits }
  readonly #unset = new Set<string>()

  constructor(readonly source: ComposeSource) {
    this.environment = source.environment
  }

  refuse(item: Item, code: ErrorCode, message: string): undefined {
    this.refuseAt(pathOf(item), code, `${message} (line ${item.line})`)
  }

  refuseAt(path: string | undefined, code: ErrorCode, message: string): undefined {
    add(this.refusals, path, code, message)
  }

  warn(item: Item, code: ErrorCode, message: string): void {
    add(this.warnings, pathOf(item), code, `${message} (line ${item.line})`)
  }

  /** False if that is more than a project may have. */
  take(what: keyof typeof limits, count: number): boolean {
    this.#left[what] -= count
    return this.#left[what] >= 0
  }

  /** A variable of the environment that the files are read with; an included file can have one of its own. */
  variable(name: string, environment: Variables = this.environment): string | undefined {
    this.variables.add(name)
    return Object.hasOwn(environment, name) ? environment[name] : undefined
  }

  /** Warns once that a variable is not set. */
  warnUnset(item: Item, name: string): void {
    if (!this.#unset.has(name)) this.warn(item, 'compose.variable', `the variable ${name} is not set; it is taken as empty`)
    this.#unset.add(name)
  }

  /** A file of the source's folder; undefined if there is none. */
  file(path: string): Uint8Array | undefined {
    const content = this.source.folder.read(path)
    if (content !== undefined && !/^(\/|\.\.\/)/.test(path)) this.paths.add(path)
    return content
  }
}

function add(list: Refusal[], path: string | undefined, code: ErrorCode, message: string): void {
  if (list.length >= maxRefusals) return
  if (list.some(known => known.path === path && known.code === code && known.message === message)) return
  list.push(path === undefined ? { code, message } : { code, message, path })
}

/** Such as `services.web.ports[0]` or `services.web.labels["a.b"]`, with the file's name first where it is not the main one. */
export function pathOf(item: Item): string {
  const steps: string[] = []
  let at = item
  for (; at.parent !== undefined; at = at.parent) {
    if (at.key !== mergeKey) steps.push(stepOf(at.key))
  }
  return inFile(at.file, steps.reverse().join('').replace(/^\./, ''))
}

/** A place in a file, as faults name it. */
export function inFile(file: string | undefined, place: string): string {
  if (file === undefined) return place
  return place === '' ? file : `${file}: ${place}`
}

function stepOf(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return /^[\w-]{1,80}$/.test(key) ? `.${key}` : `[${quote(key)}]`
}

/** A text of the file, safe and short enough for a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}

export function isMap(value: Item['value']): value is ReadonlyMap<string, Item> {
  return value instanceof Map
}

export function isList(value: Item['value']): value is readonly Item[] {
  return Array.isArray(value)
}

/** What a map has under a key; undefined too if it is no map. */
export function childOf(item: Item | undefined, key: string): Item | undefined {
  return item !== undefined && isMap(item.value) ? item.value.get(key) : undefined
}

const nothing: ReadonlyMap<string, Item> = new Map()

/** A map's entries; none if it is no map. */
export function entriesOf(item: Item | undefined): ReadonlyMap<string, Item> {
  return item !== undefined && isMap(item.value) ? item.value : nothing
}

/** What stands there, for a message that says what was expected instead. */
export function describe({ value }: Item): string {
  if (isMap(value)) return 'a map'
  if (isList(value)) return 'a list'
  if (value === null) return 'nothing'
  return typeof value === 'string' ? `the text ${quote(value)}` : `the ${typeof value} ${value}`
}
