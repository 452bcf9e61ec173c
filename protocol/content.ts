// What a payload from a PLC is: plain text, JSON or CBOR, told apart by its first byte. Pure; takes any bytes.
import { isUtf8 } from 'node:buffer'
import { cborLength, decodeCbor } from './cbor.js'
import { accept, type Refusal, type Result, refuse } from './errors.js'

export type Content =
  /** Without byte-order mark and what follows a NUL; blanks at the ends are still there. */
  | { readonly kind: 'text'; readonly text: string; readonly cut: readonly Refusal[] }
  /** An object's members by their names in lower case, and the object as JSON text. */
  | { readonly kind: 'fields'; readonly fields: ReadonlyMap<string, unknown>; readonly json: string; readonly cut: readonly Refusal[] }

/** Refuses what is empty, no UTF-8, no flat CBOR map, or has a key twice. Never throws. */
export function readContent(payload: Uint8Array): Result<Content> {
  const bytes = payload.subarray(startOf(payload))
  if (isCborStart(bytes[0])) return readCbor(bytes)
  const nul = bytes.indexOf(0)
  const body = nul < 0 ? bytes : bytes.subarray(0, nul)
  if (!isUtf8(body)) return refuse('request.invalid', 'the payload is neither UTF-8 text nor JSON nor a CBOR map')
  const text = Buffer.from(body).toString()
  if (text.trim() === '') return refuse('request.invalid', 'the payload is empty: nothing was changed')
  const cut =
    nul < 0 || isPadding(bytes.subarray(nul))
      ? []
      : [{ code: 'request.invalid' as const, message: 'what follows the first NUL was ignored' }]
  return readText(text, cut)
}

function readText(text: string, cut: readonly Refusal[]): Result<Content> {
  const first = text.trimStart()[0]
  const parsed = first === '{' || first === '"' ? parseJson(text) : undefined
  if (typeof parsed === 'string') return accept({ kind: 'text', text: parsed, cut })
  if (typeof parsed === 'object' && parsed !== null) return fieldsOf(Object.entries(parsed), text, cut)
  // A compose file may begin with a brace, too: YAML knows flow mappings.
  return accept({ kind: 'text', text, cut })
}

function readCbor(bytes: Uint8Array): Result<Content> {
  const length = cborLength(bytes)
  const map = length > 0 && isPadding(bytes.subarray(length)) ? toPlain(decodeCbor(bytes.subarray(0, length))) : undefined
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    return refuse('request.invalid', 'the CBOR is no single map of plain values')
  return fieldsOf(Object.entries(map), JSON.stringify(map), [])
}

function fieldsOf(entries: readonly (readonly [string, unknown])[], json: string, cut: readonly Refusal[]): Result<Content> {
  const fields = new Map<string, unknown>()
  for (const [key, value] of entries) {
    const name = key.trim().toLowerCase()
    if (fields.has(name)) return refuse('request.invalid', `the key ${JSON.stringify(name.slice(0, 64))} is there twice`, name.slice(0, 64))
    fields.set(name, value)
  }
  return accept({ kind: 'fields', fields, json, cut })
}

/** JSON's data model of decoded CBOR, or undefined if it has what JSON has not. Depth is bounded by the decoder. */
function toPlain(value: unknown): unknown {
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => [typeof key === 'string' ? key : undefined, toPlain(item)] as const)
    if (entries.some(([key, item]) => key === undefined || item === undefined)) return undefined
    const plain: Record<string, unknown> = Object.create(null)
    for (const [key, item] of entries) plain[key ?? ''] = item
    return plain
  }
  if (Array.isArray(value)) {
    const items = value.map(toPlain)
    return items.includes(undefined) ? undefined : items
  }
  if (typeof value === 'bigint') return Number(value)
  return value instanceof Uint8Array ? undefined : value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Where the payload begins after a byte-order mark. Blanks stay: YAML counts them. */
function startOf(payload: Uint8Array): number {
  const marked = payload[0] === 0xef && payload[1] === 0xbb && payload[2] === 0xbf
  return marked ? 3 : 0
}

/** 0x80 to 0xbf: a CBOR array or map, and nothing that UTF-8 text can begin with. */
function isCborStart(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x80 && byte <= 0xbf
}

/** NULs and blanks, as buffers of fixed length end. */
function isPadding(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0 || byte === 0x20 || (byte >= 0x09 && byte <= 0x0d))
}
