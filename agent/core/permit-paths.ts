// Host paths that an app would have: by their names, and by where links lead.
import { quote } from '../../protocol/compose/item.js'
import type { PlacedFile } from '../../protocol/compose/parts.js'
import type { Mount, Project, Service } from '../../protocol/compose/project.js'
import type { Refusal } from '../../protocol/errors.js'
import { ordinary } from './device-policy.js'
import { hostPath } from './mounts.js'
import { type Check, denyEntry, denyFlag, type HeldPath, type Nests, type Place, type Premises } from './permit-parts.js'
import { isWithin, toAny, toEngine, toSensitive, withoutOldLinks } from './sensitive.js'

/** A path of the host that something is to have; `source` is as the compose file has it. */
interface Wanted {
  readonly source: string
  readonly readOnly: boolean
}

/** Both what is named and what it leads to must be allowed: the one may change, the other is what there is. */
function checkPath({ source, readOnly }: Wanted, place: Place): Refusal[] {
  const { folder, real } = place.premises
  const [start = source] = source.split(':')
  // The Engine takes a colon for the end of a path.
  const cut = start === source ? [] : checkPath({ source: start, readOnly }, place)
  const path = withoutOldLinks(hostPath(source, folder))
  const target = withoutOldLinks(real(path))
  const byName = isWithin(path, folder) ? [] : judge(path, { source, readOnly }, place)
  if (target === path || isWithin(target, real(folder))) return [...cut, ...byName]
  return [...cut, ...byName, ...judge(target, { source: `${source}, which leads to ${target},`, readOnly }, place)]
}

function judge(path: string, { source, readOnly }: Wanted, place: Place): Refusal[] {
  const { own, engine } = place.premises
  const [toOwn, toDocker] = [toAny(path, own), toEngine(path, engine)]
  const named = quote(source)
  const agents = toOwn === undefined ? [] : denyFlag(place, 'agent-data', `${named} ${has(toOwn)} what belongs to the agent`)
  const engines =
    toDocker === undefined ? [] : denyFlag(place, 'docker', `${named} ${has(toDocker)} what gives power over the container engine`)
  if (toOwn === 'within') return agents
  if (toDocker === 'within') return engines
  return [...agents, ...engines, ...checkListed(path, { source, readOnly }, place)]
}

function has(standing: 'within' | 'above'): string {
  return standing === 'within' ? 'is' : 'has in it'
}

function checkListed(path: string, { source, readOnly }: Wanted, place: Place): Refusal[] {
  const { paths } = place.policy
  const standing = toSensitive(path)
  if (standing === undefined && paths.includes(ordinary)) return []
  if (paths.some(entry => entry !== ordinary && covers(entry, path, readOnly))) return []
  const what = standing === undefined ? 'is not allowed' : standing === 'within' ? 'is sensitive' : 'has sensitive paths in it'
  return [denyEntry(place, 'paths', `the host path ${quote(source)} ${what}`, readOnly ? `${path}:ro` : path)]
}

function covers(entry: string, path: string, readOnly: boolean): boolean {
  const isForReading = entry.endsWith(':ro')
  const folder = withoutOldLinks(isForReading ? entry.slice(0, -':ro'.length) : entry)
  return (readOnly || !isForReading) && isWithin(path, folder)
}

export const checkMounts: Check<readonly Mount[]> = (mounts, place) => bindsOf(mounts).flatMap(wanted => checkBind(wanted, place))

/** Configs and secrets that are files. */
export const checkFiles: Check<readonly PlacedFile[]> = (files, place) =>
  files.flatMap(({ source }) => ('path' in source ? checkOwn(source.path, place) : []))

/** What is only read. */
export function checkOwn(source: string, place: Place): Refusal[] {
  return checkBind({ source, readOnly: true }, place)
}

export function checkBind(wanted: Wanted, place: Place): Refusal[] {
  return [...checkPath(wanted, place), ...checkNested(wanted, place)]
}

