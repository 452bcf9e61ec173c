// What a service's container was made from, as one short text: another hash means that it must be made anew.
import { createHash } from 'node:crypto'
import { sortKeys } from './canonical.js'
import type { Project, Service } from './project.js'

/**
 * Digest of what a path of the app's folder holds, for a config or secret (`file`) or a bind (`mount`). Undefined for
 * what may change without a new container.
 */
export type DigestOf = (path: string, use: 'file' | 'mount') => string | undefined

/**
 * SHA-256 in hexadecimal over the service's canonical form, the fixed names of the networks and volumes that it uses, and
 * the contents of its files. What changes no container is not in it: dependencies, how and when an image comes, how many
 * containers there are.
 */
export function hashService(
  service: Service,
  project: Pick<Project, 'networks' | 'volumes'>,
  digestOf: DigestOf = () => undefined,
): string {
  const { dependsOn: _dependsOn, build: _build, pullPolicy: _pullPolicy, scale: _scale, ...lasting } = service
  const networks = Object.keys(service.networks).map(key => fixedName(project.networks, key))
  const volumes = service.volumes.map(mount =>
    mount.type === 'volume' && mount.source !== undefined ? fixedName(project.volumes, mount.source) : null,
  )
  return createHash('sha256')
    .update(JSON.stringify(sortKeys([lasting, networks, volumes, ...digestsOf(service, digestOf)])))
    .digest('hex')
}

/** None if nothing of the folder counts. */
function digestsOf({ volumes, files = [] }: Service, digestOf: DigestOf): readonly (readonly (string | null)[])[] {
  const mounted = volumes.map(mount => (mount.type === 'bind' ? (digestOf(mount.source, 'mount') ?? null) : null))
  const placed = files.map(({ source }) => ('path' in source ? (digestOf(source.path, 'file') ?? null) : null))
  const all = [mounted, placed]
  return all.some(digests => digests.some(digest => digest !== null)) ? all : []
}

function fixedName(named: Readonly<Record<string, { readonly name?: string }>>, key: string): string | null {
  return (Object.hasOwn(named, key) ? named[key]?.name : undefined) ?? null
}
