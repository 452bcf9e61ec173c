// What a service's container was made from, as one short text: another hash means that it must be made anew.
import { createHash } from 'node:crypto'
import type { Project, Service } from './project.js'

/**
 * SHA-256 in hexadecimal over the service's canonical form and the fixed names of the networks and volumes that it uses.
 * What changes no container is not in it: depends_on.
 */
export function hashService(service: Service, project: Pick<Project, 'networks' | 'volumes'>): string {
  const { dependsOn: _, ...lasting } = service
  const networks = Object.keys(service.networks).map(key => fixedName(project.networks, key))
  const volumes = service.volumes.map(mount =>
    mount.type === 'volume' && mount.source !== undefined ? fixedName(project.volumes, mount.source) : null,
  )
  return createHash('sha256')
    .update(canonicalJson([lasting, networks, volumes]))
    .digest('hex')
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
