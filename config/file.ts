// The configuration file: a flat YAML map of settings, read with the line of each.
import { accept, type Result, refuse } from '../protocol/errors.js'
import type { FileLine } from './resolve.js'

/** Refuses with `config.invalid` and the place for what is no YAML map. Values that are no scalars come as undefined text. */
export async function parseConfigFile(text: string, file: string): Promise<Result<readonly FileLine[]>> {
  // Loaded here, because most commands have no file to read and should start fast.
  const { isMap, isScalar, LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, maxAliasCount: 0, prettyErrors: false } as object)
  const placeAt = (offset: number): string => `${file}:${lines.linePos(offset).line || 1}`
  const [fault] = document.errors
  if (fault !== undefined) return refuse('config.invalid', fault.message, placeAt(fault.pos[0]))
  if (document.contents === null) return accept([])
  if (!isMap(document.contents)) return refuse('config.invalid', 'expected lines of the form `setting: value`', `${file}:1`)
  return accept(
    document.contents.items.map(({ key, value }) => ({
      key: isScalar(key) ? String(key.value) : '',
      text: isScalar(value) && value.value !== null ? String(value.source ?? value.value) : undefined,
      place: placeAt(isScalar(key) ? (key.range?.[0] ?? 0) : 0),
    })),
  )
}
