// Where in the file an attribute stands, for the path of a fault.
import { type Item, isList, isMap } from './item.js'

/** Where services stand in the file. */
export type Places = ReadonlyMap<string, Item>

/** The item at the end of a path from `place`; of a list also the entry that is the text. */
export function find(place: Item, ...keys: readonly string[]): Item | undefined {
  let item: Item | undefined = place
  for (const key of keys) item = item && step(item, key)
  return item
}

function step({ value }: Item, key: string): Item | undefined {
  if (isMap(value)) return value.get(key)
  return isList(value) ? value.find(entry => entry.value === key) : undefined
}

/** As far along the path as the file goes. */
export function nearest(place: Item, ...keys: readonly string[]): Item {
  let item = place
  for (const key of keys) item = step(item, key) ?? item
  return item
}
