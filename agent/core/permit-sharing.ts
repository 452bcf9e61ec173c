// Namespaces that a container would share with the host or with containers of others, and networks that are the host's own.
import { quote } from '../../protocol/compose/item.js'
import type { VolumesFrom } from '../../protocol/compose/parts.js'
import type { Attachment, Network } from '../../protocol/compose/project.js'
import type { Refusal } from '../../protocol/errors.js'
import type { HostNamespace } from './device-policy.js'
import { networkName } from './labels.js'
import { at, type Check, type Checks, checkAll, denyEntry, type Place } from './permit-parts.js'
import { checkText } from './permit-rights.js'

/** Of an attribute whose value may be `host` or `container:NAME`. */
export function checkNamespace(name: HostNamespace): Check<string> {
  return (mode, place) => {
    if (mode === 'host') return denyHost(name, place)
    const container = /^container:(.*)$/s.exec(mode)?.[1]
    return container === undefined ? [] : checkForeign(container, place)
  }
}

function denyHost(name: HostNamespace, place: Place): Refusal[] {
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

/** The host's network goes by a name, too. */
export const checkAttachments: Check<Readonly<Record<string, Attachment>>> = (attachments, place) =>
  Object.keys(attachments).flatMap(key => {
    const name = networkName(place.app, key, place.project.networks[key])
    return name === 'host' ? denyHost('network', at(place, `.${key}`)) : []
  })

const plain = 'concerns addresses of the app alone'

export const networkChecks: Checks<Network> = {
  name: 'looked at where a service joins it',
  external: 'what it joins was made by someone else; see name',
  driver: { at: 'driver', rules: ['host-namespaces'], check: (driver, place) => (driver === 'host' ? denyHost('network', place) : []) },
  driverOpts: 'names interfaces and addresses of the device, which gives no rights on it',
  internal: plain,
  enableIpv4: plain,
  enableIpv6: plain,
  attachable: plain,
  labels: 'our own are written over them',
  subnets: plain,
  ipamDriver: 'is installed by the owner',
  ipamOptions: plain,
}

export const checkNetwork: Check<Network> = (network, place) => checkAll(networkChecks, network, place)
