// Devices of the host: by their names, by what they are links to, and by their numbers.
import { quote } from '../../protocol/compose/item.js'
import type { Refusal } from '../../protocol/errors.js'
import { matchesPath } from './glob.js'
import { hostPath } from './mounts.js'
import { type Check, denyEntry, type Place } from './permit-parts.js'

/** `host:container:permissions` each. */
export const checkDevices: Check<readonly string[]> = (devices, place) =>
  devices.flatMap(device => checkDevice(device.split(':')[0] ?? '', place))

/**
 * Names below /dev are made by the device itself, so that a name there is as good as what it is a link to. A link elsewhere may change: both
 * have to be allowed.
 */
export function checkDevice(path: string, place: Place): Refusal[] {
  const [name, target] = [hostPath(path, '/'), place.premises.real(path)]
  const isOwn = name === path && /^\/dev\/(?!shm(\/|$))/.test(path)
  const isAllowed = (each: string) => place.policy.devices.some(pattern => matchesPath(pattern, each))
  if (isOwn ? isAllowed(name) || isAllowed(target) : isAllowed(name) && isAllowed(target)) return []
  const named = target === name ? quote(path) : `${quote(path)}, which leads to ${quote(target)},`
  return [denyEntry(place, 'devices', `the device ${named} is not allowed`, isOwn || isAllowed(target) ? name : target)]
}

export const checkDeviceRules: Check<readonly string[]> = (rules, place) =>
  rules.flatMap(rule =>
    place.policy['device-rules'].some(allowed => covers(allowed, rule))
      ? []
      : [denyEntry(place, 'device-rules', `the device rule ${quote(rule)} is not allowed`, rule)],
  )

function covers(allowed: string, asked: string): boolean {
  const [mine, theirs] = [partsOf(allowed), partsOf(asked)]
  const isOf = (wide: string, narrow: string, all: string) => wide === all || wide === narrow
  const isAll = mine.type === 'a' || mine.type === theirs.type
  return (
    isAll &&
    isOf(mine.major, theirs.major, '*') &&
    isOf(mine.minor, theirs.minor, '*') &&
    [...theirs.permissions].every(each => mine.permissions.includes(each))
  )
}

function partsOf(rule: string): { type: string; major: string; minor: string; permissions: string } {
  const [type = '', numbers = '', permissions = ''] = rule.split(' ')
  const [major = '', minor = ''] = numbers.split(':')
  return { type, major, minor, permissions }
}
