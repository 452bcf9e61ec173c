// Labels as people write them on the command line.
import { usageError } from './errors.js'

/** `key=value` sets, `key` sets to "", `key-` takes away. Throws `usage.invalid`. */
export function parseLabel(text: string): [string, string | null] {
  const equals = text.indexOf('=')
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)]
  if (equals === 0 || text === '-' || text === '')
    throw usageError(`${JSON.stringify(text)} is no label: use key=value, or key- to take it away`)
  return text.endsWith('-') ? [text.slice(0, -1), null] : [text, '']
}

/** Of a device that has none yet. Throws `usage.invalid`. */
export function parseNewLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map(text => {
      const [key, value] = parseLabel(text)
      if (value === null) throw usageError(`${JSON.stringify(text)} takes a label away: there is none yet`)
      return [key, value]
    }),
  )
}
