// What the owner of a device lets run on it: the rules of the policy, and what holds where the owner has said nothing.
import { readPattern } from '../../protocol/images.js'

interface ListRule {
  readonly kind: 'list'
  /** What its entries are, for whoever writes the file. */
  readonly help: string
  readonly fallback: readonly string[]
  readonly isEntry: (text: string) => boolean
  readonly form: string
}

interface FlagRule {
  readonly kind: 'flag'
  readonly help: string
  readonly fallback: boolean
}

function list(help: string, fallback: readonly string[], isEntry: (text: string) => boolean, form: string): ListRule {
  return { kind: 'list', help, fallback, isEntry, form }
}

function flag(help: string, fallback: boolean): FlagRule {
  return { kind: 'flag', help, fallback }
}

export const hostNamespaces = ['network', 'pid', 'ipc', 'userns', 'cgroup', 'uts'] as const
export type HostNamespace = (typeof hostNamespaces)[number]

/** Stands for every path that is not sensitive. */
export const ordinary = 'ordinary'

/** Those that the Engine gives to every container, and two that cost others time and memory, but give no rights. */
const usualCapabilities = [
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'NET_RAW'],
  ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT', 'IPC_LOCK', 'SYS_NICE'],
]

/** Read-only, and of no use to an intruder; a time zone is a link into zoneinfo. */
const usualPaths = [
  ...['/etc/localtime', '/etc/timezone', '/usr/share/zoneinfo', '/etc/ssl/certs', '/etc/machine-id', '/etc/os-release'],
  ...['/usr/lib/os-release', '/etc/hostname', '/lib/modules', '/usr/lib/modules'],
].map(path => `${path}:ro`)

/** Serial ports, buses, cameras, sound, graphics, accelerators, tunnels: none of them is a disk, memory, or the machine itself. */
const usualDevices = [
  ...['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/hwrng', '/dev/net/tun'],
  ...['/dev/ttyUSB*', '/dev/ttyACM*', '/dev/ttyS*', '/dev/ttyAMA*', '/dev/ttyO*', '/dev/ttymxc*', '/dev/ttyTHS*', '/dev/rfcomm*'],
  ...['/dev/i2c-*', '/dev/spidev*', '/dev/gpiochip*', '/dev/gpiomem*', '/dev/video*', '/dev/media*', '/dev/cec*', '/dev/lirc*'],
  ...['/dev/snd/**', '/dev/dri/**', '/dev/vchiq', '/dev/nvidia*', '/dev/apex_*', '/dev/hailo*'],
]

/** The numbers of some of them: serial ports, cameras, I2C, SPI, sound, graphics, tunnels. */
const usualDeviceRules = ['188:*', '166:*', '204:*', '81:*', '89:*', '153:*', '116:*', '226:*', '10:200'].map(number => `c ${number} rwm`)

/** Those that concern the network alone, whatever they are set to. */
const usualNetworkOptions = [
  ...['bridge.enable_*', 'bridge.gateway_mode_*', 'bridge.host_binding_*', 'container_iface_prefix', 'driver.mtu', 'enable_*'].map(
    name => `com.docker.network.${name}=*`,
  ),
  ...['mtu=*', 'parent=*', 'macvlan_mode=bridge', 'macvlan_mode=vepa', 'macvlan_mode=private', 'ipvlan_*=*'],
]

const isText = (text: string): boolean => /^[^\s\p{Cc}]{1,512}$/u.test(text)
const isPath = (text: string): boolean => /^\/[^\p{Cc}]{0,1000}$/u.test(text) && !/(^|\/)\.\.?(\/|$)|\/\/|.\/$/.test(text)
const anyText = 'text without spaces; * stands for any characters'

