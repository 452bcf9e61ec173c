// Several compose files, each with what it includes and extends, to one tree.
import { Extender } from './extends.js'
import { findFile, folderOfFile, readComposeFile, type Scope } from './file.js'
import { childOf, entriesOf, type Item, isList, isMap, pathOf, type Report } from './item.js'
import { identityOf, merge, settle } from './merge.js'
import { listPairs } from './pairs.js'
import { type Draft, type Fields, field, oneOrMore, readFields, textOf } from './read.js'
import { fileRule } from './rules.js'
import { addVariables } from './variables.js'

/** One tree of the files, each laid over those before it. Undefined if the report says why not; `from` is what names them. */
export function loadLayers(paths: readonly string[], scope: Scope, from?: Item): Item | undefined {
  const extender = new Extender(scope)
  let tree: Item | undefined
  for (const path of paths) {
    const file = readComposeFile(path, scope, from)
    if (file === undefined) continue
    const layer = addIncluded(extender.extend(file), { ...scope, open: [...scope.open, path] })
    const merged = tree === undefined ? layer : merge(tree, layer, fileRule)
    tree = file.isTagged ? settle(merged) : merged
  }
  return tree
}

interface Include {
  readonly paths: readonly string[]
  readonly folder: string
  /** Absent: the `.env` of the folder, if there is one. */
  readonly variableFiles: readonly string[] | undefined
}

/** The file's tree with the services, networks and so on of the files that it includes. */
function addIncluded(root: Item, scope: Scope): Item {
  const include = childOf(root, 'include')
  if (!isMap(root.value) || include === undefined) return root
  let tree: Item = { ...root, value: new Map([...root.value].filter(([key]) => key !== 'include')) }
  if (include.value === null) return tree
  for (const entry of isList(include.value) ? include.value : [include]) tree = importTree(tree, loadIncluded(entry, scope), scope.report)
  return tree
}

function loadIncluded(entry: Item, scope: Scope): Item | undefined {
  const { report, environment } = scope
  const include = readInclude(entry, report)
  if (include === undefined) return undefined
  const again = include.paths.find(path => scope.open.includes(path))
  if (again !== undefined)
    return report.refuse(entry, 'compose.inconsistent', `files include each other in a circle: ${[...scope.open, again].join(' -> ')}`)
  const defaults = [include.folder === '.' ? '.env' : `${include.folder}/.env`].filter(path => report.source.folder.kind(path) === 'file')
  const files = (include.variableFiles ?? defaults).map(path => ({ path, from: entry }))
  const inner = {
    ...scope,
    folder: include.folder,
    environment: files.length === 0 ? environment : addVariables(environment, files, report),
  }
  const root = loadLayers(include.paths, inner, entry)
  if (root !== undefined && files.length > 0) passThrough(root, inner)
  return root
}

interface IncludeDraft {
  readonly path: readonly string[]
  readonly project_directory: string
  readonly env_file: readonly string[]
}

const readPaths = oneOrMore(textOf('a path', () => true))
const includeFields: Fields<Draft<IncludeDraft>> = {
  read: {
    path: field('path', readPaths),
    project_directory: field(
      'project_directory',
      textOf('the path of a folder', () => true),
    ),
    env_file: field('env_file', readPaths),
  },
}

function readInclude(entry: Item, report: Report): Include | undefined {
  const draft: Draft<IncludeDraft> = {}
  const faults = report.refusals.length
  if (isMap(entry.value)) readFields(entry, includeFields, draft, report)
  else field<Draft<IncludeDraft>, 'path'>('path', readPaths)(entry, draft, report)
  const paths = draft.path?.map(path => findFile(path, entry, report)).filter(path => path !== undefined)
  const files = draft.env_file
    ?.filter(path => path !== '/dev/null')
    .map(path => findFile(path, entry, report))
    .filter(path => path !== undefined)
  const folder = draft.project_directory === undefined ? undefined : findFile(draft.project_directory, entry, report)
  if (report.refusals.length > faults) return undefined
  const [first] = paths ?? []
  if (paths === undefined || first === undefined)
    return report.refuse(entry, 'compose.schema', 'an include needs the path of a compose file')
  return { paths, folder: folder ?? folderOfFile(first), variableFiles: files }
}

/** Variables that an included file's services pass through are those that the file is read with. */
function passThrough(root: Item, { report, environment }: Scope): void {
  for (const service of entriesOf(childOf(root, 'services')).values()) {
    const item = childOf(service, 'environment')
    const pairs = item && listPairs(item)
    if (item === undefined || pairs === undefined) continue
    const filled = [...pairs].map(
      ([name, entry]) => [name, entry.value === null ? { ...entry, value: report.variable(name, environment) ?? null } : entry] as const,
    )
    item.value = new Map(filled)
  }
}

const sections = ['services', 'networks', 'volumes', 'configs', 'secrets']

/** What both have must be the same. Sections that there are not come along to be refused. */
function importTree(tree: Item, included: Item | undefined, report: Report): Item {
  const value = new Map(entriesOf(tree))
  for (const [key, section] of entriesOf(included)) {
    const own = value.get(key)
    if (!sections.includes(key)) {
      if (own === undefined && !['name', 'version'].includes(key) && !key.startsWith('x-')) value.set(key, section)
    } else if (own === undefined || own.value === null) value.set(key, section)
    else if (isMap(own.value) && isMap(section.value)) value.set(key, { ...own, value: importEntries(own.value, section.value, report) })
  }
  return { ...tree, value }
}

type Entries = ReadonlyMap<string, Item>

function importEntries(own: Entries, included: Entries, report: Report): Entries {
  const entries = new Map(own)
  for (const [name, entry] of included) {
    const before = own.get(name)
    if (before === undefined) entries.set(name, entry)
    else if (identityOf(before) !== identityOf(entry))
      report.refuse(before, 'compose.inconsistent', `${pathOf(entry)}, which is included, means something else`)
  }
  return entries
}
