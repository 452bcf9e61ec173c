// The readers that all attributes are made of: texts, flags, numbers, lists, maps, and maps with known keys.
import { describe, type Item, isList, isMap, quote, type Report } from './item.js'
import { suggest } from './suggest.js'

/** The value of an item in canonical form. Undefined: absent, or the report says why not. */
export type Reader<T> = (item: Item, report: Report) => T | undefined

/** Reads one attribute into a draft. */
export type Apply<D> = (item: Item, draft: D, report: Report) => void

/** The attributes of one map of the specification, by what happens to them. Every other key is unknown. */
export interface Fields<D> {
  readonly read: Readonly<Record<string, Apply<D>>>
  /** Harmless: no effect here, and a warning says so and why. */
  readonly ignored?: Readonly<Record<string, string>>
  /** Known, but refused by name, with the reason. */
  readonly unsupported?: Readonly<Record<string, string>>
}

export type Draft<T> = { -readonly [K in keyof T]?: T[K] }

/** An attribute that becomes one field of its own. */
export function field<D, K extends keyof D>(name: K, read: Reader<NonNullable<D[K]>>): Apply<D> {
  return (item, draft, report) => {
    const value = read(item, report)
    if (value !== undefined) draft[name] = value
  }
}

/** One whose empty text means that it is absent: a variable that is not set. */
export function textField<D, K extends keyof D>(name: K, read: Reader<NonNullable<D[K]>>): Apply<D> {
  const apply = field<D, K>(name, read)
  return (item, draft, report) => {
    if (item.value !== '') apply(item, draft, report)
  }
}

/** Reads a map attribute by attribute. No key is dropped in silence, but for extensions (`x-…`) and keys without a value. */
export function readFields<D>(item: Item, fields: Fields<D>, draft: D, report: Report): void {
  if (!isMap(item.value)) report.refuse(item, 'compose.schema', `expected a map, found ${describe(item)}`)
  for (const [name, entry] of isMap(item.value) ? item.value : []) {
    const apply = Object.hasOwn(fields.read, name) ? fields.read[name] : undefined
    if (apply !== undefined) {
      if (entry.value !== null) apply(entry, draft, report)
    } else if (!name.startsWith('x-')) turnDown(name, entry, fields, report)
  }
}

function turnDown<D>(name: string, entry: Item, { read, ignored = {}, unsupported = {} }: Fields<D>, report: Report): void {
  if (Object.hasOwn(ignored, name)) {
    if (entry.value !== null) report.warn(entry, 'compose.unsupported', `${name} has no effect here: ${ignored[name]}`)
  } else if (Object.hasOwn(unsupported, name)) {
    if (entry.value !== null) report.refuse(entry, 'compose.unsupported', `${name} is not supported: ${unsupported[name]}`)
  } else {
    const meant = suggest(name, [...Object.keys(read), ...Object.keys(ignored), ...Object.keys(unsupported)])
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`
    report.refuse(entry, 'compose.unknown', `there is no attribute ${quote(name)}${hint}`)
  }
}

function expected(what: string, item: Item, report: Report): undefined {
  return report.refuse(item, 'compose.schema', `expected ${what}, found ${describe(item)}`)
}

export const readText: Reader<string> = (item, report) => (typeof item.value === 'string' ? item.value : expected('a text', item, report))

/** A text that is not empty and passes `accepts`. */
export function textOf(what: string, accepts: (text: string) => boolean): Reader<string> {
  return (item, report) =>
    typeof item.value === 'string' && item.value !== '' && accepts(item.value) ? item.value : expected(what, item, report)
}

/** A text, number or boolean, as text. */
export const readScalar: Reader<string> = (item, report) => {
  const { value } = item
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : expected('a text or number', item, report)
}

/** Texts count too: a variable gives nothing else. */
export const readFlag: Reader<boolean> = (item, report) => {
  if (typeof item.value === 'boolean') return item.value
  const text = typeof item.value === 'string' ? item.value.toLowerCase() : ''
  if (['true', 'yes', 'y', 'on'].includes(text)) return true
  return ['false', 'no', 'n', 'off'].includes(text) ? false : expected('true or false', item, report)
}

/** A flag whose absence means false. */
export const readTrue: Reader<true> = (item, report) => (readFlag(item, report) === true ? true : undefined)

export function integerOf(min: number, max = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (item, report) => {
    const { value } = item
    const number = typeof value === 'string' && /^[-+]?\d{1,16}$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= min && number <= max) return number
    return expected(max === Number.MAX_SAFE_INTEGER ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`, item, report)
  }
}

/** File mode bits: a number, which YAML has read as octal if it begins with 0, or octal digits as a text. */
export const readMode: Reader<number> = (item, report) => {
  const { value } = item
  const mode = typeof value === 'string' && /^0?o?[0-7]{1,5}$/.test(value) ? Number.parseInt(value.replace('o', ''), 8) : value
  return typeof mode === 'number' && Number.isInteger(mode) && mode >= 0 && mode <= 0o7777
    ? mode
    : expected('a file mode such as 0440', item, report)
}

export function oneOf<const T extends string>(...words: readonly T[]): Reader<T> {
  return (item, report) => words.find(word => word === item.value) ?? expected(words.join(', '), item, report)
}

export function listOf<T>(read: Reader<T>): Reader<readonly T[]> {
  return (item, report) => {
    if (!isList(item.value)) return expected('a list', item, report)
    return item.value.map(entry => read(entry, report)).filter(value => value !== undefined)
  }
}

/** One value, or a list of them. */
export function oneOrMore<T>(read: Reader<T>): Reader<readonly T[]> {
  const readList = listOf(read)
  return (item, report) => {
    if (isList(item.value)) return readList(item, report)
    const value = read(item, report)
    return value === undefined ? undefined : [value]
  }
}

/** A list whose order and repetitions mean nothing. */
export function setOf(read: Reader<string>): Reader<readonly string[]> {
  const readList = listOf(read)
  return (item, report) => {
    const list = readList(item, report)
    return list && sortUnique(list)
  }
}

export function sortUnique(texts: Iterable<string>): readonly string[] {
  return [...new Set(texts)].sort()
}

/** A map of texts, or a list of `key=value`; a value left out is what `missing` gives, undefined leaves the key out. */
export function pairsOf<T extends string | null = string>(
  missing: (key: string, item: Item, report: Report) => T | undefined,
): Reader<Readonly<Record<string, string | T>>> {
  return (item, report) => {
    const pairs = new Map<string, string | T>()
    for (const [key, value, at] of eachPair(item, report)) {
      if (key === '') expected('a name before =', at, report)
      const text = value === undefined ? missing(key, at, report) : value
      if (text !== undefined) pairs.set(key, text)
    }
    return sorted(pairs)
  }
}

function eachPair(item: Item, report: Report): readonly (readonly [string, string | undefined, Item])[] {
  const { value } = item
  if (isMap(value)) return [...value].map(([key, entry]) => [key, entry.value === null ? undefined : readScalar(entry, report), entry])
  if (!isList(value)) {
    expected('a map or a list', item, report)
    return []
  }
  return value.map(entry => [...splitPair(readText(entry, report) ?? ' '), entry])
}

function splitPair(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('=')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** Pairs where no value means the empty one: labels, options. */
export const readPairs = pairsOf(() => '')

/** A record with sorted keys. */
export function sorted<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
