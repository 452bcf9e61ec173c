// Lines of logs as people read them.
import type { LogLine } from '../api.js'
import { clean, type Paint } from '../table.js'

/** `web | text`. Colours are the containers' own; every other control character is kept from the terminal. */
export function formatLogLine({ service, stream, time, line }: LogLine, paint: Paint): string {
  const head = `${clean(service)} | `
  return `${stream === 'err' ? paint('red', head) : paint('green', head)}${time === undefined ? '' : `${paint('dim', time)} `}${tame(line)}`
}

/** A colour's sequence (ECMA-48, SGR), or text between such. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with one
const pieces = /(\u001b\[[\d;]*m)/

function tame(line: string): string {
  return line
    .split(pieces)
    .map((piece, n) => (n % 2 === 1 ? piece : piece.split('\t').map(clean).join('\t')))
    .join('')
}
