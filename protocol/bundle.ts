// A compose file with the files that it needs: checked, addressed by content, and read again as a folder.
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { ComposeSource, Folder } from './compose/source.js'
import { accept, type Refusal, type Result } from './errors.js'
import { type BundleFile, maxBundleBytes, maxBundleFiles, maxSpecBytes, type SpecBody } from './messages/spec.js'
import { digestOfContents, digestText } from './spec.js'
import { isReserved } from './variables.js'

export interface FileContents {
  readonly contents: Uint8Array
  readonly executable?: boolean
}

export interface Bundle {
  /** The main compose file's text. */
  readonly compose: string
  /** Its path; by default `compose.yaml`. */
  readonly path?: string | undefined
  /** Paths of files that are merged over it, in order. */
  readonly overrides?: readonly string[] | undefined
  /** By path: relative to the app's folder, with `/`. Without the main compose file. */
  readonly files?: ReadonlyMap<string, FileContents> | undefined
  readonly environment?: Readonly<Record<string, string>> | undefined
  readonly profiles?: readonly string[] | undefined
}

/** What a spec says, but for its version. */
export type Spec = Omit<SpecBody, 'version'>

const mainPath = 'compose.yaml'
const limits = { overrides: 64, pathChars: 1000, segmentBytes: 255, variables: 1000, nameChars: 255, valueChars: 32_768, profiles: 100 }

/** The spec of a bundle: equal bundles give equal specs. Refuses with `spec.invalid`, `spec.too-large` or `compose.variable`. */
export function specOf(bundle: Bundle): Result<Spec> {
  const { compose, path = mainPath, overrides = [], environment = {}, profiles = [] } = bundle
  const files = [...(bundle.files ?? [])].map(([name, file]) => describeFile(name, file)).sort(byPath)
  const variables = Object.entries(environment).map(([name, value]) => ({ name, value }))
  const spec: Spec = {
    compose,
    ...(path === mainPath ? {} : { path }),
    ...(overrides.length === 0 ? {} : { overrides }),
    ...(files.length === 0 ? {} : { files }),
    ...(variables.length === 0 ? {} : { environment: variables.sort((a, b) => (a.name < b.name ? -1 : 1)) }),
    ...(profiles.length === 0 ? {} : { profiles: [...new Set(profiles)].sort() }),
  }
  return checkSpec(spec)
}

/** A spec that came from elsewhere, or every reason why it is none that a folder can be made of. */
export function checkSpec<S extends Spec>(spec: S): Result<S> {
  const refusals = [...checkFiles(spec), ...checkOverrides(spec), ...checkVariables(spec), ...checkProfiles(spec)]
  const [first, ...others] = refusals
  return first === undefined ? accept(spec) : { ok: false, refusals: [first, ...others.slice(0, 49)] }
}

/** What {@link checkSpec} has accepted, as what a compose file is read from. `contents` finds a file by its digest. */
export function sourceOf(
  spec: Spec,
  contents: (digest: Uint8Array) => Uint8Array | undefined,
  { app, variables }: { readonly app: string; readonly variables: Readonly<Record<string, string>> },
): ComposeSource {
  const given = Object.fromEntries((spec.environment ?? []).map(({ name, value }) => [name, value]))
  return {
    app,
    files: [spec.path ?? mainPath, ...(spec.overrides ?? [])],
    folder: folderOfSpec(spec, contents),
    environment: { ...given, COMPOSE_PROJECT_NAME: app, ...variables },
    profiles: spec.profiles ?? [],
  }
}

function folderOfSpec(spec: Spec, contents: (digest: Uint8Array) => Uint8Array | undefined): Folder {
  const main = spec.path ?? mainPath
  const files = new Map((spec.files ?? []).map(file => [file.path, file]))
  const folders = new Set([main, ...files.keys()].flatMap(parentsOf))
  return {
    isLocal: false,
    read(path) {
      const name = posix.normalize(path)
      const file = files.get(name)
      return name === main ? Buffer.from(spec.compose) : file && contents(file.digest)
    },
    kind(path) {
      const name = withoutSlash(posix.normalize(path))
      if (name === main || files.has(name)) return 'file'
      return name === '.' || folders.has(name) ? 'folder' : undefined
    },
  }
}

/** One text for a file or a folder of the spec that changes with its contents; undefined if there is none. */
export function digestIn({ files = [] }: Spec): (path: string) => string | undefined {
  return path => {
    const name = withoutSlash(posix.normalize(path))
    const within = files.filter(file => name === '.' || file.path === name || file.path.startsWith(`${name}/`))
    if (within.length === 0) return undefined
    const hash = createHash('sha256')
    for (const file of within) hash.update(`${file.path}\0${digestText(file.digest)}${file.executable === true ? 'x' : '-'}`)
    return hash.digest('hex')
  }
}

