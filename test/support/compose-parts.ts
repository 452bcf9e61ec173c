// Ports, mounts, limits, networks and volumes of a canonical project, as a compose file has them.
import type { Blkio } from '../../protocol/compose/parts.js'
import type { Attachment, Mount, Network, Port, Resources, Volume } from '../../protocol/compose/project.js'

export type Json = Record<string, unknown>

export function writePort({ hostIp, published, publishedTo, target, protocol }: Port): Json {
  const range = publishedTo === undefined ? String(published) : `${published}-${publishedTo}`
  return { host_ip: hostIp === '' ? null : hostIp, published: published === 0 ? null : range, target, protocol }
}

export function writeMount(mount: Mount): unknown {
  const { type, target } = mount
  switch (mount.type) {
    case 'tmpfs':
      return { type, target, read_only: mount.readOnly, tmpfs: { size: mount.sizeBytes, mode: mount.mode } }
    case 'image':
      return { type, target, source: mount.source, image: { subpath: mount.subpath } }
    case 'bind': {
      const bind = { ...options(mount.options), create_host_path: mount.createSource, recursive: mount.recursive }
      return { type, target, source: mount.source, read_only: mount.options.includes('ro'), bind }
    }
    case 'volume': {
      if (mount.options.some(option => /^z$/i.test(option))) return `${mount.source}:${target}:${mount.options.join()}`
      const volume = { nocopy: mount.options.includes('nocopy'), subpath: mount.subpath, labels: mount.labels }
      return { type, target, source: mount.source, read_only: mount.options.includes('ro'), volume }
    }
  }
}

function options(all: readonly string[]): Json {
  return { selinux: all.find(option => /^z$/i.test(option)), propagation: all.find(option => /^r?(private|shared|slave)$/.test(option)) }
}

export function writeAttachment(attachment: Attachment): Json {
  return {
    aliases: attachment.aliases,
    ipv4_address: attachment.ipv4,
    ipv6_address: attachment.ipv6,
    link_local_ips: attachment.linkLocal,
    mac_address: attachment.macAddress,
    priority: attachment.priority,
    gw_priority: attachment.gatewayPriority,
    driver_opts: attachment.driverOpts,
    interface_name: attachment.interfaceName,
  }
}

export function writeResources(resources: Resources): Json {
  return {
    mem_limit: resources.memoryBytes,
    mem_reservation: resources.memoryReservationBytes,
    memswap_limit: resources.memorySwapBytes,
    mem_swappiness: resources.memorySwappiness,
    cpus: resources.cpusMilli === undefined ? undefined : resources.cpusMilli / 1000,
    cpu_shares: resources.cpuShares,
    cpu_quota: resources.cpuQuotaUs,
    cpu_period: resources.cpuPeriodUs,
    cpu_rt_period: resources.cpuRealtimePeriodUs,
    cpu_rt_runtime: resources.cpuRealtimeRuntimeUs,
    cpu_count: resources.cpuCount,
    cpu_percent: resources.cpuPercent,
    cpuset: resources.cpuset,
    pids_limit: resources.pids,
    oom_kill_disable: resources.oomKillDisable,
    oom_score_adj: resources.oomScoreAdj,
    blkio_config: resources.blkio && writeBlkio(resources.blkio),
  }
}

function writeBlkio(blkio: Blkio): Json {
  const list = (rates: Readonly<Record<string, number>> = {}, key = 'rate') =>
    Object.entries(rates).map(([path, rate]) => ({ path, [key]: rate }))
  return {
    weight: blkio.weight,
    weight_device: list(blkio.weightDevice, 'weight'),
    device_read_bps: list(blkio.readBytes),
    device_write_bps: list(blkio.writeBytes),
    device_read_iops: list(blkio.readOperations),
    device_write_iops: list(blkio.writeOperations),
  }
}

export function writeNetwork(network: Network): Json {
  if (network.external === true) return { external: true, name: network.name }
  return {
    name: network.name,
    driver: network.driver,
    driver_opts: network.driverOpts,
    internal: network.internal,
    enable_ipv4: network.enableIpv4,
    enable_ipv6: network.enableIpv6,
    attachable: network.attachable,
    labels: network.labels,
    ipam: {
      driver: network.ipamDriver,
      options: network.ipamOptions,
      config: network.subnets.map(({ subnet, gateway, ipRange, auxAddresses }) => ({
        subnet,
        gateway,
        ip_range: ipRange,
        aux_addresses: auxAddresses,
      })),
    },
  }
}

export function writeVolume({ name, external, driver, driverOpts, labels }: Volume): Json {
  return external === true ? { external, name } : { name, driver, driver_opts: driverOpts, labels }
}
