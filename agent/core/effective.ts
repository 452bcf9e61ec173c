// What should run on the device: its groups' apps, overlaid by its own.
import type { DesiredApp, Manifest, Purge } from '../../protocol/messages/manifest.js'
import type { Fault } from '../../protocol/messages/message.js'

export interface EffectiveApp extends DesiredApp {
  /** Absent for the device's own. */
  readonly group?: string
}

export interface Effective {
  /** Sorted by name. */
  readonly apps: readonly EffectiveApp[]
  /** One `app.conflict` for each app that lost to another of its name. */
  readonly conflicts: readonly Fault[]
}

/** The device's own app wins over a group's, the first group by name over the others. Groups that the device isn't in are ignored. */
export function effectiveApps(device: Manifest | undefined, groups: ReadonlyMap<string, Manifest>): Effective {
  const winners = new Map<string, EffectiveApp>()
  const conflicts: Fault[] = []
  const offer = (app: EffectiveApp) => {
    const winner = winners.get(app.name)
    if (winner === undefined) winners.set(app.name, app)
    else conflicts.push(conflict(app, winner))
  }
  for (const app of device?.apps ?? []) offer(app)
  for (const group of [...(device?.groups ?? [])].sort()) {
    for (const app of groups.get(group)?.apps ?? []) offer({ ...app, group })
  }
  return { apps: [...winners.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), conflicts }
}

/** What is to go with apps that nobody desires any more, by name. */
export function effectivePurges(device: Manifest | undefined, groups: ReadonlyMap<string, Manifest>): ReadonlyMap<string, Purge> {
  const desired = new Set(effectiveApps(device, groups).apps.map(({ name }) => name))
  const purges = new Map<string, Purge>()
  const sources = [device, ...(device?.groups ?? []).map(group => groups.get(group))]
  for (const { name, volumes, images } of sources.flatMap(manifest => manifest?.purges ?? [])) {
    const other = purges.get(name)
    const both = { name, volumes: volumes === true || other?.volumes === true, images: images === true || other?.images === true }
    if (!desired.has(name)) purges.set(name, both)
  }
  return purges
}

function conflict(loser: EffectiveApp, winner: EffectiveApp): Fault {
  return {
    code: 'app.conflict',
    message: `app ${loser.name} of ${place(loser)} is not run: ${place(winner)} has one of the same name`,
    path: `apps.${loser.name}`,
  }
}

function place({ group }: EffectiveApp): string {
  return group === undefined ? 'the device' : `group ${group}`
}

type Version = Pick<Manifest, 'instance' | 'revision'>

/** True if `next` may replace `held`: revisions compare only within one manager's instance. */
export function supersedes(next: Version, held: Version | undefined): boolean {
  if (held === undefined || !sameBytes(next.instance, held.instance)) return true
  return next.revision > held.revision
}

/** True if it is older than what was held once. */
export function isBelow(next: Version, floor: Version | undefined): boolean {
  return floor !== undefined && sameBytes(next.instance, floor.instance) && next.revision < floor.revision
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, n) => byte === b[n])
}
