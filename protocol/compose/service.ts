// One service: the table of its attributes, and its canonical form with every default in place.
import {
  readCommand,
  readDependsOn,
  readDevices,
  readEnvironment,
  readExtraHosts,
  readLogging,
  readName,
  readNetworkMode,
  readRestart,
  readSecurity,
  readTexts,
} from './attributes.js'
import { readHealthcheck } from './health.js'
import { type Item, isMap, quote, type Report } from './item.js'
import { readMounts, readTmpfsEntry } from './mounts.js'
import { readAnyAddress, readAttachments, readEngineName } from './network.js'
import { readExpose, readPorts } from './ports.js'
import type { Service } from './project.js'
import { type Draft, type Fields, field, oneOrMore, readFields, readFlag, readPairs, readTrue, sortUnique, textOf } from './read.js'
import { applyDeploy, applyOne, checkResources, resourceFields } from './resources.js'
import { readDurationMs } from './units.js'

type ServiceDraft = Draft<Service>

/** What loading has done already: its result stands in other attributes. */
const handledBefore: Fields<ServiceDraft>['read'] = { env_file: () => {}, extends: () => {}, label_file: () => {}, profiles: () => {} }

/** The attributes of a service; docs/compose.md lists them. */
export const serviceFields: Fields<ServiceDraft> = {
  read: {
    image: field(
      'image',
      textOf('the name of an image', text => /^[\w][\w.\-:/@+]{0,511}$/.test(text)),
    ),
    command: field('command', readCommand),
    entrypoint: field('entrypoint', readCommand),
    environment: field('environment', readEnvironment),
    ports: field('ports', readPorts),
    expose: field('expose', readExpose),
    volumes: field('volumes', readMounts),
    networks: field('networks', readAttachments),
    network_mode: field('networkMode', readNetworkMode),
    restart: field('restart', readRestart),
    depends_on: field('dependsOn', readDependsOn),
    healthcheck: field('healthcheck', readHealthcheck),
    labels: field('labels', readPairs),
    container_name: field('containerName', readEngineName),
    hostname: field('hostname', readName),
    user: field('user', readName),
    working_dir: field(
      'workingDir',
      textOf('an absolute path', text => text.startsWith('/')),
    ),
    tty: field('tty', readTrue),
    stdin_open: field('stdinOpen', readTrue),
    read_only: field('readOnly', readTrue),
    // False means something: the Engine's default may be true.
    init: field('init', readFlag),
    privileged: field('privileged', readTrue),
    stop_signal: field('stopSignal', readName),
    stop_grace_period: field('stopGraceMs', readDurationMs),
    tmpfs: field('tmpfs', (item, report) => sortUnique(oneOrMore(readTmpfsEntry)(item, report) ?? [])),
    cap_add: field('capAdd', readTexts),
    cap_drop: field('capDrop', readTexts),
    security_opt: field('securityOpt', readSecurity),
    extra_hosts: field('extraHosts', readExtraHosts),
    dns: field('dns', oneOrMore(readAnyAddress)),
    devices: field('devices', readDevices),
    sysctls: field('sysctls', readPairs),
    logging: field('logging', readLogging),
    scale: applyOne,
    deploy: applyDeploy,
    ...handledBefore,
    ...resourceFields,
  },
  ignored: ['attach', 'develop', 'pull_policy', 'pull_refresh_after'],
  unsupported: [
    ...[
      'annotations',
      'blkio_config',
      'build',
      'cgroup',
      'cgroup_parent',
      'configs',
      'cpu_count',
      'cpu_percent',
      'cpu_period',
      'cpu_quota',
    ],
    ...['cpu_rt_period', 'cpu_rt_runtime', 'credential_spec', 'device_cgroup_rules', 'dns_opt', 'dns_search', 'domainname'],
    ...['external_links', 'gpus', 'group_add', 'ipc', 'isolation', 'links', 'mac_address', 'mem_swappiness', 'models'],
    ...['oom_kill_disable', 'oom_score_adj', 'pid', 'platform', 'post_start', 'pre_stop', 'provider', 'runtime', 'secrets'],
    ...['shm_size', 'storage_opt', 'ulimits', 'use_api_socket', 'userns_mode', 'uts', 'volumes_from'],
  ],
}

/** Undefined only where the report says why. */
export function readService(name: string, item: Item, report: Report): Service | undefined {
  const draft: ServiceDraft = {}
  if (item.value !== null) readFields(item, serviceFields, draft, report)
  const { image } = draft
  if (image === undefined) return refuseImage(name, item, report)
  checkResources(item, draft.resources ?? {}, report)
  return withDefaults({ ...draft, image })
}

function refuseImage(name: string, item: Item, report: Report): undefined {
  const known = isMap(item.value) ? item.value : new Map<string, Item>()
  const image = known.get('image')
  // Refused already: a wrong image, what would have given one, and whatever stands there instead of a map.
  if ((image?.value ?? null) !== null || known.has('build') || known.has('extends')) return
  if (item.value !== null && !isMap(item.value)) return
  const at: Item = image ?? { parent: item, key: 'image', line: item.line, value: null }
  report.refuse(at, 'compose.inconsistent', `service ${quote(name)} has no image`)
}

function withDefaults(draft: ServiceDraft & { readonly image: string }): Service {
  const networks = draft.networks ?? {}
  const isLoose = draft.networkMode === undefined && Object.keys(networks).length === 0
  return {
    environment: {},
    ports: [],
    expose: [],
    volumes: [],
    restart: { policy: 'no' },
    dependsOn: {},
    labels: {},
    resources: {},
    tmpfs: [],
    capAdd: [],
    capDrop: [],
    securityOpt: [],
    extraHosts: [],
    dns: [],
    devices: [],
    sysctls: {},
    ...draft,
    networks: isLoose ? { default: { aliases: [] } } : networks,
  }
}
