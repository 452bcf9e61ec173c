// Which images may run: lists of the fleet and of groups, kept by their admins and held against whatever is to be deployed.
import type { UsedImage } from '../protocol/compose/images.js'
import { type Refusal, type Result, SkerryError, unwrap } from '../protocol/errors.js'
import { type ImageList, judgeImage, readPattern } from '../protocol/images.js'
import { newEvent } from './core/events.js'
import type { App, Target } from './core/model.js'
import type { Fleet } from './fleet.js'
import { findGroup } from './groups.js'
import { imagesOfSpec } from './specs.js'
import { readGroupsOf } from './store/groups.js'
import * as lists from './store/image-lists.js'
import { bumpFleet, bumpTarget } from './store/outbox.js'

/** A list travels in a manifest, which has room for no more. */
const maxPatterns = 200
const maxListBytes = 16 * 1024

/** The list of a group, or of the fleet. Throws `group.unknown`. */
export function listOwner(fleet: Fleet, group: string | undefined): lists.ListOwner {
  return group === undefined ? lists.wholeFleet : { kind: 'group', name: findGroup(fleet, group).name }
}

export function nameOfList({ kind, name }: lists.ListOwner): string {
  return kind === 'fleet' ? 'the fleet' : `group ${name}`
}

/** Puts patterns on a list, which begins to hold with its first. Returns the list. Throws `request.invalid` with every fault. */
export function allowImages(fleet: Fleet, owner: lists.ListOwner, texts: readonly string[]): readonly string[] {
  const added = readPatterns(texts)
  const before = lists.readImageList(fleet.db, owner)
  const patterns = [...new Set([...(before ?? []), ...added])].sort()
  const bytes = patterns.reduce((sum, pattern) => sum + Buffer.byteLength(pattern), 0)
  if (patterns.length > maxPatterns || bytes > maxListBytes) {
    throw new SkerryError('request.invalid', `a list has at most ${maxPatterns} patterns and ${maxListBytes} bytes: use fewer, wider ones`)
  }
  if (before !== undefined && patterns.length === before.length) return before
  setList(fleet, owner, { patterns, message: `${added.join(', ')} put on the image list of ${nameOfList(owner)}` })
  return patterns
}

/** Takes patterns off a list; the last one leaves a list that allows nothing. Throws `request.invalid` for what is not on it. */
export function removeImages(fleet: Fleet, owner: lists.ListOwner, texts: readonly string[]): readonly string[] {
  const removed = readPatterns(texts)
  const before = lists.readImageList(fleet.db, owner) ?? []
  const strange = removed.filter(pattern => !before.includes(pattern))
  if (strange.length > 0) throw new SkerryError('request.invalid', `${strange.join(', ')} is not on the image list of ${nameOfList(owner)}`)
  const patterns = before.filter(pattern => !removed.includes(pattern))
  setList(fleet, owner, { patterns, message: `${removed.join(', ')} taken off the image list of ${nameOfList(owner)}` })
  return patterns
}

/** From now on all images may run, as far as this list is concerned. */
export function clearImages(fleet: Fleet, owner: lists.ListOwner): void {
  if (lists.readImageList(fleet.db, owner) === undefined) return
  setList(fleet, owner, { patterns: null, message: `the image list of ${nameOfList(owner)} was cleared: it allows all` })
}

interface NewList {
  readonly patterns: readonly string[] | null
  readonly message: string
}

function setList({ db, journal, clock, publisher }: Fleet, owner: lists.ListOwner, { patterns, message }: NewList): void {
  journal.change(note => {
    if (patterns === null) lists.deleteImageList(db, owner)
    else lists.writeImageList(db, owner, patterns, clock.now())
    if (owner.kind === 'fleet') bumpFleet(db)
    else bumpTarget(db, { kind: 'group', name: owner.name })
    note(newEvent('images.changed', message, { group: owner.kind === 'group' ? owner.name : null, data: { patterns } }))
  })
  publisher.wake()
}

function readPatterns(texts: readonly string[]): readonly string[] {
  const results = texts.map(readPattern)
  const [first, ...others] = results.flatMap((result): readonly Refusal[] => (result.ok ? [] : result.refusals))
  if (first !== undefined) throw new SkerryError(first.code, first.message, { others })
  return [...new Set(results.map(unwrap))]
}

/** The lists that hold for a target: the fleet's, and those of the group or of all groups of the device. */
function listsFor({ db }: Fleet, { kind, name }: Target): ImageList[] {
  const groups = kind === 'group' ? [name] : readGroupsOf(db, name)
  const owners = [lists.wholeFleet, ...groups.map(group => ({ kind: 'group', name: group }) as const)]
  return owners.flatMap(owner => {
    const patterns = lists.readImageList(db, owner)
    return patterns === undefined ? [] : [{ of: nameOfList(owner), patterns }]
  })
}

/** Throws `image.denied` with every image that a list of the target denies. Devices know of further lists, and of digests. */
export function checkImages(fleet: Fleet, target: Target, images: readonly UsedImage[]): void {
  const holding = listsFor(fleet, target)
  const refusals = images.flatMap(({ reference, path }) => {
    const judged: Result<unknown> = judgeImage(holding, reference)
    return judged.ok ? [] : judged.refusals.map(refusal => ({ ...refusal, path }))
  })
  const [first, ...others] = refusals
  if (first !== undefined) throw new SkerryError(first.code, first.message, { path: first.path, others })
}

/** The same for a spec that is stored. */
export function checkStoredImages(fleet: Fleet, { target, name }: Pick<App, 'target' | 'name'>, digest: string): void {
  if (listsFor(fleet, target).length > 0) checkImages(fleet, target, imagesOfSpec(fleet.db, name, digest))
}
