// Durations, byte sizes and CPU shares: the texts of a compose file as numbers.
import type { Item, Report } from './item.js'
import { describe } from './item.js'
import type { Reader } from './read.js'

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `1m30s`, `500ms`, `1.5h`; 0 needs no unit. */
export function parseDurationMs(text: string): number | undefined {
  return roundSafely(parseDuration(text))
}

/** A number without a unit is in microseconds. */
function parseMicroseconds(text: string): number | undefined {
  if (/^\d{1,16}$/.test(text)) return roundSafely(Number(text))
  const ms = parseDuration(text)
  return ms === undefined ? undefined : roundSafely(ms * 1000)
}

function roundSafely(number: number | undefined): number | undefined {
  return number !== undefined && Number.isSafeInteger(Math.round(number)) ? Math.round(number) : undefined
}

function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  const [, sole, soleUnit = ''] = /^(\d{1,16})(ms|s|m|h)$/.exec(text) ?? []
  if (sole !== undefined) return Number(sole) * (unitsMs[soleUnit] ?? 0)
  if (text.length > 64 || !/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)/g))
    total += Number(amount) * (unitsMs[unit] ?? 0)
  return total
}

/** `64m`, `1.5 GB`, `1048576`; all powers of 1024, as the Engine has it. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,16}(?:\.\d{1,16})?) ?([kmgtp]?)i?b?$/i.exec(text) ?? []
  if (amount === undefined) return undefined
  const bytes = Math.floor(Number(amount) * 1024 ** ' kmgtp'.indexOf(unit.toLowerCase() || ' '))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** CPUs in thousandths. */
export function parseCpusMilli(text: string): number | undefined {
  if (!/^\d{1,6}(\.\d{1,16})?$|^\.\d{1,16}$/.test(text)) return undefined
  return Math.round(Number(text) * 1000)
}

function unitOf(what: string, parse: (text: string) => number | undefined): Reader<number> {
  return (item: Item, report: Report) => {
    const { value } = item
    const number = typeof value === 'string' || typeof value === 'number' ? parse(String(value)) : undefined
    return number ?? report.refuse(item, 'compose.schema', `expected ${what}, found ${describe(item)}`)
  }
}

export const readDurationMs = unitOf('a duration such as 30s or 1m30s', parseDurationMs)
export const readMicroseconds = unitOf('microseconds, or a duration such as 50ms', parseMicroseconds)
export const readBytes = unitOf('a size such as 64m or 1.5g', parseBytes)
export const readCpusMilli = unitOf('a number of CPUs such as 0.5', parseCpusMilli)
