// One order of keys, so that what is equal is also equal as text.

/** The value with the keys of every object sorted, and undefined ones left out; what is so already is not copied. */
export function sortKeys<T>(value: T): T {
  return sortAny(value) as T
}

function sortAny(value: unknown): unknown {
  if (isSorted(value)) return value
  if (Array.isArray(value)) return value.map(sortAny)
  const entries = Object.entries(value as object).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([key, item]) => [key, sortAny(item)] as const).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isSorted)
  let before: string | undefined
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined || (before !== undefined && key <= before) || !isSorted(item)) return false
    before = key
  }
  return true
}
