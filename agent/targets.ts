// From what is desired and what is held to a target for each app's loop.
import { digestText } from '../protocol/spec.js'
import type { RunningWish } from './core/desired.js'
import type { EffectiveApp } from './core/effective.js'
import type { Owner } from './core/labels.js'
import type { Disk } from './disk.js'
import type { Holdings } from './holdings.js'
import type { Target } from './lane.js'
import type { Ledger } from './ledger.js'
import type { HeldProject } from './specs.js'
import { runningWish } from './wish.js'

export interface TargetSources {
  readonly holdings: Holdings
  readonly disk: Disk
  readonly ledger: Ledger
  readonly now: () => number
}

/**
 * While a spec has not come, the one that was applied last goes on. A spec that cannot be read leaves everything as it is.
 */
export function targetOf(app: EffectiveApp, sources: TargetSources): Target {
  const { holdings, disk, ledger, now } = sources
  const owner = { app: app.name, device: disk.id }
  const last = ledger.get(app.name)
  const revision = { revision: app.revision, digest: app.digest }
  const started = app.run === 'running' && last?.run === 'stopped'
  const memory = { outages: started ? [{ fromMs: 0, toMs: now() }] : [], sinceMs: 0 }
  if (app.run === 'stopped') return { owner, wish: { run: 'stopped', owner }, revision, memory, fault: undefined }
  const project = holdings.project(app)
  if (project === undefined) return fallback(app, sources, memory)
  if (!project.ok) return { owner, wish: undefined, revision: undefined, memory, fault: project.refusals[0] }
  return { owner, wish: wishOf(owner, project.value, disk), revision, memory, fault: undefined }
}

function wishOf(owner: Owner, { project, digestOf }: HeldProject, disk: Disk): RunningWish {
  return runningWish(owner, project, disk.appFolder(owner.app), digestOf)
}

function fallback(app: EffectiveApp, { holdings, disk, ledger }: TargetSources, memory: Target['memory']): Target {
  const owner = { app: app.name, device: disk.id }
  const last = ledger.get(app.name)
  const project = last === undefined || last.run === 'stopped' ? undefined : holdings.project(app, last.digest)
  if (last === undefined || project === undefined || !project.ok)
    return { owner, wish: undefined, revision: undefined, memory, fault: undefined }
  const revision = { revision: last.revision, digest: Buffer.from(last.digest, 'base64url') }
  return { owner, wish: wishOf(owner, project.value, disk), revision, memory, fault: undefined }
}

/** Equal keys mean equal targets, whatever is remembered. */
export function targetKey({ wish, revision, fault, owner }: Target): string {
  const digest = revision === undefined ? '' : digestText(revision.digest)
  // The same spec gives another project when variables of the device change.
  const made = wish?.run === 'running' ? [wish.hashes, wish.project.networks, wish.project.volumes] : []
  return JSON.stringify([owner.app, wish?.run, revision?.revision, digest, fault, made])
}
