// From what `skerry apply` is given to what it sends: the compose files, just the files that they need, and values of variables.
import { posix } from 'node:path'
import { readIgnoreRules } from '../agent/core/ignore.js'
import { type Bundle, type FileContents, specOf } from '../protocol/bundle.js'
import { type ParsedCompose, parseProject } from '../protocol/compose/parse.js'
import type { Project } from '../protocol/compose/project.js'
import { SkerryError, unwrap } from '../protocol/errors.js'
import { maxBundleBytes, maxBundleFiles } from '../protocol/messages/spec.js'
import { isReserved, sampleVariables } from '../protocol/variables.js'
import { usageError } from './errors.js'
import { type Origin, type OriginFlags, openOrigin } from './origin.js'
import type { Shell } from './shell.js'
import { readEnvFiles, surroundings, type Variables } from './variables.js'

export interface GatherFlags extends OriginFlags {
  readonly name: string
  readonly env?: readonly string[]
  readonly envFile?: readonly string[]
  readonly profile?: readonly string[]
}

/** Throws a usage error, what is wrong with the compose files, or `spec.too-large`. */
export async function gather(shell: Shell, flags: GatherFlags): Promise<Bundle> {
  const origin = await openOrigin(shell, flags)
  const given = readGiven(flags.env ?? [], shell)
  const around = { ...readEnvFiles(flags.envFile ?? [], shell), ...surroundings(shell) }
  const [main = '', ...overrides] = origin.files
  const texts = [...origin.files, '.env'].map(path => textOf(origin, path))
  const environment = { ...around, ...given, ...sampleVariables(flags.name, texts) }
  const profiles = flags.profile ?? []
  // Files that are named stand in for the folder's own, which then stays here unless a service names it.
  const variableFiles = flags.envFile === undefined || flags.envFile.length === 0 ? {} : { variableFiles: [] }
  const source = { app: flags.name, files: origin.files, folder: origin.folder, environment, profiles, ...variableFiles }
  const parsed = unwrap(parseProject(source))
  const bundle: Bundle = {
    compose: textOf(origin, main),
    path: main,
    overrides,
    files: collectFiles(origin, parsed),
    environment: { ...referred(around, parsed.variables), ...given },
    profiles,
  }
  unwrap(specOf(bundle))
  return bundle
}

function textOf(origin: Origin, path: string): string {
  return Buffer.from(origin.folder.read(path) ?? []).toString()
}

/** `NAME=VALUE`, or `NAME` for the shell's value. */
function readGiven(items: readonly string[], { env }: Shell): Variables {
  const entries = items.map(item => {
    const at = item.indexOf('=')
    const [name, value] = at < 0 ? [item, env[item]] : [item.slice(0, at), item.slice(at + 1)]
    if (name === '' || value === undefined) throw usageError(`--env ${item}: write NAME=VALUE; there is no ${item} in the environment`)
    return [name, value] as const
  })
  return Object.fromEntries(entries)
}

/** Of the surroundings only what the files refer to leaves this machine. */
function referred(variables: Variables, names: readonly string[]): Variables {
  const found = names.filter(name => Object.hasOwn(variables, name) && name !== 'COMPOSE_PROJECT_NAME' && !isReserved(name))
  return Object.fromEntries(found.map(name => [name, variables[name] ?? '']))
}

function collectFiles(origin: Origin, { paths, project }: ParsedCompose): ReadonlyMap<string, FileContents> {
  const files = new Map<string, FileContents>()
  let bytes = 0
  const take = (path: string, whole: string): void => {
    if (files.has(path) || path === origin.files[0]) return
    const contents = origin.folder.read(path) ?? new Uint8Array()
    bytes += contents.length
    if (files.size >= maxBundleFiles || bytes > maxBundleBytes) throw tooLarge(whole, files.size + 1, bytes)
    files.set(path, origin.isExecutable(path) ? { contents, executable: true } : { contents })
  }
  for (const path of [...origin.files, ...paths].map(clean)) {
    if (origin.folder.kind(path) === 'file') take(path, path)
    else for (const inner of filesIn(origin, path, project)) take(inner, path)
  }
  return files
}

function* filesIn(origin: Origin, path: string, project: Project): Generator<string> {
  const ignores = ignoreRules(origin, path, project)
  for (const file of origin.filesIn(path)) if (!ignores(path === '.' ? file : file.slice(path.length + 1))) yield file
}

/** A build leaves out what its `.dockerignore` says; what a container binds is there as a whole. */
function ignoreRules(origin: Origin, path: string, project: Project): (inner: string) => boolean {
  const services = Object.values(project.services)
  const isBound = services.some(({ volumes }) => volumes.some(mount => mount.type === 'bind' && clean(mount.source) === path))
  const build = services.find(service => service.build !== undefined && clean(service.build.context) === path)?.build
  if (build === undefined || isBound) return () => false
  const dockerfile = posix.normalize(build.dockerfile ?? 'Dockerfile')
  const kept = [dockerfile, '.dockerignore', `${dockerfile}.dockerignore`]
  const rules = kept
    .slice(1)
    .reverse()
    .find(name => origin.folder.kind(posix.join(path, name)) === 'file')
  const ignores = rules === undefined ? () => false : readIgnoreRules(textOf(origin, posix.join(path, rules)))
  return inner => ignores(inner) && !kept.includes(inner)
}

function clean(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}

function tooLarge(path: string, count: number, bytes: number): SkerryError {
  const mebibytes = (bytes / 1024 / 1024).toFixed(1)
  const limits = `${maxBundleFiles} files and ${maxBundleBytes / 1024 / 1024} MiB`
  const advice = 'what containers write belongs into a named volume, and what is large into an image'
  return new SkerryError('spec.too-large', `with ${path} there are ${count} files and ${mebibytes} MiB, more than ${limits}; ${advice}`, {
    path: `files[${JSON.stringify(path)}]`,
  })
}
