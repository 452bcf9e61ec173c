// Networks of a project: those that are the host's own, and those that would be in the way of the host's.
import { isWithin } from '../../protocol/compose/cidr.js'
import { quote } from '../../protocol/compose/item.js'
import type { Attachment, Network } from '../../protocol/compose/project.js'
import type { Refusal } from '../../protocol/errors.js'
import { networkName } from './labels.js'
import { at, type Check, type Checks, checkAll, denyFlag, type Place } from './permit-parts.js'
import { checkText } from './permit-rights.js'
import { denyHost } from './permit-sharing.js'

/** The host's network goes by a name, too. */
export const checkAttachments: Check<Readonly<Record<string, Attachment>>> = (attachments, place) =>
  Object.keys(attachments).flatMap(key => {
    const name = networkName(place.app, key, place.project.networks[key])
    return name === 'host' ? denyHost('network', at(place, `.${key}`)) : []
  })

const plain = 'concerns the network of the app alone'

export const networkChecks: Checks<Network> = {
  name: 'is looked at where a service joins it',
  external: 'was made by someone else',
  driver: { at: 'driver', rules: ['host-namespaces'], check: (driver, place) => (driver === 'host' ? denyHost('network', place) : []) },
  driverOpts: { at: 'driver_opts', rules: ['network-options'], check: checkOptions },
  internal: plain,
  enableIpv4: plain,
  enableIpv6: plain,
  attachable: plain,
  labels: 'our own are written over them',
  subnets: { at: 'ipam', rules: ['device-subnets'], check: checkSubnets },
  ipamDriver: 'is installed by the owner',
  ipamOptions: plain,
}

export const checkNetwork: Check<Network> = (network, place) => {
  // Networks without a bridge are part of the one that the device is in.
  const isBridge = network.driver === undefined || network.driver === 'bridge'
  return checkAll(networkChecks, isBridge ? network : { ...network, subnets: [] }, place)
}

/** A bridge by the name of one that the host has would take its addresses away. */
function checkOptions(options: Readonly<Record<string, string>>, place: Place): Refusal[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const text = `${name}=${value}`
    return checkText('network-options', { text, what: `the network option ${quote(text)}` }, place)
  })
}

function checkSubnets(subnets: Network['subnets'], place: Place): Refusal[] {
  return subnets.flatMap(({ subnet }) => {
    const own = place.premises.addresses.find(address => subnet !== undefined && isWithin(address, subnet))
    if (own === undefined || subnet === undefined) return []
    return denyFlag(place, 'device-subnets', `the subnet ${subnet} has the address ${own} of the device in it, and would cut it off`)
  })
}