/** Every rule, by its name in the file. */
export const policyRules = {
  images: list(
    'images, as registry/repository:tag or with @sha256:…; * within a part, ** across',
    ['**'],
    text => readPattern(text).ok,
    'a pattern such as registry.example/team/**, nginx:1.* or nginx@sha256:…',
  ),
  registries: list('registries that images come from', ['*'], isText, 'a registry such as docker.io; * stands for any characters'),
  builds: flag('images built on the device; without a word, only while images and registries allow everything', true),
  privileged: flag('privileged containers and hooks', false),
  'host-namespaces': list(
    `namespaces of the host: ${hostNamespaces.join(', ')}`,
    ['network'],
    text => hostNamespaces.some(name => name === text),
    `one of ${hostNamespaces.join(', ')}`,
  ),
  paths: list(
    `host paths with what is below them, :ro if only for reading; ${ordinary} stands for all that are not sensitive`,
    [ordinary, ...usualPaths],
    text => text === ordinary || isPath(text.replace(/:ro$/, '')),
    `${ordinary} or an absolute path without . and .., with :ro or without`,
  ),
  'nested-paths': flag('host paths below others that a container may write, and so turn into links to anywhere', false),
  docker: flag('the socket and the folders of the container engine, and so everything', false),
  'agent-data': flag("the agent's own folder, with its keys and this policy", false),
  capabilities: list('capabilities; ALL for all', usualCapabilities, text => /^[A-Z_]{1,40}$/.test(text), 'a capability such as NET_ADMIN'),
  devices: list('devices; * within a name, ** across', usualDevices, isPath, 'an absolute path such as /dev/ttyUSB*'),
  'device-rules': list(
    'device numbers with what may be done',
    usualDeviceRules,
    text => /^[abc] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text),
    "a rule such as 'c 188:* rwm'",
  ),
  'security-options': list(
    'security options',
    ['no-new-privileges', 'no-new-privileges=true', 'seccomp=builtin', 'apparmor=docker-default'],
    isText,
    anyText,
  ),
  sysctls: list('kernel parameters', ['net.*', 'fs.mqueue.*', 'kernel.msg*', 'kernel.sem', 'kernel.shm*'], isText, anyText),
  'cgroup-parents': list('cgroups to run in', [], isText, anyText),
  runtimes: list('container runtimes', ['runc', 'io.containerd.runc.v2', 'crun', 'runsc', 'nvidia'], isText, anyText),
  containers: list('containers of others whose network, processes, memory or volumes may be shared', [], isText, anyText),
  'network-options': list('options of networks, as name=value', usualNetworkOptions, isText, anyText),
  'device-subnets': flag('networks of apps over addresses of the device itself, which cut it off', false),
  'volume-drivers': list('drivers of volumes', ['local'], isText, anyText),
  'volume-types': list('file systems that a volume mounts', ['tmpfs', 'nfs', 'nfs4', 'cifs'], isText, anyText),
  annotations: list('annotations, which are orders to the runtime', ['org.opencontainers.*'], isText, anyText),
} as const satisfies Record<string, ListRule | FlagRule>

export type RuleName = keyof typeof policyRules
export type FlagName = { [K in RuleName]: (typeof policyRules)[K] extends FlagRule ? K : never }[RuleName]
export type ListName = Exclude<RuleName, FlagName>

export type DevicePolicy = { readonly [K in FlagName]: boolean } & { readonly [K in ListName]: readonly string[] } & {
  /** The rules that the owner's file has. */
  readonly given: ReadonlySet<RuleName>
}

export const ruleNames = Object.keys(policyRules) as RuleName[]

export function isFlag(name: RuleName): name is FlagName {
  return policyRules[name].kind === 'flag'
}

/** What holds where there is no file. */
export const defaultPolicy: DevicePolicy = completePolicy({})

/** `given` are the lines of the file; the word `default` in a list stands for what holds without it. */
export function completePolicy(given: Readonly<Partial<Record<RuleName, boolean | readonly string[]>>>): DevicePolicy {
  const entries = ruleNames.map(name => [name, given[name] === undefined ? policyRules[name].fallback : spread(name, given[name])])
  const policy = Object.fromEntries(entries) as Omit<DevicePolicy, 'given'>
  const isOpen = [policy.images.includes('**'), policy.registries.includes('*')].every(Boolean)
  return { ...policy, builds: given.builds === undefined ? isOpen : policy.builds, given: new Set(ruleNames.filter(name => name in given)) }
}

function spread(name: RuleName, value: boolean | readonly string[]): boolean | readonly string[] {
  const { fallback } = policyRules[name]
  if (typeof value === 'boolean' || typeof fallback === 'boolean') return value
  return [...new Set(value.flatMap(entry => (entry === 'default' ? fallback : [entry])))]
}
