// CBOR (RFC 8949) in and out: a strict check of the bytes first, so that the decoder only ever sees plain, bounded data.
import { isUtf8 } from 'node:buffer'
import { Encoder } from 'cbor-x'

const cbor = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false, variableMapSize: true })

const maxDepth = 12
const maxItems = 50_000

/** Encodes plain data: Map, array, string, Uint8Array, boolean, null and numbers. */
export function encodeCbor(value: unknown): Buffer {
  return cbor.encode(value)
}

/** Decodes one item, maps as Map. Returns undefined for anything but one well-formed, plain, bounded item. Never throws. */
export function decodeCbor(bytes: Uint8Array): unknown {
  if (!isPlainCbor(bytes)) return undefined
  try {
    return cbor.decode(bytes)
  } catch {
    return undefined
  }
}

/** True if `bytes` are exactly one item as {@link cborLength} takes it. */
export function isPlainCbor(bytes: Uint8Array): boolean {
  return cborLength(bytes) === bytes.length && bytes.length > 0
}

/**
 * The length of the item of RFC 8949 that `bytes` begin with, if it is made of integers, floats, strings, arrays, maps,
 * booleans and null: no tags, no indefinite lengths, no simple values, valid UTF-8, at most 12 levels and 50,000 items.
 * Otherwise 0.
 */
export function cborLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let items = 0

  /** The argument of the initial byte (RFC 8949, 3), or -1 if it is missing or reserved. */
  const argument = (info: number): number => {
    if (info < 24) return info
    const size = info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : info === 27 ? 8 : 0
    if (size === 0 || at + size > bytes.length) return -1
    const start = at
    at += size
    if (size === 1) return view.getUint8(start)
    if (size === 2) return view.getUint16(start)
    if (size === 4) return view.getUint32(start)
    return view.getUint32(start) * 2 ** 32 + view.getUint32(start + 4)
  }

  const skipString = (length: number, text: boolean): boolean => {
    if (length > bytes.length - at) return false
    const start = at
    at += length
    return !text || isUtf8(bytes.subarray(start, at))
  }

  const skipItems = (count: number, depth: number): boolean => {
    if (count > bytes.length - at) return false
    for (let n = 0; n < count; n++) if (!skipItem(depth)) return false
    return true
  }

  const skipItem = (depth: number): boolean => {
    if (at >= bytes.length || depth > maxDepth || ++items > maxItems) return false
    const initial = view.getUint8(at++)
    const major = initial >> 5
    const info = initial & 31
    if (major === 7) return skipSimple(info)
    const length = argument(info)
    if (length < 0) return false
    if (major <= 1) return length <= Number.MAX_SAFE_INTEGER
    if (major <= 3) return skipString(length, major === 3)
    if (major === 4) return skipItems(length, depth + 1)
    return major === 5 && skipItems(length * 2, depth + 1)
  }

  const skipSimple = (info: number): boolean => {
    if (info >= 20 && info <= 22) return true
    return info >= 25 && info <= 27 && argument(info) >= 0
  }

  return skipItem(0) ? at : 0
}
