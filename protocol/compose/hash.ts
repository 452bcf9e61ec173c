// What a service's container was made from, as one short text: another hash means that it must be made anew.
import { createHash } from 'node:crypto'
import type { Project, Service } from './project.js'

/**
 * SHA-256 in hexadecimal over the service's canonical form, the fixed names of the networks and volumes that it uses, and the contents
 * of files that `digestOf` knows. What changes no container is not in it: depends_on.
 */
export function hashService(
  service: Service,
  project: Pick<Project, 'networks' | 'volumes'>,
  digestOf: (path: string) => string | undefined = () => undefined,
): string {
  const { dependsOn: _, ...lasting } = service
  const networks = Object.keys(service.networks).map(key => fixedName(project.networks, key))
  const volumes = service.volumes.map(mount =>
    mount.type === 'volume' && mount.source !== undefined ? fixedName(project.volumes, mount.source) : null,
  )
  const contents = pathsOf(service).flatMap(path => digestOf(path) ?? [])
  return createHash('sha256')
    .update(canonicalJson([lasting, networks, volumes, ...(contents.length === 0 ? [] : [contents])]))
    .digest('hex')
}

/** Files and folders of the app's folder that a service's container or image is made of. */
function pathsOf({ files = [], volumes, build }: Service): string[] {
  const placed = files.flatMap(({ source }) => ('path' in source ? [source.path] : []))
  const bound = volumes.flatMap(mount => (mount.type === 'bind' ? [mount.source] : []))
  return [...placed, ...bound, ...(build === undefined ? [] : [build.context])].filter(path => !path.startsWith('/'))
}

function fixedName(named: Readonly<Record<string, { readonly name?: string }>>, key: string): string | null {
  return (Object.hasOwn(named, key) ? named[key]?.name : undefined) ?? null
}

/** JSON with the keys of every object sorted and undefined ones left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    isRecord(item) ? Object.fromEntries(Object.entries(item).sort(compareKeys)) : item,
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function compareKeys([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
