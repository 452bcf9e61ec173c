// The host paths that containers of this device have already when a revision is looked at.
import type { Project } from '../protocol/compose/project.js'
import { digestText } from '../protocol/spec.js'
import type { EffectiveApp } from './core/effective.js'
import type { HeldPath } from './core/permit-parts.js'
import { pathsOf } from './core/permit-paths.js'
import type { Disk } from './disk.js'
import type { Holdings } from './holdings.js'
import type { Ledger } from './ledger.js'

export interface Neighbourhood {
  readonly holdings: Pick<Holdings, 'effective' | 'project'>
  readonly ledger: Ledger
  readonly disk: Disk
}

interface Revision {
  readonly digest: Uint8Array
  readonly project: Project
}

/**
 * Of every app what runs and what would come back, and, for one that comes itself, of those before it by name what is to come: of two new apps that
 * do not get along one is refused. Nothing if it asks for no more than what was good before: that was looked at when it came.
 */
export function heldPaths(app: EffectiveApp, { digest, project }: Revision, around: Neighbourhood): readonly HeldPath[] {
  const { ledger, holdings, disk } = around
  const had = new Set(goodPaths(app, around).map(keyOf))
  const asked = pathsOf(project, { app: app.name, folder: disk.appFolder(app.name) })
  if (asked.every(each => had.has(keyOf(each)))) return []
  const isHere = isSame(ledger.get(app.name)?.applied?.digest, digest)
  return holdings.effective().apps.flatMap(other => {
    const applied = ledger.get(other.name)?.applied?.digest
    const runs = other.name === app.name && isHere ? undefined : applied
    const comes = other.name < app.name && !isHere ? other.digest : undefined
    return [...goodPaths(other, around), ...[runs, comes].flatMap(each => specPaths(other, each, around))]
  })
}

/** What was good is of the variables that it had then. */
function goodPaths(app: EffectiveApp, around: Neighbourhood): readonly HeldPath[] {
  const good = around.ledger.get(app.name)?.good
  return specPaths(app, good?.digest, around, good?.variables && Object.fromEntries(good.variables.map(({ name, value }) => [name, value])))
}

function specPaths(
  app: EffectiveApp,
  digest: Uint8Array | undefined,
  { holdings, disk }: Neighbourhood,
  variables?: Readonly<Record<string, string>>,
): readonly HeldPath[] {
  const project = digest && holdings.project(app, digestText(digest), variables)
  return project?.ok === true ? pathsOf(project.value.project, { app: app.name, folder: disk.appFolder(app.name) }) : []
}

function keyOf({ path, isWritable }: HeldPath): string {
  return `${isWritable} ${path}`
}

function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0
}
