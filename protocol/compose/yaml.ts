// YAML text to items, with limits on size, nesting and expansion, so that no text can exhaust the reader.
import { EVENT_ID, type Event, parseEvents, YAMLException } from 'js-yaml'
import { maxSpecBytes } from '../messages/spec.js'
import { Lines, startOf } from './events.js'
import { Expansion, type LoadedYaml, maxDepth, TooComplex } from './expand.js'
import { inFile, type Report } from './item.js'

/** Maps, lists, values and the ends of them, as they stand in the text. */
const maxEvents = 150_000

/** `file` is the file's name where faults must tell it. Undefined if the report says why not. */
export function loadYaml(text: string, report: Report, file?: string): LoadedYaml | undefined {
  const size = Buffer.byteLength(text)
  if (size > maxSpecBytes)
    return report.refuseAt(file, 'spec.too-large', `${size} bytes are more than the ${maxSpecBytes} that a compose file may have`)
  try {
    const events = parseEvents(text, { maxDepth })
    const lines = new Lines(text)
    if (!isOneDocument(events, lines, report, file)) return undefined
    if (events.length > maxEvents) throw new TooComplex(`the file has more than ${maxEvents} values and marks`)
    return new Expansion(text, events, lines, report, file).load()
  } catch (error) {
    if (error instanceof TooComplex) return report.refuseAt(file, 'compose.too-complex', error.message)
    if (error instanceof YAMLException) return refuseSyntax(error, report, file)
    throw error
  }
}

function refuseSyntax({ reason, mark }: YAMLException, report: Report, file: string | undefined): undefined {
  const at = mark === undefined ? '' : `line ${mark.line + 1}, column ${mark.column + 1}`
  const place = inFile(file, at) || undefined
  if (/nesting exceeded/.test(reason)) return report.refuseAt(place, 'compose.too-complex', `the file is nested more than ${maxDepth} deep`)
  return report.refuseAt(place, 'compose.yaml', at === '' ? reason : `${reason} at ${at}`)
}

function isOneDocument(events: readonly Event[], lines: Lines, report: Report, file: string | undefined): boolean {
  const second = secondDocument(events)
  if (second < 0) return true
  const start = events
    .slice(second)
    .map(startOf)
    .find(offset => offset >= 0)
  const at = start === undefined ? 'its end' : `line ${lines.at(start)}`
  report.refuseAt(inFile(file, at), 'compose.yaml', `a compose file is one YAML document; a second one starts at ${at}`)
  return false
}

function secondDocument(events: readonly Event[]): number {
  for (let n = 1; n < events.length; n++) if (events[n]?.type === EVENT_ID.DOCUMENT) return n
  return -1
}
