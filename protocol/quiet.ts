// Quiet hours: minutes of the day in UTC, as people write them, and whether a time is within them. Pure.
import type { QuietHours } from './messages/link.js'

const minuteMs = 60_000
const dayMs = 86_400_000

/** `22:00-06:00`; undefined for anything else, and for hours that end where they begin. */
export function parseQuiet(text: string): QuietHours | undefined {
  const [, from = '', to = ''] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(text.trim()) ?? []
  const [fromMin, toMin] = [parseTime(from), parseTime(to)]
  return fromMin === undefined || toMin === undefined || fromMin === toMin ? undefined : { fromMin, toMin }
}

export function formatQuiet({ fromMin, toMin }: QuietHours): string {
  return `${formatTime(fromMin)}-${formatTime(toMin)}`
}

/** How long the quiet goes on, ms; 0 if none is now. At most a day, as the clock may be set meanwhile. */
export function quietForMs(quiet: readonly QuietHours[] | undefined, now: number): number {
  let end = now
  for (let next = endOf(quiet, end); next > end && next - now <= dayMs; next = endOf(quiet, end)) end = next
  return end - now
}

/** When the longest of those that hold at `now` ends; `now` if none does. */
function endOf(quiet: readonly QuietHours[] = [], now: number): number {
  const midnight = Math.floor(now / dayMs) * dayMs
  const ends = quiet.flatMap(({ fromMin, toMin }) =>
    [midnight - dayMs, midnight].map(day => {
      const from = day + fromMin * minuteMs
      const to = day + toMin * minuteMs + (toMin <= fromMin ? dayMs : 0)
      return fromMin !== toMin && from <= now && now < to ? to : now
    }),
  )
  return Math.max(now, ...ends)
}

function parseTime(text: string): number | undefined {
  const [hours = Number.NaN, minutes = Number.NaN] = text.split(':').map(Number)
  return hours <= 23 && minutes <= 59 ? hours * 60 + minutes : undefined
}

function formatTime(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map(part => String(part).padStart(2, '0')).join(':')
}
