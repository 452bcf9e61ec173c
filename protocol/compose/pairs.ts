// Maps and lists of `key=value`, which mean the same.
import { type Item, isList, isMap } from './item.js'

/** By key; null stands for a key without a value. Undefined if it is neither, or has entries that are no pairs. */
export function listPairs(item: Item): ReadonlyMap<string, Item> | undefined {
  if (isMap(item.value)) return item.value
  if (!isList(item.value) || !item.value.every(entry => typeof entry.value === 'string')) return undefined
  return new Map(item.value.map(entry => splitPair(entry)))
}

function splitPair(entry: Item): readonly [string, Item] {
  const text = String(entry.value)
  const at = text.indexOf('=')
  return at < 0 ? [text, { ...entry, value: null }] : [text.slice(0, at), { ...entry, value: text.slice(at + 1) }]
}
