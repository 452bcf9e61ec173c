// A point in the past as people name it. Pure.
import { SkerryError } from '../../protocol/errors.js'

const unitsS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Seconds since 1970 of `90s`, `10m`, `2h`, `3d` before `now` (ms), of a date with or without a time, or of seconds as they are. */
export function parseSince(text: string, now: number): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (amount !== undefined) return Math.max(0, Math.floor(now / 1000) - Number(amount) * unitsS[unit as keyof typeof unitsS])
  if (/^\d{1,12}$/.test(text)) return Number(text)
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (at >= 0) return Math.floor(at / 1000)
  throw new SkerryError('request.invalid', 'use 90s, 10m, 2h or 3d, a date and time such as 2026-01-31T12:00:00Z, or seconds since 1970', {
    path: 'since',
  })
}
