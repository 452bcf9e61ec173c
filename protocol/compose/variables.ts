// Files of variables or labels that a project reads: the folder's `.env`, those of includes, and those of services.
import { type DotenvOptions, parseDotenv, parseRawVariables } from './dotenv.js'
import { readFileText } from './file.js'
import { type Item, inFile, quote, type Report, type Variables } from './item.js'

/** Of a fleet's devices: their ids, names and labels. */
const reserved = 'SKERRY_'
const tooMuch = 'files with variables come to too much'

export interface VariableFile {
  readonly path: string
  /** What names the file; absent for the folder's `.env`. */
  readonly from?: Item
  readonly isRaw?: boolean
  /** Variables that win over those of earlier lines, and that names without a value are passed through from. */
  lookup(name: string): string | undefined
}

/** Undefined if the report says why not. */
export function readVariableFile(
  { path, from, isRaw = false, lookup }: VariableFile,
  report: Report,
): ReadonlyMap<string, string> | undefined {
  const text = readFileText(path, report, from)
  if (text === undefined) return undefined
  if (!report.take('variableFiles', text.length))
    return report.refuseAt(path, 'compose.too-complex', 'files with variables come to too much')
  const options: DotenvOptions = {
    lookup,
    unset: (name, line) => report.warnUnset({ parent: undefined, key: '', line, value: null, file: path }, name),
    take: characters => report.take('characters', characters),
  }
  const result = isRaw ? parseRawVariables(text, options) : parseDotenv(text, options)
  if ('values' in result)
    return report.take('nodes', result.values.size) ? result.values : report.refuseAt(path, 'compose.too-complex', tooMuch)
  const { line, message, code } = result.fault
  return report.refuseAt(inFile(path, `line ${line}`), code, message)
}

/** The variables that a project's files are read with: the source's, then those of its files or the folder's `.env`, and the app's name. */
export function readProjectVariables(report: Report): Variables {
  const { environment, app, folder, variableFiles } = report.source
  const files = variableFiles ?? (folder.kind('.env') === 'file' ? ['.env'] : [])
  return addVariables(
    { ...environment, COMPOSE_PROJECT_NAME: app },
    files.map(path => ({ path })),
    report,
  )
}

/** With those of files, later ones first; none takes the place of one that is there. */
export function addVariables(known: Variables, files: readonly Pick<VariableFile, 'path' | 'from'>[], report: Report): Variables {
  const added = new Map<string, string>()
  for (const file of files) {
    const lookup = (name: string) => report.variable(name, known) ?? added.get(name)
    for (const [name, value] of readVariableFile({ ...file, lookup }, report) ?? []) {
      if (name.startsWith(reserved) && !report.source.folder.isLocal)
        report.refuseAt(
          file.path,
          'compose.variable',
          `${quote(name)} cannot be set here: a device itself sets what begins with ${reserved}`,
        )
      added.set(name, value)
    }
  }
  return { ...Object.fromEntries(added), ...known }
}
