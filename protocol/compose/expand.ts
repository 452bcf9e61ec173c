// A document's events to items: what aliases name is read again, merge keys are merged, keys and tags checked.
import {
  type AliasEvent,
  EVENT_ID,
  type Event,
  getScalarValue,
  type MappingEvent,
  SCALAR_STYLE,
  type ScalarEvent,
  type SequenceEvent,
} from 'js-yaml'
import { type Lines, startOf } from './events.js'
import { type Item, mergeKey, quote, type Report, type Scalar, type Tag } from './item.js'
import { resolvePlain } from './scalar.js'

export const maxDepth = 64

/** The tags that say how a file is merged over others. */
const tags: Readonly<Record<string, Tag>> = { '!reset': 'reset', '!override': 'override' }

type NodeEvent = ScalarEvent | MappingEvent | SequenceEvent

/** Thrown when a limit is reached. */
export class TooComplex extends Error {}

export interface LoadedYaml {
  /** The file's top level. */
  readonly root: Item
  /** Whether something has a {@link Tag}. */
  readonly isTagged: boolean
}

export class Expansion {
  readonly #targets: ReadonlyMap<number, number>
  /** Nodes with an anchor that are being read, by their place: an alias to one of them never ends. */
  readonly #open = new Set<number>()
  /** Place of the next event. */
  #at = 1
  #isTagged = false

  constructor(
    private readonly text: string,
    private readonly events: readonly Event[],
    private readonly lines: Lines,
    private readonly report: Report,
    private readonly file: string | undefined,
  ) {
    this.#targets = bindAliases(text, events)
  }

