// Every attribute of a service with the rule that holds for it, or why none does. Does not compile if one is missing.
import type { Service } from '../../protocol/compose/project.js'
import { checkDeviceRules, checkDevices } from './permit-devices.js'
import { checkBuild, checkImage, checkImageMounts } from './permit-images.js'
import { checkAttachments } from './permit-networks.js'
import { type Check, type Checks, checkAll } from './permit-parts.js'
import { checkFiles, checkLogging, checkMounts } from './permit-paths.js'
import {
  checkAnnotations,
  checkCapabilities,
  checkCgroupParent,
  checkHooks,
  checkPrivileged,
  checkRuntime,
  checkSecurity,
  checkSysctls,
} from './permit-rights.js'
import { checkNamespace, checkVolumesFrom } from './permit-sharing.js'

const inside = 'concerns the inside of the container alone'
const network = 'concerns how the app is reached and what it reaches'
const resources = 'takes of what the device has, but gives no rights'
const course = 'says when and how often it runs'

export const serviceChecks: Checks<Service> = {
  image: { at: 'image', rules: ['images', 'registries'], check: checkImage },
  build: {
    at: 'build',
    rules: ['builds', 'images', 'registries', 'host-namespaces', 'containers', 'paths', 'nested-paths'],
    check: checkBuild,
  },
  pullPolicy: course,
  platform: 'is of the same image',
  scale: resources,
  command: inside,
  entrypoint: inside,
  environment: inside,
  ports: network,
  expose: network,
  volumes: {
    at: 'volumes',
    rules: ['paths', 'nested-paths', 'docker', 'agent-data', 'images', 'registries'],
    check: (mounts, place) => [...checkMounts(mounts, place), ...checkImageMounts(mounts, place)],
  },
  files: { at: 'configs', rules: ['paths', 'nested-paths', 'docker', 'agent-data'], check: checkFiles },
  volumesFrom: { at: 'volumes_from', rules: ['containers'], check: checkVolumesFrom },
  networks: { at: 'networks', rules: ['host-namespaces'], check: checkAttachments },
  networkMode: { at: 'network_mode', rules: ['host-namespaces', 'containers'], check: checkNamespace('network') },
  links: network,
  externalLinks: network,
  macAddress: network,
  restart: course,
  dependsOn: course,
  postStart: { at: 'post_start', rules: ['privileged'], check: checkHooks },
  preStop: { at: 'pre_stop', rules: ['privileged'], check: checkHooks },
  healthcheck: inside,
  labels: 'our own are written over them',
  annotations: { at: 'annotations', rules: ['annotations'], check: checkAnnotations },
  resources,
  containerName: 'one that is taken is refused by the Engine',
  hostname: inside,
  domainname: inside,
  user: inside,
  groupAdd: 'groups matter only with paths and devices, which have rules of their own',
  workingDir: inside,
  tty: inside,
  stdinOpen: inside,
  readOnly: 'takes a right away',
  init: inside,
  privileged: { at: 'privileged', rules: ['privileged'], check: checkPrivileged },
  runtime: { at: 'runtime', rules: ['runtimes'], check: checkRuntime },
  ipc: { at: 'ipc', rules: ['host-namespaces', 'containers'], check: checkNamespace('ipc') },
  pid: { at: 'pid', rules: ['host-namespaces', 'containers'], check: checkNamespace('pid') },
  uts: { at: 'uts', rules: ['host-namespaces'], check: checkNamespace('uts') },
  usernsMode: { at: 'userns_mode', rules: ['host-namespaces'], check: checkNamespace('userns') },
  isolation: 'only Windows has others than the default',
  cgroup: { at: 'cgroup', rules: ['host-namespaces'], check: checkNamespace('cgroup') },
  cgroupParent: { at: 'cgroup_parent', rules: ['cgroup-parents'], check: checkCgroupParent },
  stopSignal: course,
  stopGraceMs: course,
  shmSizeBytes: resources,
  tmpfs: inside,
  capAdd: { at: 'cap_add', rules: ['capabilities'], check: checkCapabilities },
  capDrop: 'takes rights away',
  securityOpt: { at: 'security_opt', rules: ['security-options'], check: checkSecurity },
  extraHosts: network,
  dns: network,
  dnsSearch: network,
  dnsOptions: network,
  devices: { at: 'devices', rules: ['devices'], check: checkDevices },
  deviceRequests: 'what a driver hands out that the owner has installed, such as a GPU',
  deviceCgroupRules: { at: 'device_cgroup_rules', rules: ['device-rules'], check: checkDeviceRules },
  ulimits: resources,
  sysctls: { at: 'sysctls', rules: ['sysctls'], check: checkSysctls },
  storageOptions: resources,
  logging: { at: 'logging', rules: ['paths', 'docker', 'agent-data'], check: checkLogging },
}

export const checkService: Check<Service> = (service, place) => checkAll(serviceChecks, service, place)
