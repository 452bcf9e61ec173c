// Paths of a host that give power over it, or hold its secrets; and how a path stands to them.

/** By segments: `*` is any one, `.*` any hidden one. */
const sensitive = [
  ...['/bin', '/boot', '/dev', '/etc', '/lib', '/lib32', '/lib64', '/libx32', '/proc', '/root', '/run', '/sbin', '/sys', '/usr'],
  ...['/nix', '/ostree', '/snap', '/sysroot', '/opt/cni', '/opt/containerd'],
  ...['/home/*/.*', '/var/backups', '/var/db', '/var/snap', '/var/spool/at', '/var/spool/cron'],
  ...['apt', 'cloud', 'cni', 'containerd', 'containers', 'docker', 'dpkg', 'kubelet', 'NetworkManager', 'pacman', 'rancher', 'rpm'].map(
    name => `/var/lib/${name}`,
  ),
  ...['snapd', 'sudo', 'systemd'].map(name => `/var/lib/${name}`),
]

/** Where container engines usually have their sockets and folders. */
const engines = [
  ...['containerd', 'crio', 'docker', 'docker.pid', 'docker.sock', 'podman', 'snap.docker', 'buildkit'].map(name => `/run/${name}`),
  ...['docker.sock', 'docker', 'podman', 'containerd', 'containerd-rootless'].map(name => `/run/user/*/${name}`),
  ...['containerd', 'containers', 'docker', 'buildkit'].map(name => `/var/lib/${name}`),
  '/var/snap/docker',
]

export type Standing = 'within' | 'above'
type Pattern = readonly string[]

const sensitivePatterns = sensitive.map(segmentsOf)
const enginePatterns = engines.map(segmentsOf)

function segmentsOf(path: string): Pattern {
  return withoutOldLinks(path)
    .split('/')
    .filter(segment => segment !== '')
}

/** How a path stands to a pattern: in it, above it, or apart. */
function stand(mine: Pattern, theirs: Pattern): Standing | undefined {
  const isApart = mine.some((segment, n) => n < theirs.length && !fits(segment, theirs[n] ?? ''))
  if (isApart) return undefined
  return mine.length >= theirs.length ? 'within' : 'above'
}

function fits(segment: string, pattern: string): boolean {
  return pattern === '*' || (pattern === '.*' ? segment.startsWith('.') : segment === pattern)
}

function find(path: string, all: readonly Pattern[]): Standing | undefined {
  const mine = segmentsOf(path)
  const found = all.flatMap(pattern => stand(mine, pattern) ?? [])
  return found.includes('within') ? 'within' : found[0]
}

export const toSensitive = (path: string): Standing | undefined => find(path, sensitivePatterns)
export const toEngine = (path: string, more: readonly string[]): Standing | undefined =>
  find(path, [...enginePatterns, ...more.map(segmentsOf)])
export const toAny = (path: string, others: readonly string[]): Standing | undefined => find(path, others.map(segmentsOf))

/** True for the path itself, and what is below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
}

/** Without what everybody knows to be links. */
export function withoutOldLinks(path: string): string {
  return path.replace(/^\/var\/run(?=\/|$)/, '/run').replace(/^\/var\/lock(?=\/|$)/, '/run/lock')
}