  load(): LoadedYaml | undefined {
    const faults = this.report.refusals.length
    const root = this.isEnd() ? this.makeItem(undefined, '', 1) : this.expand(undefined, '', 0)
    return this.report.refusals.length === faults ? { root, isTagged: this.#isTagged } : undefined
  }

  private makeItem(parent: Item | undefined, key: string | number, line: number, tag?: Tag): Item {
    if (tag !== undefined) return { parent, key, line, value: null, tag }
    return parent === undefined && this.file !== undefined
      ? { parent, key, line, value: null, file: this.file }
      : { parent, key, line, value: null }
  }

  /** Reads the node at the cursor and moves on behind it. `line` is where an alias to it stands. */
  private expand(parent: Item | undefined, key: string | number, depth: number, line?: number): Item {
    const place = this.#at
    const event = this.events[place]
    if (event?.type === EVENT_ID.ALIAS) return this.follow(event, parent, key, depth)
    const tag = event !== undefined && isNode(event) ? this.tagOf(event) : ''
    const item = this.makeItem(parent, key, line ?? this.lineOf(event) ?? parent?.line ?? 1, tag === '' ? undefined : tags[tag])
    if (!this.report.take('nodes', 1)) throw new TooComplex('the files expand to too many nodes')
    if (depth > maxDepth) throw new TooComplex(`the file is nested more than ${maxDepth} deep (line ${item.line})`)
    this.#at++
    if (event === undefined || !isNode(event)) return item
    if (tag !== '') this.checkTag(tag, item)
    const isAnchored = event.anchorStart >= 0
    if (isAnchored) this.#open.add(place)
    if (event.type === EVENT_ID.MAPPING) item.value = this.readMap(item, depth)
    else if (event.type === EVENT_ID.SEQUENCE) item.value = this.readList(item, depth)
    else item.value = this.readScalar(event, tag)
    if (isAnchored) this.#open.delete(place)
    return item
  }

  private follow(alias: AliasEvent, parent: Item | undefined, key: string | number, depth: number): Item {
    const line = this.lines.at(alias.anchorStart)
    const target = this.#targets.get(this.#at++)
    if (target === undefined || this.#open.has(target)) {
      const item = this.makeItem(parent, key, line)
      const name = this.text.slice(alias.anchorStart, alias.anchorEnd).slice(0, 80)
      const fault = target === undefined ? `no anchor &${name} stands before this alias` : 'this alias stands inside its own anchor'
      this.report.refuse(item, 'compose.yaml', fault)
      return item
    }
    return this.readAt(target, () => this.expand(parent, key, depth, line))
  }

  /** Reads elsewhere and comes back. */
  private readAt<T>(place: number, read: () => T): T {
    const back = this.#at
    this.#at = place
    const result = read()
    this.#at = back
    return result
  }

  private readList(item: Item, depth: number): readonly Item[] {
    const entries: Item[] = []
    while (!this.isEnd()) entries.push(this.expand(item, entries.length, depth + 1))
    this.#at++
    return entries
  }

  private readMap(item: Item, depth: number): ReadonlyMap<string, Item> {
    const entries = new Map<string, Item>()
    const merged: Item[] = []
    while (!this.isEnd()) {
      const line = this.lineOf(this.events[this.#at]) ?? item.line
      const key = this.readKey(item, line, depth)
      if (key === undefined) this.expand(item, '', depth + 1)
      else if (key === mergeKey) merged.push(...this.readMergeSources(item, depth))
      else this.addEntry(entries, this.expand(item, key.name, depth + 1), line)
    }
    this.#at++
    for (const source of merged) this.merge(source, entries)
    return entries
  }

  /** The key's text, the merge key, or undefined if it is neither. */
  private readKey(map: Item, line: number, depth: number): { readonly name: string } | typeof mergeKey | undefined {
    const event = this.events[this.#at]
    const named = event?.type === EVENT_ID.ALIAS ? this.events[this.#targets.get(this.#at) ?? -1] : event
    if (named?.type !== EVENT_ID.SCALAR) {
      this.expand(map, '', depth + 1)
      this.report.refuse({ ...map, line }, 'compose.yaml', 'a key must be a text')
      return undefined
    }
    this.#at++
    const name = getScalarValue(this.text, named)
    return name === mergeKey && named.style === SCALAR_STYLE.PLAIN ? mergeKey : { name }
  }

  /** The maps that `<<` names, one or a list; those of an anchored list too. */
  private readMergeSources(item: Item, depth: number): readonly Item[] {
    const target = this.events[this.#at]?.type === EVENT_ID.ALIAS ? this.#targets.get(this.#at) : this.#at
    if (target === undefined || this.events[target]?.type !== EVENT_ID.SEQUENCE) return [this.expand(item, mergeKey, depth + 1)]
    const read = () => {
      const sources: Item[] = []
      this.#at++
      while (!this.isEnd()) sources.push(this.expand(item, mergeKey, depth + 1))
      this.#at++
      return sources
    }
    if (target === this.#at) return read()
    this.#at++
    return this.readAt(target, read)
  }

  private addEntry(entries: Map<string, Item>, entry: Item, line: number): void {
    const name = String(entry.key)
    if (name === '__proto__') this.report.refuse({ ...entry, line }, 'compose.schema', 'this key is not allowed')
    else if (entries.has(name)) this.report.refuse({ ...entry, line }, 'compose.yaml', `the key ${quote(name)} is here twice`)
    else entries.set(name, entry)
  }

  /** Keys of the map itself win, then those of the sources in their order (https://yaml.org/type/merge.html). */
  private merge(source: Item, entries: Map<string, Item>): void {
    if (!(source.value instanceof Map)) this.report.refuse(source, 'compose.yaml', 'a merge key takes a map or a list of maps')
    else for (const [name, entry] of source.value) if (!entries.has(name)) entries.set(name, entry)
  }

  private readScalar(event: ScalarEvent, tag: string): Scalar {
    const text = getScalarValue(this.text, event)
    const isText = tag === '' || tags[tag] !== undefined ? event.style !== SCALAR_STYLE.PLAIN : tag === '!' || tag.includes('str')
    return isText ? text : resolvePlain(text)
  }

  private tagOf({ tagStart, tagEnd }: NodeEvent): string {
    return tagStart < 0 ? '' : this.text.slice(tagStart, tagEnd)
  }

  private checkTag(tag: string, item: Item): void {
    if (item.tag !== undefined) this.#isTagged = true
    else if (!/^(!|(!!|!<tag:yaml\.org,2002:)(map|seq|str|int|float|bool|null)>?)$/.test(tag))
      this.report.refuse(item, 'compose.unsupported', `the tag ${quote(tag)} is not supported`)
  }

  private isEnd(): boolean {
    const event = this.events[this.#at]
    return event === undefined || event.type === EVENT_ID.POP
  }

  private lineOf(event: Event | undefined): number | undefined {
    const start = event === undefined ? -1 : startOf(event)
    return start < 0 ? undefined : this.lines.at(start)
  }
}

/** The places of aliases, each with that of the last node before it that has its anchor. */
function bindAliases(text: string, events: readonly Event[]): ReadonlyMap<number, number> {
  const anchors = new Map<string, number>()
  const bound = new Map<number, number>()
  for (let place = 0; place < events.length; place++) {
    const event = events[place]
    if (event === undefined || !(event.type === EVENT_ID.ALIAS || isNode(event)) || event.anchorStart < 0) continue
    const name = text.slice(event.anchorStart, event.anchorEnd)
    const target = anchors.get(name)
    if (event.type !== EVENT_ID.ALIAS) anchors.set(name, place)
    else if (target !== undefined) bound.set(place, target)
  }
  return bound
}

function isNode(event: Event): event is NodeEvent {
  return event.type === EVENT_ID.SCALAR || event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE
}
