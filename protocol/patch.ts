// What differs between two values of one shape, as a message of its own: fields that are others or gone, items of lists by their place.
import { accept, type Result, refuse } from './errors.js'
import {
  encodeMessage,
  type Field,
  type Fields,
  list,
  nullable,
  optional,
  type RecordOf,
  record,
  type Shape,
  tuple,
  uint,
} from './shape.js'

type PatchFields<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T, infer Optional> ? Field<Optional extends true ? T | null : T, true> : never
}
/** A field that is absent is as before; null: it is gone. */
export type PatchOf<F extends Fields> = RecordOf<PatchFields<F>>

/** Items that go and items that change, by their place in the list before; then items that come, by their place in the list after. */
export interface Edits<T, P> {
  readonly gone?: readonly number[]
  readonly changed?: readonly { readonly at: number; readonly to: P }[]
  readonly added?: readonly { readonly at: number; readonly item: T }[]
}

/** How items of a list are told apart, and what of one is another. */
export interface Items<T, P> {
  readonly keyOf: (item: T) => string
  /** Undefined if nothing is. */
  readonly diff: (base: T, next: T) => P | undefined
  readonly apply: (base: T, patch: P) => Result<T>
}

/** The fields of a record's patch, under the keys that they have in the record. */
export function patchFields<F extends Fields>(fields: F): PatchFields<F> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { key, shape, optional: mayGo }]) => [name, optional(key, mayGo ? nullable(shape) : shape)]),
  ) as PatchFields<F>
}

export function edits<T, P>(item: Shape<T>, patch: Shape<P>, maxItems: number): Shape<Edits<T, P>> {
  const place = uint(maxItems)
  return record({
    gone: optional(1, list(place, maxItems)),
    changed: optional(2, list(tuple({ at: place, to: patch }), maxItems)),
    added: optional(3, list(tuple({ at: place, item }), maxItems)),
  })
}

/** Compared as they would travel: what is cut or rounded alike is the same. */
export function diffFields<F extends Fields>(fields: F, base: RecordOf<F>, next: RecordOf<F>): PatchOf<F> {
  const before: Readonly<Record<string, unknown>> = base
  const after: Readonly<Record<string, unknown>> = next
  const changed = Object.entries(fields).flatMap(([name, { shape }]) => {
    const one = before[name]
    const other = after[name]
    if (other === undefined) return one === undefined ? [] : [[name, null] as const]
    return one !== undefined && isSame(shape, one, other) ? [] : [[name, other] as const]
  })
  return Object.fromEntries(changed) as PatchOf<F>
}

export function patchRecord<F extends Fields>(fields: F, base: RecordOf<F>, patch: PatchOf<F>): RecordOf<F> {
  const changes: Readonly<Record<string, unknown>> = patch
  const kept = Object.entries(base).filter(([name]) => Object.hasOwn(fields, name) && changes[name] === undefined)
  const set = Object.keys(fields).flatMap(name => (changes[name] == null ? [] : [[name, changes[name]] as const]))
  return Object.fromEntries([...kept, ...set]) as RecordOf<F>
}

/** Undefined if the lists are the same. Items that change their order are as good as new. */
export function diffList<T, P>(base: readonly T[], next: readonly T[], { keyOf, diff }: Items<T, P>): Edits<T, P> | undefined {
  const { kept, added } = matchItems(base, next, keyOf)
  const gone = base.flatMap((_, at) => (kept.has(at) ? [] : [at]))
  const changed = [...kept].flatMap(([at, item]) => {
    const to = diff(base[at] as T, item)
    return to === undefined ? [] : [{ at, to }]
  })
  if (gone.length + changed.length + added.length === 0) return undefined
  return {
    ...(gone.length === 0 ? {} : { gone }),
    ...(changed.length === 0 ? {} : { changed }),
    ...(added.length === 0 ? {} : { added }),
  }
}

/** Refuses edits of items that are not there. */
export function patchList<T, P>(base: readonly T[], { gone = [], changed = [], added = [] }: Edits<T, P>, items: Items<T, P>): Result<T[]> {
  const left = new Map(base.entries())
  for (const at of gone) if (!left.delete(at)) return strange
  for (const { at, to } of changed) {
    const item = left.get(at)
    if (item === undefined) return strange
    const patched = items.apply(item, to)
    if (!patched.ok) return patched
    left.set(at, patched.value)
  }
  const result = [...left.values()]
  for (const { at, item } of added) {
    if (at > result.length) return strange
    result.splice(at, 0, item)
  }
  return accept(result)
}

const strange = refuse('message.invalid', 'it changes something that is not there')

/** Base places of the items that stay, in ascending order, with what they are next; and the items that come. */
function matchItems<T>(base: readonly T[], next: readonly T[], keyOf: (item: T) => string) {
  const places = new Map<string, number[]>()
  for (const [at, item] of base.entries()) places.set(keyOf(item), [...(places.get(keyOf(item)) ?? []), at])
  const kept = new Map<number, T>()
  const added: { at: number; item: T }[] = []
  let last = -1
  for (const [at, item] of next.entries()) {
    const place = places.get(keyOf(item))?.find(candidate => candidate > last)
    if (place === undefined) {
      added.push({ at, item })
      continue
    }
    last = place
    kept.set(place, item)
  }
  return { kept, added }
}

function isSame(shape: Shape<unknown>, one: unknown, other: unknown): boolean {
  return one === other || encodeMessage(shape, one).equals(encodeMessage(shape, other))
}
