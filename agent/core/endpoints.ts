// The networks that a container joins, in their order, as the Engine takes them.
import type { Attachment, Service } from '../../protocol/compose/project.js'
import type { ServiceContext } from './engine-config.js'
import { containerName, networkName, scaleOf } from './labels.js'
import { present, unlessEmpty } from './present.js'
import type { Connection, EndpointBody } from './step.js'

/** A driver option that names the network interface inside of the container. */
const interfaceOption = 'com.docker.network.endpoint.ifname'

export function connections(service: Service, context: ServiceContext): (Connection & { readonly macAddress: string | undefined })[] {
  const { owner, project } = context
  return Object.entries(service.networks)
    .sort(byPriority)
    .map(([key, attachment], at) => {
      const macAddress = attachment.macAddress ?? (at === 0 ? service.macAddress : undefined)
      return {
        network: networkName(owner.app, key, project.networks[key]),
        endpoint: endpoint(service, { ...attachment, ...(macAddress === undefined ? {} : { macAddress }) }, context),
        macAddress,
      }
    })
}

/** The networks of a service by key, the first one first. */
export function networkOrder(service: Service): string[] {
  return Object.entries(service.networks)
    .sort(byPriority)
    .map(([key]) => key)
}

function byPriority([a, { priority: ofA = 0 }]: [string, Attachment], [b, { priority: ofB = 0 }]: [string, Attachment]): number {
  return ofB - ofA || (a < b ? -1 : 1)
}

function endpoint(service: Service, attachment: Attachment, context: ServiceContext): EndpointBody {
  const { aliases, ipv4, ipv6, linkLocal, driverOpts, interfaceName, macAddress, gatewayPriority } = attachment
  const ipam = present({ IPv4Address: ipv4, IPv6Address: ipv6, LinkLocalIPs: unlessEmpty(linkLocal) })
  const options = { ...driverOpts, ...(interfaceName === undefined ? {} : { [interfaceOption]: interfaceName }) }
  return present({
    Aliases: [...new Set([context.name, ...aliases])],
    Links: unlessEmpty(linksOf(service, context)),
    IPAMConfig: Object.keys(ipam).length === 0 ? undefined : ipam,
    DriverOpts: Object.keys(options).length === 0 ? undefined : options,
    MacAddress: context.api >= 44 ? macAddress : undefined,
    GwPriority: gatewayPriority,
  }) as EndpointBody
}

/** `container:alias`, by the names that the containers have in the end. */
export function linksOf({ links = [], externalLinks = [] }: Service, { owner, project }: ServiceContext): string[] {
  const own = links.flatMap(({ service: name, alias }) => {
    const linked = project.services[name]
    if (linked === undefined) return []
    return Array.from({ length: scaleOf(linked) }, (_, at) => `${containerName(owner.app, name, linked, at + 1)}:${alias}`)
  })
  return [...own, ...externalLinks]
}
