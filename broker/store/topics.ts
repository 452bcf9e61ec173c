// Values by topic name: which of them a filter with wildcards selects, without looking at the others.
import { hasWildcard } from './filters.js'

interface Node<T> {
  readonly children: Map<string, Node<T>>
  value: T | undefined
}

/** The tree answers filters with wildcards, the map beside it exact names, which is what devices ask for. */
export class TopicTree<T> {
  readonly #byName = new Map<string, T>()
  readonly #root: Node<T> = { children: new Map(), value: undefined }

  get size(): number {
    return this.#byName.size
  }

  get(topic: string): T | undefined {
    return this.#byName.get(topic)
  }

  set(topic: string, value: T): void {
    this.#byName.set(topic, value)
    let node = this.#root
    for (const segment of topic.split('/')) {
      let next = node.children.get(segment)
      if (next === undefined) {
        next = { children: new Map(), value: undefined }
        node.children.set(segment, next)
      }
      node = next
    }
    node.value = value
  }

  delete(topic: string): void {
    if (this.#byName.delete(topic)) cut(this.#root, topic.split('/'), 0)
  }

  match(filter: string): T[] {
    if (!hasWildcard(filter)) {
      const value = this.#byName.get(filter)
      return value === undefined ? [] : [value]
    }
    const found: T[] = []
    collect(this.#root, filter.split('/'), 0, found)
    return found
  }
}

function cut<T>(node: Node<T>, segments: readonly string[], at: number): boolean {
  const segment = segments[at]
  if (segment === undefined) node.value = undefined
  else {
    const child = node.children.get(segment)
    if (child !== undefined && cut(child, segments, at + 1)) node.children.delete(segment)
  }
  return node.value === undefined && node.children.size === 0
}

function collect<T>(node: Node<T>, parts: readonly string[], at: number, found: T[]): void {
  const part = parts[at]
  if (part === undefined) {
    if (node.value !== undefined) found.push(node.value)
  } else if (part === '#') gather(node, at === 0, found)
  else if (part === '+') {
    for (const [name, child] of node.children) if (at > 0 || !name.startsWith('$')) collect(child, parts, at + 1, found)
  } else {
    const child = node.children.get(part)
    if (child !== undefined) collect(child, parts, at + 1, found)
  }
}

/** The node and everything below it: `a/#` also matches `a` (MQTT 4.7.1.2). At the root, names that begin with `$` stay hidden (4.7.2). */
function gather<T>(node: Node<T>, atRoot: boolean, found: T[]): void {
  if (node.value !== undefined) found.push(node.value)
  for (const [name, child] of node.children) if (!(atRoot && name.startsWith('$'))) gather(child, false, found)
}
