// A compose file's project as a wish for the planner.
import { createHash } from 'node:crypto'
import { sortKeys } from '../protocol/compose/canonical.js'
import { type DigestOf, hashService } from '../protocol/compose/hash.js'
import type { Project } from '../protocol/compose/project.js'
import type { RunningWish } from './core/desired.js'
import type { Owner } from './core/labels.js'

/** `folder` is the app's; `digestOf` tells the contents of what is in it, of files and folders, where they count. */
export function runningWish(owner: Owner, project: Project, folder: string, digestOf?: DigestOf): RunningWish {
  const services = Object.entries(project.services)
  const hashes = Object.fromEntries(services.map(([name, service]) => [name, hashService(service, project, digestOf)]))
  return { run: 'running', owner, project, hashes, folder }
}

/** What images are built from, by service: the attributes of the build, and what its context holds. */
export function buildDigests(project: Project, digestOf: DigestOf): Readonly<Record<string, string>> {
  const builds = Object.entries(project.services).flatMap(([name, { build }]) => (build === undefined ? [] : [[name, build] as const]))
  return Object.fromEntries(
    builds.map(([name, build]) => {
      const text = JSON.stringify(sortKeys([build, digestOf(build.context, 'mount') ?? null]))
      return [name, createHash('sha256').update(text).digest('base64url')]
    }),
  )
}
