// Rights of containers: privileges, capabilities, profiles, hooks, kernel parameters, runtimes.
import { quote } from '../../protocol/compose/item.js'
import type { Hook } from '../../protocol/compose/parts.js'
import type { Refusal } from '../../protocol/errors.js'
import type { ListName } from './device-policy.js'
import { matchesText } from './glob.js'
import { at, type Check, denyEntry, denyFlag, type Place } from './permit-parts.js'

export const checkPrivileged: Check<boolean> = (privileged, place) =>
  privileged ? denyFlag(place, 'privileged', 'a privileged container is root on the device') : []

export const checkHooks: Check<readonly Hook[]> = (hooks, place) =>
  hooks.flatMap(({ privileged }, n) =>
    privileged === true ? denyFlag(at(place, `[${n}].privileged`), 'privileged', 'a privileged hook has all rights of the device') : [],
  )

export const checkCapabilities: Check<readonly string[]> = (names, place) => {
  const { capabilities } = place.policy
  if (capabilities.includes('ALL')) return []
  return names.flatMap(name =>
    capabilities.includes(name) ? [] : [denyEntry(place, 'capabilities', `the capability ${quote(name)} is not allowed`, name)],
  )
}

/** A profile that comes with the app may allow anything: it is as good as none. */
export const checkSecurity: Check<readonly string[]> = (options, place) =>
  options.flatMap(option => {
    const plain = plainOption(option)
    const entry = plain.startsWith('seccomp={') ? 'seccomp={*' : plain
    return checkText('security-options', { text: plain, entry, what: `the security option ${quote(plain)}` }, place)
  })

/** The Engine takes `:` for `=`, and several words for true. */
function plainOption(option: string): string {
  const equal = option.replace(/^([^:=]+):/, '$1=')
  return /^no-new-privileges=(1|t|T|TRUE|True)$/.test(equal) ? 'no-new-privileges=true' : equal
}

export const checkSysctls: Check<Readonly<Record<string, string>>> = (sysctls, place) =>
  eachKey('sysctls', 'the kernel parameter', sysctls, place)

export const checkAnnotations: Check<Readonly<Record<string, string>>> = (annotations, place) =>
  eachKey('annotations', 'the annotation', annotations, place)

export const checkRuntime: Check<string> = (text, place) => checkText('runtimes', { text, what: `the runtime ${quote(text)}` }, place)

export const checkCgroupParent: Check<string> = (text, place) =>
  checkText('cgroup-parents', { text, what: `the parent cgroup ${quote(text)}` }, place)

function eachKey(rule: ListName, kind: string, map: Readonly<Record<string, string>>, place: Place): Refusal[] {
  return Object.keys(map).flatMap(text => checkText(rule, { text, what: `${kind} ${quote(text)}` }, place))
}

/** One text against a list of patterns; `what` names it. */
export function checkText(
  rule: ListName,
  { text, entry = text, what }: { text: string; entry?: string; what: string },
  place: Place,
): Refusal[] {
  if (place.policy[rule].some(pattern => matchesText(pattern, text))) return []
  return [denyEntry(place, rule, `${what} is not allowed`, entry)]
}
