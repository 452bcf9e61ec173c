// Single values as PLCs and SCADA programs write them: switches, whole numbers, ids. Pure.
import { accept, type Refusal, type Result, refuse } from './errors.js'

const maxIdChars = 64

const switches: Readonly<Record<string, boolean>> = { true: true, on: true, yes: true, false: false, off: false, no: false }

/** 1, 0, true, false, on, off, yes, no, as text in any case or as what they are. */
export function readSwitch(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  const number = readWhole(value)
  if (number !== undefined) return number === 1 ? true : number === 0 ? false : undefined
  const word = textOf(value)?.toLowerCase() ?? ''
  return Object.hasOwn(switches, word) ? switches[word] : undefined
}

/** A whole number, also as PLCs write one: `3`, `+3`, `3.0`. */
export function readWhole(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  const text = textOf(value) ?? ''
  return /^\+?\d{1,15}(\.0{0,15})?$/.test(text) ? Number(text) : undefined
}

export function readId(value: unknown): Result<string | undefined> {
  if (value === undefined) return accept(undefined)
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : textOf(value)
  if (text !== undefined && text !== '' && text.length <= maxIdChars && !/\p{C}/u.test(text)) return accept(text)
  return refuse('request.invalid', `the id is no text of 1 to ${maxIdChars} characters, and no whole number`, 'id')
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.trim() : undefined
}

export function notASwitch(value: unknown): Result<never> {
  return refuse('request.invalid', `${shown(value)} is none of 1, 0, true, false, on, off, yes, no`, 'value')
}

export function ignored(key: string): Refusal {
  return { code: 'request.invalid', message: `the key ${JSON.stringify(key)} is not known and was ignored`, path: key }
}

export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  return typeof value === 'object' ? 'an object or list' : JSON.stringify(String(value).trim().slice(0, 40))
}
