// Shapes: what a message may look like, as values that encode, decode and give the TypeScript type.
import { decodeCbor, encodeCbor } from './cbor.js'
import { accept, type Refusal, type Result, refuse } from './errors.js'

export interface Shape<T> {
  /** Plain CBOR data for a value. */
  write(value: T): unknown
  /** The value in decoded CBOR data. Throws {@link Misshapen}; only {@link decodeMessage} catches it. */
  read(raw: unknown, path: string): T
}

class Misshapen extends Error {
  constructor(
    readonly path: string,
    expected: string,
  ) {
    super(`expected ${expected}`)
  }
}

/** An integer from 0 to `max`, by default 2^32 - 1. */
export function uint(max = 0xffffffff): Shape<number> {
  return integer(0, max)
}

export function integer(min: number, max: number): Shape<number> {
  return {
    write: value => Math.min(max, Math.max(min, Math.round(value))),
    read(raw, path) {
      const value = typeof raw === 'bigint' ? Number(raw) : raw
      if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
      throw new Misshapen(path, `an integer from ${min} to ${max}`)
    },
  }
}

/** A surrogate without its other half: no UTF-8 has it, and readers refuse what is not UTF-8. */
const halfCharacter = /\p{Cs}/gu

/** A string of at most `maxChars`; longer ones are cut when written and refused when read. */
export function text(maxChars: number): Shape<string> {
  return {
    write: value => (value.length > maxChars ? `${value.slice(0, maxChars - 1)}…` : value).replace(halfCharacter, '\ufffd'),
    read(raw, path) {
      if (typeof raw === 'string' && raw.length <= maxChars) return raw
      throw new Misshapen(path, `a text of at most ${maxChars} characters`)
    },
  }
}

/** A string that must stay whole: never cut when written. */
export function whole(maxChars: number): Shape<string> {
  return { write: value => value, read: text(maxChars).read }
}

/** A string that `accepts` says is valid, such as a name. */
export function matching(what: string, accepts: (value: string) => boolean): Shape<string> {
  return {
    write: value => value,
    read(raw, path) {
      if (typeof raw === 'string' && accepts(raw)) return raw
      throw new Misshapen(path, what)
    },
  }
}

export function bytes(minBytes: number, maxBytes: number): Shape<Uint8Array> {
  return {
    write: value => value,
    read(raw, path) {
      if (raw instanceof Uint8Array && raw.length >= minBytes && raw.length <= maxBytes) return raw
      throw new Misshapen(path, `${minBytes} to ${maxBytes} bytes`)
    },
  }
}

export const flag: Shape<boolean> = {
  write: value => value,
  read(raw, path) {
    if (typeof raw === 'boolean') return raw
    throw new Misshapen(path, 'true or false')
  },
}

/** One of `names`, on the wire as its position. An unknown position reads as `otherwise`, so that a newer sender is understood. */
export function oneOf<const N extends readonly string[]>(names: N, otherwise: N[number]): Shape<N[number]> {
  const position = uint(255)
  return {
    write: value => names.indexOf(value),
    read: (raw, path) => names[position.read(raw, path)] ?? otherwise,
  }
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    write: value => (value === null ? null : shape.write(value)),
    read: (raw, path) => (raw === null ? null : shape.read(raw, path)),
  }
}

export function list<T>(shape: Shape<T>, maxItems: number): Shape<readonly T[]> {
  return {
    write: values => values.map(value => shape.write(value)),
    read(raw, path) {
      if (Array.isArray(raw) && raw.length <= maxItems) return raw.map((item, n) => shape.read(item, `${path}[${n}]`))
      throw new Misshapen(path, `a list of at most ${maxItems}`)
    },
  }
}

export interface Field<T, Optional extends boolean> {
  readonly key: number
  readonly shape: Shape<T>
  readonly optional: Optional
}

export function field<T>(key: number, shape: Shape<T>): Field<T, false> {
  return { key, shape, optional: false }
}

export function optional<T>(key: number, shape: Shape<T>): Field<T, true> {
  return { key, shape, optional: true }
}

export type Fields = Readonly<Record<string, Field<unknown, boolean>>>
type ValueOf<F> = F extends Field<infer T, boolean> ? T : never
type NamesOf<F extends Fields, Optional extends boolean> = { [K in keyof F]: F[K]['optional'] extends Optional ? K : never }[keyof F]
export type RecordOf<F extends Fields> = { readonly [K in NamesOf<F, false>]: ValueOf<F[K]> } & {
  readonly [K in NamesOf<F, true>]?: ValueOf<F[K]>
}
/** The TypeScript type of a shape's values. */
export type Of<S> = S extends Shape<infer T> ? T : never

/** A map with small integer keys. Keys that are not listed are ignored when read: a later version may add some. */
export function record<F extends Fields>(fields: F): Shape<RecordOf<F>> {
  const entries = Object.entries(fields)
  return {
    write(value) {
      const named = value as Record<string, unknown>
      return new Map(entries.filter(([name]) => named[name] !== undefined).map(([name, { key, shape }]) => [key, shape.write(named[name])]))
    },
    read(raw, path) {
      if (!(raw instanceof Map)) throw new Misshapen(path, 'a map')
      const named: Record<string, unknown> = {}
      for (const [name, { key, shape, optional }] of entries) {
        const item = raw.get(key)
        if (item === undefined && optional) continue
        named[name] = shape.read(item, path === '' ? name : `${path}.${name}`)
      }
      return named as RecordOf<F>
    },
  }
}

/** An array with fixed positions. Items after the last known one are ignored when read. */
export function tuple<F extends Readonly<Record<string, Shape<unknown>>>>(items: F): Shape<{ readonly [K in keyof F]: Of<F[K]> }> {
  const entries = Object.entries(items)
  return {
    write: value => entries.map(([name, shape]) => shape.write(value[name as keyof F])),
    read(raw, path) {
      if (!Array.isArray(raw)) throw new Misshapen(path, 'an array')
      return Object.fromEntries(entries.map(([name, shape], n) => [name, shape.read(raw[n], name)])) as { [K in keyof F]: Of<F[K]> }
    },
  }
}

export function encodeMessage<T>(shape: Shape<T>, value: T): Buffer {
  return encodeCbor(shape.write(value))
}

/** Decodes any bytes to a message or a refusal (`message.too-large`, `message.invalid`). Never throws. */
export function decodeMessage<T>(shape: Shape<T>, payload: Uint8Array, maxBytes: number): Result<T> {
  if (payload.length > maxBytes)
    return refuse('message.too-large', `${payload.length} bytes are more than the ${maxBytes} that this message may have`)
  const raw = decodeCbor(payload)
  if (raw === undefined) return refuse('message.invalid', 'not one well-formed CBOR item')
  try {
    return accept(shape.read(raw, ''))
  } catch (error) {
    if (error instanceof Misshapen) return misshapen(error)
    throw error
  }
}

function misshapen({ message, path }: Misshapen): { ok: false; refusals: readonly [Refusal] } {
  return refuse('message.invalid', message, path)
}
