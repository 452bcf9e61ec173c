// One order of keys, so that what is equal is also equal as text.

/** A copy with the keys of every object sorted, and undefined ones left out. */
export function sortKeys<T>(value: T): T {
  return sortAny(value) as T
}

function sortAny(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortAny)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.sort(compareKeys).map(([key, item]) => [key, sortAny(item)]))
}

function compareKeys([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
