// The files that a service takes variables and labels from, laid under what the service itself says.
import { findFile } from './file.js'
import { describe, type Item, isList, isMap, type Report } from './item.js'
import { listPairs } from './pairs.js'
import { type Draft, type Fields, field, oneOf, readFields, readFlag, textOf } from './read.js'
import { readVariableFile } from './variables.js'

/** The service with `environment` and `labels` complete. */
export function addFiles(service: Item, report: Report): Item {
  if (!isMap(service.value)) return service
  const envFile = service.value.get('env_file')
  const labelFile = service.value.get('label_file')
  if (envFile === undefined && labelFile === undefined) return service
  const value = new Map(service.value)
  if (envFile !== undefined) layUnder(value, 'environment', envFile, report)
  if (labelFile !== undefined) layUnder(value, 'labels', labelFile, report)
  return { ...service, value }
}

function layUnder(service: Map<string, Item>, key: 'environment' | 'labels', files: Item, report: Report): void {
  const own = service.get(key)
  const said = own === undefined || own.value === null ? new Map<string, Item>() : listPairs(own)
  // What is no list of pairs is refused where it is read.
  if (said === undefined) return
  const found = new Map<string, Item>()
  const lookup = (name: string) =>
    report.variable(name) ?? (key === 'environment' ? textOfPair(said.get(name) ?? found.get(name)) : undefined)
  for (const file of readFiles(files, key === 'environment', report)) {
    for (const [name, value] of readOne(file, lookup, report) ?? [])
      found.set(name, { parent: file.item, key: name, line: file.item.line, value })
  }
  service.set(key, { ...(own ?? files), value: new Map([...found, ...said]) })
}

function textOfPair(item: Item | undefined): string | undefined {
  return item === undefined || item.value === null || typeof item.value === 'object' ? undefined : String(item.value)
}

interface NamedFile {
  readonly item: Item
  readonly path: string
  readonly required?: boolean
  readonly format?: 'raw'
}

type FileDraft = Draft<Omit<NamedFile, 'item'>>

const readPath = textOf('the path of a file', () => true)
const fileFields: Fields<FileDraft> = {
  read: { path: field('path', readPath), required: field('required', readFlag), format: field('format', oneOf('raw')) },
}

/** One path or a list of them; `isLong` if an entry can also be a map. */
function readFiles(files: Item, isLong: boolean, report: Report): readonly NamedFile[] {
  if (files.value === null) return []
  if (isMap(files.value)) return report.refuse(files, 'compose.schema', `expected a path or a list, found ${describe(files)}`) ?? []
  return (isList(files.value) ? files.value : [files]).flatMap(item => {
    const draft: FileDraft = {}
    const faults = report.refusals.length
    if (isLong && isMap(item.value)) readFields(item, fileFields, draft, report)
    else field<FileDraft, 'path'>('path', readPath)(item, draft, report)
    const { path } = draft
    if (path === undefined && isMap(item.value) && !item.value.has('path')) report.refuse(item, 'compose.schema', 'a file needs a path')
    return path === undefined || report.refusals.length > faults ? [] : [{ ...draft, item, path }]
  })
}

function readOne(file: NamedFile, lookup: (name: string) => string | undefined, report: Report): ReadonlyMap<string, string> | undefined {
  const path = findFile(file.path, file.item, report)
  if (path === undefined) return undefined
  if (file.required === false && report.source.folder.kind(path) === undefined) return undefined
  return readVariableFile({ path, from: file.item, isRaw: file.format === 'raw', lookup }, report)
}
