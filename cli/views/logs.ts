// Lines of logs as people read them.
import type { LogLine } from '../api/apps.js'
import { clean, type Paint, tame } from '../table.js'

/** `web | text`. Colours are the containers' own; every other control character is kept from the terminal. */
export function formatLogLine({ service, stream, time, line }: LogLine, paint: Paint): string {
  const head = `${clean(service)} | `
  return `${stream === 'err' ? paint('red', head) : paint('green', head)}${time === undefined ? '' : `${paint('dim', time)} `}${tame(line.replaceAll('\n', ' '))}`
}
