// How one tree of a compose file is laid over another: for services that extend others, and for several files.
import { type Item, isList, isMap } from './item.js'
import { listPairs } from './pairs.js'

/** What becomes of a place that both have. */
export type Rule = (base: Item, over: Item) => Item

/** `over` laid over `base`, which holds no tags. What `over` resets stays in the tree, with its tag, until {@link settle}. */
export function merge(base: Item, over: Item, rule: Rule): Item {
  if (over.tag !== undefined || base.value === null) return over
  const isNothing = over.value === null && rule !== replaced && (isMap(base.value) || isList(base.value))
  return isNothing ? base : rule(base, over)
}

/** Takes out what is reset, and the tags. */
export function settle(item: Item): Item {
  const { value, tag: _, ...place } = item
  if (isMap(value))
    return { ...place, value: new Map([...value].filter(([, entry]) => isKept(entry)).map(([key, entry]) => [key, settle(entry)])) }
  if (isList(value)) return { ...place, value: value.filter(isKept).map(settle) }
  return item.tag === undefined ? item : { ...place, value }
}

function isKept({ tag }: Item): boolean {
  return tag !== 'reset'
}

/** Maps are merged key by key, lists appended but for what is there already; anything else is replaced, and also what is of different kinds. */
export const anything: Rule = (base, over) => {
  if (isMap(base.value) && isMap(over.value)) return mergeMaps(base, over, () => anything)
  return isList(base.value) && isList(over.value) ? append(base.value, over, over.value) : over
}

function append(before: readonly Item[], over: Item, after: readonly Item[]): Item {
  const known = new Set(before.map(identityOf))
  return { ...over, value: [...before, ...after.filter(entry => !known.has(identityOf(entry)))] }
}

/** The same text for the same content. */
export function identityOf({ value }: Item): string {
  if (isMap(value)) return `{${[...value].map(([key, entry]) => `${JSON.stringify(key)}:${identityOf(entry)}`).sort()}}`
  return isList(value) ? `[${value.map(identityOf)}]` : JSON.stringify(value)
}

export const replaced: Rule = (_base, over) => over

/** A map whose keys have rules of their own. */
export function fields(rules: Readonly<Record<string, Rule>>): Rule {
  return (base, over) => mergeMaps(base, over, key => (Object.hasOwn(rules, key) ? rules[key] : undefined) ?? anything)
}

/** A map whose keys are names. */
export function each(rule: Rule): Rule {
  return (base, over) => mergeMaps(base, over, () => rule)
}

function mergeMaps(base: Item, over: Item, ruleOf: (key: string) => Rule): Item {
  if (!isMap(base.value) || !isMap(over.value)) return over
  const value = new Map(base.value)
  for (const [key, entry] of over.value) {
    const before = key.startsWith('x-') ? undefined : value.get(key)
    value.set(key, before === undefined ? entry : merge(before, entry, ruleOf(key)))
  }
  return { ...over, value }
}

/** Lists, or a single entry, in which an entry takes the place of one of the same key. */
export function keyed(keyOf: (entry: Item) => string): Rule {
  return (base, over) => {
    const [before, after] = [listOf(base), listOf(over)]
    if (before === undefined || after === undefined) return over
    const places = new Map(before.map((entry, n) => [keyOf(entry), n]))
    const value = [...before]
    for (const entry of after) {
      const place = places.get(keyOf(entry))
      if (place === undefined) value.push(entry)
      else value[place] = entry
    }
    return { ...over, value }
  }
}

function listOf(item: Item): readonly Item[] | undefined {
  if (isList(item.value)) return item.value
  return isMap(item.value) ? undefined : [item]
}

/** Maps, or lists of `key=value`: a key's value is replaced. */
export const pairs: Rule = (base, over) => {
  const [before, after] = [listPairs(base), listPairs(over)]
  return before === undefined || after === undefined ? over : { ...over, value: new Map([...before, ...after]) }
}

/** Maps by name, or lists of names. `entry` is what a mere name means, to what the other has of the same name. */
export function named(rule: Rule, entry: (name: Item) => Item = nameOnly): Rule {
  return (base, over) => {
    const [before, after] = [mapOf(base, entry), mapOf(over, entry)]
    return before === undefined || after === undefined ? over : mergeMaps(before, after, () => rule)
  }
}

function nameOnly(name: Item): Item {
  return { ...name, value: null }
}

function mapOf(item: Item, entry: (name: Item) => Item): Item | undefined {
  if (isMap(item.value)) return item
  if (!isList(item.value) || !item.value.every(name => typeof name.value === 'string')) return undefined
  return { ...item, value: new Map(item.value.map(name => [String(name.value), entry(name)])) }
}
