// One place in a compose file: what stands there, where it is, and the report of the faults found on the way.
import type { ErrorCode, Refusal } from '../errors.js'
import type { ComposeSource } from './source.js'

export type Scalar = string | number | boolean | null

/** A node of the file with anchors and merge keys resolved. Maps are `Map`s, so no key is special. */
export interface Item {
  readonly parent: Item | undefined
  readonly key: string | number
  readonly line: number
  /** Written once more after loading, when variables are filled in. */
  value: Scalar | readonly Item[] | ReadonlyMap<string, Item>
}

/** Entries of a merge key belong to the map that has it: this key is no step of a path. */
export const mergeKey = '<<'

const maxRefusals = 50
/** Ports of one file, ranges spread out. */
const maxPorts = 20_000

/** What was found while reading one file. Readers are handed it and return undefined where they refuse. */
export class Report {
  readonly refusals: Refusal[] = []
  readonly warnings: Refusal[] = []
  /** Files of the folder that were read, or that containers or builds need. */
  readonly paths = new Set<string>()
  /** Variables that were looked for. */
  readonly variables = new Set<string>()
  #ports = 0

  /** `environment` holds the variables of the source and those of its folder's `.env`. */
  constructor(
    readonly source: ComposeSource,
    readonly environment: Readonly<Record<string, string>> = source.environment,
  ) {}

  refuse(item: Item, code: ErrorCode, message: string): undefined {
    this.refuseAt(pathOf(item), code, `${message} (line ${item.line})`)
  }

  refuseAt(path: string | undefined, code: ErrorCode, message: string): undefined {
    add(this.refusals, path, code, message)
  }

  warn(item: Item, code: ErrorCode, message: string): void {
    add(this.warnings, pathOf(item), code, `${message} (line ${item.line})`)
  }

  /** False if `count` more ports are more than one file may have. */
  takePorts(count: number): boolean {
    this.#ports += count
    return this.#ports <= maxPorts
  }

  /** A variable of the environment that the file is read with. */
  variable(name: string): string | undefined {
    this.variables.add(name)
    return Object.hasOwn(this.environment, name) ? this.environment[name] : undefined
  }

  /** A file of the source's folder; undefined if there is none. */
  file(path: string): Uint8Array | undefined {
    const content = this.source.folder.read(path)
    if (content !== undefined) this.paths.add(path)
    return content
  }
}

function add(list: Refusal[], path: string | undefined, code: ErrorCode, message: string): void {
  if (list.length >= maxRefusals) return
  if (list.some(known => known.path === path && known.code === code && known.message === message)) return
  list.push(path === undefined ? { code, message } : { code, message, path })
}

/** Such as `services.web.ports[0]` or `services.web.labels["a.b"]`. */
export function pathOf(item: Item): string {
  const steps: string[] = []
  for (let at: Item | undefined = item; at?.parent !== undefined; at = at.parent) {
    if (at.key !== mergeKey) steps.push(stepOf(at.key))
  }
  return steps.reverse().join('').replace(/^\./, '')
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

/** What stands there, for a message that says what was expected instead. */
export function describe({ value }: Item): string {
  if (isMap(value)) return 'a map'
  if (isList(value)) return 'a list'
  if (value === null) return 'nothing'
  return typeof value === 'string' ? `the text ${quote(value)}` : `the ${typeof value} ${value}`
}
