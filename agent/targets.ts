// From what is desired, held and remembered to a target for each app's loop.
import { createHash } from 'node:crypto'
import type { Refusal, Result } from '../protocol/errors.js'
import { digestText } from '../protocol/spec.js'
import { awaitsRefresh, type Candidate, canUndo, chooseCourse, entryOf, isGood } from './core/course.js'
import type { RunningWish } from './core/desired.js'
import type { EffectiveApp } from './core/effective.js'
import { permitImages, withoutPulls } from './core/image-lists.js'
import { imageName, type Owner } from './core/labels.js'
import type { AppRecord, Failed } from './core/record.js'
import type { Disk } from './disk.js'
import type { Holdings } from './holdings.js'
import type { Ledger } from './ledger.js'
import { heldPaths } from './neighbours.js'
import type { Permits } from './permits.js'
import type { HeldProject } from './specs.js'
import { type Given, noTarget, type Revision, type Target } from './target.js'
import type { Verdicts } from './verdicts.js'
import { buildDigests, runningWish } from './wish.js'

type Variables = Readonly<Record<string, string>>

export interface TargetSources {
  readonly holdings: Holdings
  readonly disk: Disk
  readonly ledger: Ledger
  readonly verdicts: Verdicts
  readonly permits: Pick<Permits, 'check'>
  readonly now: () => number
}

/**
 * While a spec has not come, the one that was applied last goes on, and so it does instead of one that the device's policy denies. A spec that
 * cannot be read leaves everything as it is. What has failed gives way to what was good before.
 */
export function targetOf(app: EffectiveApp, sources: TargetSources): Target {
  const record = sources.ledger.get(app.name)
  const plain = plainTarget(app, sources, record)
  const revision: Revision = { revision: app.revision, digest: app.digest }
  if (app.run === 'stopped') return { ...plain, wish: { run: 'stopped', owner: plain.owner }, revision }
  const project = projectOf(app, app.digest, sources)
  if (project === undefined) return fallback(app, plain, sources, record)
  if (!project.ok) return refusedTarget(app, plain, { sources, record, fault: project.refusals[0] })
  // A list that has not come yet may deny it.
  if (sources.holdings.unknownGroups().length > 0 && !isApplied(record, app.digest)) return fallback(app, plain, sources, record)
  const proofs = permitImages(sources.holdings.imageLists(), app.name, project.value.project)
  if (!proofs.ok) return deniedTarget(app, { ...plain, revision }, { sources, record, fault: proofs.refusals[0] })
  const wish = wishOf(plain.owner, project.value, sources)
  return chosenTarget(
    app,
    { ...plain, revision },
    Object.keys(proofs.value).length === 0 ? wish : { ...wish, proofs: proofs.value },
    sources,
  )
}

/** Whatever is to run passes here: a project that the device's policy denies is none. */
function projectOf(app: EffectiveApp, digest: Uint8Array, sources: TargetSources, variables?: Variables): Result<HeldProject> | undefined {
  const { holdings, permits, disk } = sources
  const project = holdings.project(app, digestText(digest), variables)
  if (project?.ok !== true) return project
  const held = heldPaths(app, { digest, project: project.value.project }, sources)
  const denial = permits.check(app.name, project.value.project, { folder: disk.appFolder(app.name), held })
  return denial === undefined ? project : { ok: false, refusals: [denial] }
}

interface Refused {
  readonly sources: TargetSources
  readonly record: AppRecord | undefined
  readonly fault: Refusal
}

/** What is denied is as what has failed: the report names its revision, and what ran before runs on. It is looked at anew with each aim. */
function refusedTarget(app: EffectiveApp, plain: Target, { sources, record, fault }: Refused): Target {
  if (fault.code !== 'policy.denied' && fault.code !== 'image.denied') return { ...plain, fault }
  const generation = app.refresh?.generation ?? 0
  const failed: Failed = { revision: app.revision, entry: entryOf(app), generation, fault, retry: false, references: [] }
  if (record?.failed !== undefined && record.applied === undefined && canUndo(record)) return { ...undone(plain, record), failed, fault }
  const before = runsGood(record) ? goBack(app, plain, sources, record) : fallback(app, plain, sources, record)
  return { ...before, course: 'last-good', failed, fault }
}

/** An image list denies what is desired. If it runs already it runs on, and is told of; otherwise what ran before does. */
function deniedTarget(app: EffectiveApp, plain: Target, refused: Refused): Target {
  const { sources, record, fault } = refused
  const wish = isApplied(record, app.digest) ? standing(app, plain, sources, record) : undefined
  return wish === undefined ? refusedTarget(app, { ...plain, revision: undefined }, refused) : { ...plain, wish, concern: fault }
}

function undone(plain: Target, record: AppRecord | undefined): Target {
  const wish = { run: 'removed', owner: plain.owner, volumes: true, kept: record?.kept ?? [] } as const
  return { ...plain, wish, revision: undefined, course: 'undone' }
}

function plainTarget(app: EffectiveApp, { disk, now }: TargetSources, record: AppRecord | undefined): Target {
  const started = app.run === 'running' && record?.applied?.run === 'stopped'
  const memory: Given = { outages: started ? [{ fromMs: 0, toMs: now() }] : [], sinceMs: 0, restart: app.policy?.restart ?? 'no' }
  const owner = { app: app.name, device: disk.id }
  return { ...noTarget, owner, memory }
}

