// One order of keys, so that what is equal is also equal as text.

/** The value with the keys of every object sorted, and undefined ones left out; what is so already is not copied. */
export function sortKeys<T>(value: T): T {
  return sortAny(value) as T
}

function sortAny(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Array.isArray(value) ? sortList(value) : sortRecord(value as Readonly<Record<string, unknown>>)
}

// Loops instead of chains of arrays: this runs over all of a project each time that it is read or hashed.
function sortList(list: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let n = 0; n < list.length; n++) {
    const item = sortAny(list[n])
    if (item === list[n]) continue
    copy ??= [...list]
    copy[n] = item
  }
  return copy ?? list
}

function sortRecord(record: Readonly<Record<string, unknown>>): unknown {
  const keys = Object.keys(record)
  const copies = new Map<string, unknown>()
  let inOrder = true
  for (let n = 0; n < keys.length; n++) {
    const key = keys[n] ?? ''
    const item = record[key]
    if (item === undefined || (n > 0 && key <= (keys[n - 1] ?? ''))) inOrder = false
    if (typeof item !== 'object' || item === null) continue
    const sorted = sortAny(item)
    if (sorted !== item) copies.set(key, sorted)
  }
  if (inOrder && copies.size === 0) return record
  const kept = (inOrder ? keys : keys.sort()).filter(key => record[key] !== undefined)
  return Object.fromEntries(kept.map(key => [key, copies.get(key) ?? record[key]]))
}
