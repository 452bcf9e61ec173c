// Subscriptions by filter: which values were filed under a filter that matches this topic name.

interface Node<T> {
  readonly children: Map<string, Node<T>>
  readonly values: Set<T>
}

const emptyNode = <T>(): Node<T> => ({ children: new Map(), values: new Set() })

export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#')
}

/** MQTT 4.7.1: `#` only as the last segment, `+` and `#` only as whole segments; no NUL; 1 to 65,535 bytes. */
export function isFilter(filter: string): boolean {
  if (filter.length === 0 || filter.length > 65_535 || filter.includes('\u0000')) return false
  const segments = filter.split('/')
  return segments.every((segment, at) => segment === '+' || (segment === '#' ? at === segments.length - 1 : !hasWildcard(segment)))
}

/** Whether a filter matches a topic name. Wildcards do not match the first segment of a name that begins with `$` (MQTT 4.7.2). */
export function matches(filter: string, topic: string): boolean {
  if (filter === topic) return true
  if (!hasWildcard(filter) || (topic.startsWith('$') && hasWildcard(filter.charAt(0)))) return false
  const segments = topic.split('/')
  const parts = filter.split('/')
  for (const [at, part] of parts.entries()) {
    if (part === '#') return true
    if (at >= segments.length || (part !== '+' && part !== segments[at])) return false
  }
  return parts.length === segments.length
}

/** Most filters are exact, so those are looked up by name; only filters with wildcards are in the tree. */
export class FilterTree<T> {
  readonly #exact = new Map<string, Set<T>>()
  readonly #root: Node<T> = emptyNode()

  add(filter: string, value: T): void {
    if (hasWildcard(filter)) {
      this.#reach(filter).values.add(value)
      return
    }
    const values = this.#exact.get(filter)
    if (values === undefined) this.#exact.set(filter, new Set([value]))
    else values.add(value)
  }

  remove(filter: string, value: T): void {
    if (hasWildcard(filter)) {
      prune(this.#root, filter.split('/'), value)
      return
    }
    const values = this.#exact.get(filter)
    if (values?.delete(value) === true && values.size === 0) this.#exact.delete(filter)
  }

  removeAll(filter: string): void {
    if (!hasWildcard(filter)) this.#exact.delete(filter)
    else for (const value of [...this.#reach(filter).values]) this.remove(filter, value)
  }

  /** Every value whose filter matches, `#` before `+` before exact; once for each such filter. */
  match(topic: string): T[] {
    const found: T[] = []
    if (this.#root.children.size > 0) collect(this.#root, topic.split('/'), 0, found)
    const exact = this.#exact.get(topic)
    if (exact !== undefined) for (const value of exact) found.push(value)
    return found
  }

  #reach(filter: string): Node<T> {
    let node = this.#root
    for (const segment of filter.split('/')) {
      const next: Node<T> = node.children.get(segment) ?? emptyNode()
      node.children.set(segment, next)
      node = next
    }
    return node
  }
}

function collect<T>(node: Node<T>, segments: readonly string[], at: number, found: T[]): void {
  const segment = segments[at]
  const hidden = at === 0 && segment?.startsWith('$') === true
  const rest = hidden ? undefined : node.children.get('#')
  if (rest !== undefined) for (const value of rest.values) found.push(value)
  if (segment === undefined) {
    for (const value of node.values) found.push(value)
    return
  }
  const any = hidden ? undefined : node.children.get('+')
  if (any !== undefined) collect(any, segments, at + 1, found)
  const same = segment === '+' ? undefined : node.children.get(segment)
  if (same !== undefined) collect(same, segments, at + 1, found)
}

/** Removes the value and the branches left empty; true if `node` itself is now empty. */
function prune<T>(node: Node<T>, segments: readonly string[], value: T): boolean {
  const [segment, ...rest] = segments
  if (segment === undefined) node.values.delete(value)
  else {
    const child = node.children.get(segment)
    if (child !== undefined && prune(child, rest, value)) node.children.delete(segment)
  }
  return node.values.size === 0 && node.children.size === 0
}
