// What the checks of the device's policy share: what they know, where they are, and how a refusal is worded.
import type { Project } from '../../protocol/compose/project.js'
import type { Refusal } from '../../protocol/errors.js'
import type { DevicePolicy, FlagName, ListName, RuleName } from './device-policy.js'

/** A host path that containers have. */
export interface HeldPath {
  readonly app: string
  readonly path: string
  readonly isWritable: boolean
}

/** The device, as far as rules ask for it. */
export interface Premises {
  /** The app's folder, which relative paths start from. */
  readonly folder: string
  /** Where a path leads to when links are followed, as far as it exists. */
  readonly real: (path: string) => string
  /** Files and folders of the agent. */
  readonly own: readonly string[]
  /** Sockets and folders of the container engine beyond those where it usually has them. */
  readonly engine: readonly string[]
  /** Addresses by which others reach it. */
  readonly addresses: readonly string[]
  /** What other apps have, and what the revision of this app has that runs. */
  readonly held: readonly HeldPath[]
}

export interface Judged {
  readonly policy: DevicePolicy
  readonly premises: Premises
  readonly app: string
  readonly project: Project
}

/** Held paths, each with what holds it. */
export interface Nests {
  /** Those that a container may write, of this app too. */
  readonly writable: ReadonlyMap<string, HeldPath>
  /** The folders above those that are held already. */
  readonly above: ReadonlyMap<string, HeldPath>
}

/** Where a value stands. */
export interface Place extends Judged {
  readonly nests: Nests
  readonly path: string
}

export type Check<T> = (value: T, place: Place) => readonly Refusal[]

/** Each attribute has a check with the name that the attribute has in a file, or a reason why there is none. */
export type Checks<T> = {
  readonly [K in keyof Required<T>]:
    | Reason
    | { readonly at: string; readonly rules: readonly RuleName[]; readonly check: Check<NonNullable<T[K]>> }
}

/** Why an attribute needs no rule. */
type Reason = string

/** Every fault of every attribute. */
export function checkAll<T extends object>(checks: Checks<T>, value: T, place: Place): Refusal[] {
  return (Object.keys(checks) as (keyof T)[]).flatMap(name => {
    const [entry, found] = [checks[name], value[name]]
    if (typeof entry === 'string' || found === undefined) return []
    return entry.check(found as NonNullable<T[typeof name]>, at(place, `.${entry.at}`))
  })
}

export function at(place: Place, more: string): Place {
  return { ...place, path: place.path + more }
}

/** `what` is a sentence about what was asked for; the rest of the message is what the owner would have to write. */
export function denyFlag({ policy, path }: Place, rule: FlagName, what: string): Refusal[] {
  return policy[rule] ? [] : [refusal(path, rule, what, `${rule}: true`)]
}

/** `entry` is what the rule's list would have to have. */
export function denyEntry({ policy, path }: Place, rule: ListName, what: string, entry: string): Refusal {
  const before = policy.given.has(rule) ? policy[rule] : ['default']
  const line = before.length > 3 ? `${written(entry)} under ${rule}` : `${rule}: [${[...before, entry].map(written).join(', ')}]`
  return refusal(path, rule, what, line)
}

function refusal(path: string, rule: RuleName, what: string, line: string): Refusal {
  return { code: 'policy.denied', message: `${what} (rule ${rule} of the device's policy; its owner could write ${line})`, path }
}

/** As YAML takes it. */
export function written(entry: string): string {
  const isPlain = /^[A-Za-z/][\w./=@-]*(:[\w.-]+)*$/.test(entry) && !/^(true|false|null)$/i.test(entry)
  return isPlain ? entry : JSON.stringify(entry)
}
