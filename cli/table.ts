// Text for people: aligned tables, colours, ages. Pure.

export type Colour = 'red' | 'green' | 'yellow' | 'dim'
const codes: Record<Colour, string> = { red: '31', green: '32', yellow: '33', dim: '2' }

/** Wraps text in a colour, or leaves it if colours are off. */
export type Paint = (colour: Colour, text: string) => string

export function createPaint(enabled: boolean): Paint {
  return (colour, text) => (enabled ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text)
}

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => string
  readonly colour?: (row: T) => Colour | undefined
  /** Shown by `-o wide` only. */
  readonly wide?: boolean
}

/** Columns two spaces apart, no trailing blanks. Control characters from the fleet never reach the terminal. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[], options: { wide: boolean; paint: Paint }): string {
  const shown = columns.filter(column => options.wide || column.wide !== true)
  const cells = rows.map(row => shown.map(column => clean(column.cell(row)) || '-'))
  const widths = shown.map((column, at) => Math.max(column.title.length, ...cells.map(line => line[at]?.length ?? 0)))
  const header = shown.map((column, at) => column.title.padEnd(widths[at] ?? 0)).join('  ')
  const lines = rows.map((row, number) =>
    shown
      .map((column, at) => {
        const text = cells[number]?.[at] ?? ''
        const padding = at === shown.length - 1 ? '' : ' '.repeat((widths[at] ?? 0) - text.length)
        const colour = column.colour?.(row)
        return (colour === undefined ? text : options.paint(colour, text)) + padding
      })
      .join('  '),
  )
  return [header.trimEnd(), ...lines].join('\n')
}

/** `name:   value` lines, with the values aligned; undefined values are left out. */
export function formatFields(fields: Readonly<Record<string, string | undefined>>, indent = ''): string {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined && field[1] !== '')
  const width = Math.max(...given.map(([name]) => name.length + 1))
  return given.map(([name, value]) => `${indent}${`${name}:`.padEnd(width)}  ${clean(value)}`).join('\n')
}

/** In one line, and nothing in it that a terminal acts upon or that turns the direction of what is read. */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ')
}

/** A colour's sequence (ECMA-48, SGR), or text between such. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with one
const pieces = /(\u001b\[[\d;]*m)/

/** Of all control characters only colours, tabs and line ends: the last word on whatever goes to a terminal. */
export function tame(text: string): string {
  return text
    .split(pieces)
    .map((piece, n) => (n % 2 === 1 ? piece : piece.replace(/[^\t\n]+/g, clean)))
    .join('')
}

/** How long ago, in the two largest units at most: `5s`, `3m20s`, `2h5m`, `4d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return minutes < 10 && seconds % 60 > 0 ? `${minutes}m${seconds % 60}s` : `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return hours < 10 && minutes % 60 > 0 ? `${hours}h${minutes % 60}m` : `${hours}h`
  return `${Math.floor(hours / 24)}d`
}

/** Bytes exactly where one unit can, of 1000 or of 1024; else in units of 1000. */
export function formatBytes(bytes: number): string {
  const exact = byteUnits.find(([, size]) => bytes >= size && bytes % size === 0)
  const [unit, size] = exact ?? byteUnits.find(([name, each]) => !name.includes('i') && bytes >= each) ?? ['B', 1]
  return `${Math.round((bytes / size) * 10) / 10} ${unit}`
}

const byteUnits = [
  ['GiB', 1024 ** 3],
  ['GB', 1000 ** 3],
  ['MiB', 1024 ** 2],
  ['MB', 1000 ** 2],
  ['KiB', 1024],
  ['KB', 1000],
] as const

/** All of it: `15m2s`, where {@link formatAge} says `15m`. */
export function formatSeconds(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const
  return parts.flatMap(([amount, unit]) => (amount === 0 ? [] : [`${amount}${unit}`])).join('') || '0s'
}

/** Age of an ISO time, or `-` if there is none. */
export function ageOf(iso: string | null, now: number): string {
  return iso === null ? '-' : formatAge(now - Date.parse(iso))
}
