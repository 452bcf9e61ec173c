// Plain scalars of YAML's core schema (https://yaml.org/spec/1.2.2/#103-core-schema), with compose's octal numbers and digits in groups.
import type { Scalar } from './item.js'

const words: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...['', '~', 'null', 'Null', 'NULL'].map(word => [word, null] as const),
  ...['true', 'True', 'TRUE'].map(word => [word, true] as const),
  ...['false', 'False', 'FALSE'].map(word => [word, false] as const),
])

/** What an unquoted text means. 0755 is octal; a number that is infinite or too large to be exact stays the text that it is. */
export function resolvePlain(text: string): Scalar {
  const word = words.get(text)
  if (word !== undefined) return word
  if (!/^[-+.]?\d/.test(text)) return text
  const value = numberOf(text)
  return value === undefined || (Number.isInteger(value) && !Number.isSafeInteger(value)) ? text : value
}

/** Digits may have _ between them. */
function numberOf(written: string): number | undefined {
  const text = written.replaceAll('_', '')
  if (/^[-+]?0[0-7]+$/.test(text)) return Number.parseInt(text, 8)
  if (/^0o[0-7]+$/.test(text)) return Number.parseInt(text.slice(2), 8)
  if (/^0x[0-9a-fA-F]+$/.test(text)) return Number.parseInt(text.slice(2), 16)
  return /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(text) ? Number(text) : undefined
}
