// One service: the table of its attributes.

import { readAttachments } from './attach.js'
import {
  readAbsolutePath,
  readCapabilities,
  readCommand,
  readContainerName,
  readDependsOn,
  readEnvironment,
  readHooks,
  readLogging,
  readName,
  readRestart,
  readSecurity,
} from './attributes.js'
import { readBuild, readPlatform, readPullPolicy } from './build.js'
import { applyDeploy, applyScale } from './deploy.js'
import { applyDevices, applyGpus, readCgroupRules } from './devices.js'
import { finishService, type ServiceDraft } from './draft.js'
import { readHealthcheck } from './health.js'
import { readAnyAddress, readExternalLinks, readExtraHosts, readLinks, readMac } from './hosts.js'
import { readImage } from './image.js'
import { type Item, isMap, quote, type Report } from './item.js'
import { readMounts, readTmpfsEntry, readVolumesFrom } from './mounts.js'
import { readCgroup, readIpc, readIsolation, readNetworkMode, readPid, readUserns, readUts } from './namespaces.js'
import { type FileSources, noFiles, readGrants } from './placed.js'
import { readExpose, readPorts } from './ports.js'
import type { Service } from './project.js'
import {
  type Fields,
  field,
  oneOrMore,
  readFields,
  readFlag,
  readPairs,
  readScalar,
  readText,
  readTrue,
  setOf,
  sortUnique,
  textField,
} from './read.js'
import { checkResources, readUlimits, resourceFields } from './resources.js'
import { readBytes, readDurationMs } from './units.js'

/** What loading has read already: its result stands in other attributes. */
const readBefore: Fields<ServiceDraft>['read'] = { env_file: () => {}, extends: () => {}, label_file: () => {}, profiles: () => {} }

/** The attributes of a service; docs/compose.md lists them. */
export const serviceFields: Fields<ServiceDraft> = {
  read: {
    image: textField('image', readImage),
    build: field('build', readBuild),
    pull_policy: textField('pullPolicy', readPullPolicy),
    pull_refresh_after: field('refreshAfterMs', readDurationMs),
    platform: textField('platform', readPlatform),
    scale: applyScale,
    deploy: applyDeploy,
    command: field('command', readCommand),
    entrypoint: field('entrypoint', readCommand),
    environment: field('environment', readEnvironment),
    ports: field('ports', readPorts),
    expose: field('expose', readExpose),
    volumes: field('volumes', readMounts),
    volumes_from: field('volumesFrom', readVolumesFrom),
    tmpfs: field('tmpfs', (item, report) => sortUnique(oneOrMore(readTmpfsEntry)(item, report) ?? [])),
    configs: field('configs', readGrants('config')),
    secrets: field('secrets', readGrants('secret')),
    networks: field('networks', readAttachments),
    network_mode: textField('networkMode', readNetworkMode),
    links: field('links', readLinks),
    external_links: field('externalLinks', readExternalLinks),
    mac_address: textField('macAddress', readMac),
    restart: textField('restart', readRestart),
    depends_on: field('dependsOn', readDependsOn),
    post_start: field('postStart', readHooks),
    pre_stop: field('preStop', readHooks),
    healthcheck: field('healthcheck', readHealthcheck),
    labels: field('labels', readPairs),
    annotations: field('annotations', readPairs),
    container_name: textField('containerName', readContainerName),
    hostname: textField('hostname', readName),
    domainname: textField('domainname', readName),
    user: textField('user', readName),
    group_add: field('groupAdd', setOf(readScalar)),
    working_dir: textField('workingDir', readAbsolutePath),
    tty: field('tty', readTrue),
    stdin_open: field('stdinOpen', readTrue),
    read_only: field('readOnly', readTrue),
    // False means something: the Engine's default may be true.
    init: field('init', readFlag),
    privileged: field('privileged', readTrue),
    runtime: textField('runtime', readName),
    isolation: field('isolation', readIsolation),
    ipc: textField('ipc', readIpc),
    pid: textField('pid', readPid),
    uts: textField('uts', readUts),
    userns_mode: textField('usernsMode', readUserns),
    cgroup: textField('cgroup', readCgroup),
    cgroup_parent: textField('cgroupParent', readName),
    stop_signal: textField('stopSignal', readName),
    stop_grace_period: field('stopGraceMs', readDurationMs),
    shm_size: field('shmSizeBytes', readBytes),
    cap_add: field('capAdd', readCapabilities),
    cap_drop: field('capDrop', readCapabilities),
    security_opt: field('securityOpt', readSecurity),
    extra_hosts: field('extraHosts', readExtraHosts),
    dns: field('dns', oneOrMore(readAnyAddress)),
    dns_search: field('dnsSearch', oneOrMore(readText)),
    dns_opt: field('dnsOptions', oneOrMore(readText)),
    devices: applyDevices,
    gpus: applyGpus,
    device_cgroup_rules: field('deviceCgroupRules', readCgroupRules),
    ulimits: field('ulimits', readUlimits),
    sysctls: field('sysctls', readPairs),
    storage_opt: field('storageOptions', readPairs),
    logging: field('logging', readLogging),
    ...readBefore,
    ...resourceFields,
  },
  ignored: {
    attach: 'nobody looks at the output while an app starts',
    develop: 'a device develops nothing',
  },
  unsupported: {
    credential_spec: 'only Windows has them',
    models: 'a device runs containers only',
    provider: 'a device runs containers only',
    use_api_socket: "whoever has the Engine's socket rules the device; mount it by name if that is meant",
  },
}

/** Undefined only where the report says why. */
export function readService(name: string, item: Item, report: Report, sources: FileSources = noFiles): Service | undefined {
  const draft: ServiceDraft = {}
  const faults = report.refusals.length
  if (item.value !== null) readFields(item, serviceFields, draft, report)
  if (draft.image === undefined && draft.build === undefined) return refuseImage(name, item, report, faults)
  checkResources(item, draft.resources ?? {}, report)
  return finishService(draft, item, sources, report)
}

function refuseImage(name: string, item: Item, report: Report, faults: number): undefined {
  // Refused already: a wrong image, what would have given one, and whatever stands there instead of a map.
  const known = isMap(item.value) ? item.value : new Map<string, Item>()
  const image = known.get('image')
  const isRefused =
    report.refusals.length > faults && ['image', 'build', 'extends', 'provider'].some(key => (known.get(key)?.value ?? null) !== null)
  if (isRefused || (item.value !== null && !isMap(item.value))) return
  const at: Item = image ?? { parent: item, key: 'image', line: item.line, value: null }
  report.refuse(at, 'compose.inconsistent', `service ${quote(name)} has neither an image nor a build`)
}