/** A path as a bundle has it: relative, of plain segments. Undefined if it is one, else why not. */
export function refusePath(path: string): string | undefined {
  if (path === '' || path.length > limits.pathChars) return `a path has 1 to ${limits.pathChars} characters`
  if (path.startsWith('/')) return 'a path of a bundle is relative'
  const segments = path.split('/')
  if (segments.includes('..')) return 'it climbs out of the folder'
  if (segments.includes('') || segments.includes('.')) return 'it has an empty segment or a dot for one'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'it has a control character'
  if (segments.some(segment => Buffer.byteLength(segment) > limits.segmentBytes))
    return `a segment has at most ${limits.segmentBytes} bytes`
  return undefined
}

function describeFile(path: string, { contents, executable = false }: FileContents): BundleFile {
  const file = { path, digest: digestOfContents(contents), sizeBytes: contents.length }
  return executable ? { ...file, executable } : file
}

function byPath(a: BundleFile, b: BundleFile): number {
  return a.path < b.path ? -1 : 1
}

function checkFiles({ path = mainPath, files = [] }: Spec): Refusal[] {
  const paths = [path, ...files.map(file => file.path)]
  const faults = paths.flatMap(each => refusal(each, refusePath(each)))
  if (files.length > maxBundleFiles) faults.push(tooLarge(`${files.length} files are more than the ${maxBundleFiles} of a bundle`))
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  if (totalBytes > maxBundleBytes)
    faults.push(tooLarge(`the files have ${totalBytes} bytes together, more than the ${maxBundleBytes} of a bundle`))
  for (const file of files)
    if (file.sizeBytes > maxSpecBytes)
      faults.push(tooLarge(`${file.sizeBytes} bytes are more than the ${maxSpecBytes} of a file`, placeOf(file.path)))
  return [...faults, ...checkClashes(paths)]
}

/** Each path once, and none of them a folder of another. */
function checkClashes(paths: readonly string[]): Refusal[] {
  const folders = new Set(paths.flatMap(parentsOf))
  const seen = new Set<string>()
  return paths.flatMap(path => {
    const twice = seen.has(path)
    seen.add(path)
    return refusal(path, twice ? 'it is there twice' : folders.has(path) ? 'it is a file and a folder' : undefined)
  })
}

function checkOverrides({ overrides = [], files = [] }: Spec): Refusal[] {
  const known = new Set(files.map(file => file.path))
  const faults = overrides.flatMap((path, n): Refusal[] =>
    known.has(path) ? [] : [{ code: 'spec.invalid', message: `${quoted(path)} is not among the files`, path: `overrides[${n}]` }],
  )
  return overrides.length > limits.overrides ? [...faults, tooLarge(`more than ${limits.overrides} compose files`)] : faults
}

function checkVariables({ environment = [] }: Spec): Refusal[] {
  const faults = environment.flatMap(({ name, value }): Refusal[] => {
    const path = `environment[${quoted(name)}]`
    if (isReserved(name)) return [{ code: 'compose.variable', message: 'names that begin with SKERRY_ are those of devices', path }]
    const fits = /^[^=\0]+$/.test(name) && name.length <= limits.nameChars && value.length <= limits.valueChars && !value.includes('\0')
    return fits ? [] : [{ code: 'compose.variable', message: 'a variable has a name of at most 255 characters and no =, and no NUL', path }]
  })
  return environment.length > limits.variables ? [...faults, tooLarge(`more than ${limits.variables} variables`)] : faults
}

function checkProfiles({ profiles = [] }: Spec): Refusal[] {
  const fine = profiles.length <= limits.profiles && profiles.every(profile => profile.length <= limits.nameChars)
  return fine ? [] : [tooLarge(`more than ${limits.profiles} profiles, or one of more than ${limits.nameChars} characters`)]
}

function refusal(path: string, reason: string | undefined): Refusal[] {
  return reason === undefined ? [] : [{ code: 'spec.invalid', message: `${quoted(path)}: ${reason}`, path: placeOf(path) }]
}

function tooLarge(message: string, path = 'files'): Refusal {
  return { code: 'spec.too-large', message, path }
}

function placeOf(path: string): string {
  return `files[${quoted(path)}]`
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** `a` and `a/b` of `a/b/c`. */
function parentsOf(path: string): string[] {
  const segments = path.split('/').slice(0, -1)
  return segments.map((_, n) => segments.slice(0, n + 1).join('/'))
}
