// Networks and volumes: what the Engine is asked to make, and which of them are missing or left over.
import type { Network, Project, Volume } from '../../protocol/compose/project.js'
import type { RunningWish, Wish } from './desired.js'
import { composeLabels, foreignLabels, networkName, type Owner, optionsLabel, ownLabels, usedNetworks, volumeName } from './labels.js'
import { hostPath } from './mounts.js'
import type { Observed, ObservedVolume } from './observed.js'
import { present, unlessEmpty } from './present.js'
import type { NetworkBody, Step, VolumeBody } from './step.js'

export function networkBody(owner: Owner, key: string, network: Network): { name: string; options: string; body: NetworkBody } {
  const name = networkName(owner.app, key, network)
  const options = JSON.stringify({ ...network, name: undefined, external: undefined })
  const configs = network.subnets.map(({ subnet, gateway, ipRange, auxAddresses }) => ({
    ...(subnet === undefined ? {} : { Subnet: subnet }),
    ...(gateway === undefined ? {} : { Gateway: gateway }),
    ...(ipRange === undefined ? {} : { IPRange: ipRange }),
    ...(auxAddresses === undefined ? {} : { AuxiliaryAddresses: auxAddresses }),
  }))
  const ipam = present({ Driver: network.ipamDriver, Options: network.ipamOptions, Config: unlessEmpty(configs) })
  const body: NetworkBody = {
    Name: name,
    CheckDuplicate: true,
    ...(network.driver === undefined ? {} : { Driver: network.driver }),
    Options: network.driverOpts,
    Internal: network.internal ?? false,
    ...(network.enableIpv4 === undefined ? {} : { EnableIPv4: network.enableIpv4 }),
    EnableIPv6: network.enableIpv6 ?? false,
    Attachable: network.attachable ?? false,
    Labels: { ...foreignLabels(network.labels), ...ownLabels(owner), [composeLabels.network]: key, [optionsLabel]: options },
    ...(Object.keys(ipam).length === 0 ? {} : { IPAM: ipam }),
  }
  return { name, options, body }
}

/** What of a volume cannot be changed without making it, and losing its data. */
function volumeOptions({ driver, driverOpts }: Volume): string {
  return JSON.stringify({ driver, driverOpts })
}

function volumeBody({ owner, folder }: RunningWish, key: string, volume: Volume): VolumeBody {
  const { device } = volume.driverOpts
  const bound = device?.startsWith('.') ? { device: hostPath(device, folder) } : {}
  return {
    Name: volumeName(owner.app, key, volume),
    ...(volume.driver === undefined ? {} : { Driver: volume.driver }),
    DriverOpts: { ...volume.driverOpts, ...bound },
    Labels: { ...foreignLabels(volume.labels), ...ownLabels(owner), [composeLabels.volume]: key, [optionsLabel]: volumeOptions(volume) },
  }
}

const plainNetwork: Network = { driverOpts: {}, labels: {}, subnets: [] }
const plainVolume: Volume = { driverOpts: {}, labels: {} }

/** What to ask the Engine about: the volumes and images of a spec. Networks are few, and it lists them all. */
export function wantedVolumes(app: string, project: Project): string[] {
  return Object.keys(project.volumes).map(key => volumeName(app, key, project.volumes[key]))
}

/** Steps that make what is missing, or refuse what someone else should have made. All declared volumes are made, used or not. */
export function missingResources(wish: RunningWish, observed: Observed): Step[] {
  const { owner, project } = wish
  const networks = usedNetworks(project).flatMap((key): Step[] => {
    const network = project.networks[key] ?? plainNetwork
    const { name, body } = networkBody(owner, key, network)
    if (observed.networks.some(existing => existing.name === name)) return []
    return [network.external === true ? missing('network', key, name) : { kind: 'createNetwork', name, body }]
  })
  const volumes = Object.keys(project.volumes).flatMap((key): Step[] => {
    const volume = project.volumes[key] ?? plainVolume
    const body = volumeBody(wish, key, volume)
    const existing = observed.volumes.find(({ name }) => name === body.Name)
    if (existing !== undefined) return isChanged(existing, volume) ? [changed(key, existing.name)] : []
    return [volume.external === true ? missing('volume', key, body.Name) : { kind: 'createVolume', name: body.Name, body }]
  })
  return [...networks, ...volumes]
}

function isChanged({ owned, options }: ObservedVolume, volume: Volume): boolean {
  return volume.external !== true && owned && options !== '' && options !== volumeOptions(volume)
}

function changed(key: string, name: string): Step {
  const message = `the volume ${name} was made with another driver or other options: remove it, with its data, or give the volume another name`
  return { kind: 'refuse', code: 'engine.refused', message, path: `volumes.${key}` }
}

function missing(what: 'network' | 'volume', key: string, name: string): Step {
  const message = `the external ${what} ${name} does not exist on this device: create it, or leave out "external"`
  return { kind: 'refuse', code: 'engine.refused', message, path: `${what}s.${key}` }
}

/** Our networks that nothing wants and nobody is attached to. */
export function leftoverNetworks(wish: Wish, observed: Observed): Step[] {
  const wanted = new Set(
    wish.run === 'running' ? usedNetworks(wish.project).map(key => networkName(wish.owner.app, key, wish.project.networks[key])) : [],
  )
  return observed.networks
    .filter(({ name, owned, endpoints }) => owned && endpoints === 0 && !wanted.has(name))
    .filter(({ name }) => !observed.containers.some(container => container.networks.includes(name)))
    .map(({ name, id }) => ({ kind: 'removeNetwork', name, id }))
}