function chosenTarget(app: EffectiveApp, plain: Target, wish: RunningWish, sources: TargetSources): Target {
  const record = sources.ledger.get(app.name)
  const candidate = candidateOf(app, wish)
  const course = app.policy?.rollBack === false ? 'desired' : chooseCourse(record, candidate, sources.verdicts.isRetrying(app.name))
  const failed = record?.failed?.entry === candidate.entry ? record.failed : undefined
  switch (course) {
    case 'desired': {
      const proved = isGood(record, candidate)
      const settleMs = app.policy?.settleS === undefined ? undefined : app.policy.settleS * 1000
      const trial = proved ? undefined : { candidate, settleMs, variables: sources.holdings.variablesOf(app) }
      const before = proved ? undefined : standing(app, plain, sources, record)
      return { ...plain, wish: proved ? wish : withRefresh(wish, app, awaitsRefresh(record, candidate)), before, trial, failed }
    }
    case 'last-good':
      return { ...goBack(app, plain, sources, record), course, failed }
    case 'undone':
      return { ...undone(plain, record), failed }
  }
}

function wishOf(owner: Owner, { project, digestOf }: HeldProject, { disk }: TargetSources): RunningWish {
  return { ...runningWish(owner, project, disk.appFolder(owner.app), digestOf), builds: buildDigests(project, digestOf) }
}

/** Newer images are wanted once for each generation, and with a new revision where the pull policy asks for it. */
function withRefresh(wish: RunningWish, { refresh }: EffectiveApp, isDue: boolean): RunningWish {
  if (refresh === undefined || !isDue) return { ...wish, refresh: 'by-policy' }
  return { ...wish, refresh: refresh.services === undefined ? {} : { services: refresh.services } }
}

function candidateOf(app: EffectiveApp, wish: RunningWish): Candidate {
  const content = createHash('sha256').update(app.digest).update(JSON.stringify(wish.hashes)).digest('base64url')
  const proofs = wish.proofs === undefined ? '' : ` ${createHash('sha256').update(JSON.stringify(wish.proofs)).digest('base64url')}`
  return { entry: `${entryOf(app)} ${content}${proofs}`, content, generation: app.refresh?.generation ?? 0 }
}

/** The last good revision, of the images and variables that it was made from then. */
function goBack(app: EffectiveApp, plain: Target, sources: TargetSources, record: AppRecord | undefined): Target {
  const good = record?.good
  const variables = good?.variables && Object.fromEntries(good.variables.map(({ name, value }) => [name, value]))
  const project = good && projectOf(app, good.digest, sources, variables)
  if (good === undefined || project === undefined) return { ...plain, revision: undefined }
  if (!project.ok) return { ...plain, revision: undefined, fault: project.refusals[0] }
  const images = Object.fromEntries(good.images.map(({ service, id }) => [service, id]))
  const wish = { ...wishOf(plain.owner, project.value, sources), images, sources: byService(good.sources ?? []) }
  return pinned({ ...plain, revision: { revision: good.revision, digest: good.digest } }, wish, sources)
}

/** What was applied last, of the images that it was seen with. */
function standing(app: EffectiveApp, plain: Target, sources: TargetSources, record: AppRecord | undefined): RunningWish | undefined {
  const { applied, images = [] } = record ?? {}
  if (applied?.run !== 'running') return undefined
  const back = runsGood(record) ? goBack(app, plain, sources, record).wish : undefined
  if (back?.run === 'running') return back
  const project = projectOf(app, applied.digest, sources)
  if (project?.ok !== true) return undefined
  const wish = wishOf(plain.owner, project.value, sources)
  const seen = new Map(images.map(({ reference, id }) => [reference, id]))
  const pins = Object.entries(wish.project.services).flatMap(([name, service]) => {
    const id = seen.get(imageName(app.name, name, service))
    return id === undefined ? [] : [[name, id] as const]
  })
  return withoutPulls({ ...wish, images: Object.fromEntries(pins) }, sources.holdings.imageLists())
}

/** What ran before comes back even if a list denies it by now, as long as nothing has to be pulled for it. */
function pinned(target: Target, wish: RunningWish, { holdings }: TargetSources): Target {
  const lists = holdings.imageLists()
  const held = withoutPulls(wish, lists)
  if (held !== undefined) return { ...target, wish: held }
  const permitted = permitImages(lists, wish.owner.app, wish.project)
  return { ...target, revision: undefined, fault: permitted.ok ? noProof : permitted.refusals[0] }
}

const noProof: Refusal = {
  code: 'image.denied',
  message: 'an image of the revision before is on its list by its digest alone, and is not here any more',
}

function isApplied({ applied }: AppRecord = {}, digest: Uint8Array): boolean {
  return applied?.run === 'running' && Buffer.compare(applied.digest, digest) === 0
}

/** What runs is what was good last, and the images are known that it was made of. */
function runsGood({ applied, good }: AppRecord = {}): boolean {
  return applied?.run === 'running' && good !== undefined && Buffer.compare(good.digest, applied.digest) === 0 && good.images.length > 0
}

function byService(sources: readonly { readonly service: string; readonly reference: string }[]): Readonly<Record<string, string>> {
  return Object.fromEntries(sources.map(({ service, reference }) => [service, reference]))
}

function fallback(app: EffectiveApp, plain: Target, sources: TargetSources, record: AppRecord | undefined): Target {
  const { applied, failed, good } = record ?? {}
  if (applied === undefined || applied.run === 'stopped') return plain
  if (failed !== undefined && good !== undefined) return goBack(app, plain, sources, record)
  const project = projectOf(app, applied.digest, sources)
  if (project === undefined) return plain
  if (!project.ok) return { ...plain, fault: project.refusals[0] }
  const revision: Revision = { revision: applied.revision, digest: applied.digest }
  const wish = wishOf(plain.owner, project.value, sources)
  const isPermitted = withoutPulls(wish, sources.holdings.imageLists()) !== undefined
  return isPermitted ? { ...plain, wish, revision } : pinned({ ...plain, revision }, standing(app, plain, sources, record) ?? wish, sources)
}
