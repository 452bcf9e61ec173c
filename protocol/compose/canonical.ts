// One order of keys, so that what is equal is also equal as text.

/** The value with the keys of every object sorted, and undefined ones left out; what is so already is not copied. */
export function sortKeys<T>(value: T): T {
  return sortAny(value) as T
}

function sortAny(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.every(isPlain) ? value : value.map(sortAny)
  const entries = Object.entries(value)
  const sorted = entries.map(([key, item]) => [key, sortAny(item)] as const)
  const isSorted = sorted.every(([key, item], at) => item !== undefined && item === entries[at]?.[1] && key > (sorted[at - 1]?.[0] ?? ''))
  if (isSorted) return value
  return Object.fromEntries(sorted.filter(([, item]) => item !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null
}
