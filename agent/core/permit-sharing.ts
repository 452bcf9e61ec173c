// Namespaces and volumes that a container would share with the host, or with containers of others.
import { quote } from '../../protocol/compose/item.js'
import type { VolumesFrom } from '../../protocol/compose/parts.js'
import type { Refusal } from '../../protocol/errors.js'
import type { HostNamespace } from './device-policy.js'
import { type Check, denyEntry, type Place } from './permit-parts.js'
import { checkText } from './permit-rights.js'

/** Of an attribute whose value may be `host` or `container:NAME`. */
export function checkNamespace(name: HostNamespace): Check<string> {
  return (mode, place) => {
    if (mode === 'host') return denyHost(name, place)
    const container = /^container:(.*)$/s.exec(mode)?.[1]
    return container === undefined ? [] : checkForeign(container, place)
  }
}

export function denyHost(name: HostNamespace, place: Place): Refusal[] {
  if (place.policy['host-namespaces'].includes(name)) return []
  return [denyEntry(place, 'host-namespaces', `the ${name} namespace of the device is not to be shared`, name)]
}

export const checkVolumesFrom: Check<readonly VolumesFrom[]> = (all, place) =>
  all.flatMap(({ container }) => (container === undefined ? [] : checkForeign(container, place)))

function checkForeign(container: string, place: Place): Refusal[] {
  return checkText(
    'containers',
    { text: container, what: `sharing with the container ${quote(container)}, which is not the app's,` },
    place,
  )
}