/**
 * Whoever may write a folder may turn what is in it into links, at any time and so also between a look at it and its use, or between two starts
 * of a container: nothing below a folder that a container may write can be trusted to stay what it is.
 */
function checkNested({ source, readOnly }: Wanted, place: Place): Refusal[] {
  const mine = formsOf(source, place.premises)
  const above = mine.flatMap(foldersAbove).flatMap(folder => place.nests.writable.get(folder) ?? [])[0]
  if (above !== undefined)
    return denyFlag(place, 'nested-paths', `${quote(source)} is below ${named(above, place)}, where a container may put a link to anywhere`)
  const below = readOnly ? undefined : mine.flatMap(path => place.nests.above.get(path) ?? [])[0]
  if (below === undefined) return []
  return denyFlag(
    place,
    'nested-paths',
    `in ${quote(source)} is ${named(below, place)}, in whose place a container could put a link to anywhere`,
  )
}

/** What is held, for {@link checkNested}: each under its own name, and under those of the folders above it. */
export function nestsOf(project: Project, app: string, premises: Premises): Nests {
  const own = pathsOf(project, { app, folder: premises.folder })
  const writable = [...own, ...premises.held].filter(({ isWritable }) => isWritable)
  const under = (held: readonly HeldPath[], names: (path: string) => readonly string[]) =>
    new Map(
      held.flatMap(each =>
        formsOf(each.path, premises)
          .flatMap(names)
          .map(name => [name, each] as const),
      ),
    )
  return { writable: under(writable, path => [path]), above: under(premises.held, foldersAbove) }
}

/** `/a` and `/` of `/a/b`. */
function foldersAbove(path: string): readonly string[] {
  const segments = path.split('/').slice(1)
  return path === '/' ? [] : segments.map((_, n) => `/${segments.slice(0, n).join('/')}`)
}

function named({ app, path }: HeldPath, place: Place): string {
  return `${quote(path)} of ${app === place.app ? 'this app' : `the app ${app}`}`
}

/** By its name, and by where links lead. */
function formsOf(source: string, { folder, real }: Premises): readonly string[] {
  const path = withoutOldLinks(hostPath(source, folder))
  return [path, withoutOldLinks(real(path))]
}

/** The host paths that an app's containers have. */
export function pathsOf({ services, volumes }: Project, { app, folder }: { readonly app: string; readonly folder: string }): HeldPath[] {
  const mounted = Object.values(services).flatMap(service => bindsOf(service.volumes))
  const bound = Object.values(volumes).flatMap(({ driverOpts }) => boundDevice(driverOpts) ?? [])
  return [
    ...mounted.map(({ source, readOnly }) => ({ app, path: hostPath(source, folder), isWritable: !readOnly })),
    ...bound.map(source => ({ app, path: hostPath(source, folder), isWritable: true })),
  ]
}

function bindsOf(mounts: readonly Mount[]): Wanted[] {
  return mounts.flatMap(mount => (mount.type === 'bind' ? [{ source: mount.source, readOnly: mount.options.includes('ro') }] : []))
}

/** The path that a volume of the Engine's own driver binds. */
export function boundDevice({ o = '', device = '' }: Readonly<Record<string, string>>): string | undefined {
  return o.split(',').some(flag => /^r?bind$/.test(flag.trim())) ? device : undefined
}

/** Sockets and files that the Engine itself opens for a log driver. */
export const checkLogging: Check<NonNullable<Service['logging']>> = ({ options }, place) =>
  Object.entries(options).flatMap(([name, value]) => {
    const path =
      /^unix(?:gram)?:\/\/(\/.*)$/.exec(value)?.[1] ?? (/(cert|key|path|file)$/.test(name) && value.startsWith('/') ? value : undefined)
    return path === undefined ? [] : checkPath({ source: path, readOnly: true }, place)
  })
