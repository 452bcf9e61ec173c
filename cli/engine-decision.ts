// Decides what to do about a Docker Engine that may not answer, from what is known of the machine. Pure.

export interface EngineFacts {
  readonly answers: boolean
  /** The socket is there, but this user may not use it. */
  readonly denied: boolean
  /** The engine is this machine's own, at its usual socket. */
  readonly local: boolean
  readonly root: boolean
  /** ID and ID_LIKE of /etc/os-release. */
  readonly systems: readonly string[]
  /** `dockerd` is installed. */
  readonly installed: boolean
  /** systemd is the init system. */
  readonly systemd: boolean
  /** Whether the user lets us install and start things. */
  readonly allowed: boolean
}

export type EngineAction =
  | { readonly do: 'nothing' }
  | { readonly do: 'prepare'; readonly install: boolean; readonly start: 'systemctl' | 'dockerd' }
  /** `command` is what the user can run instead. */
  | { readonly do: 'refuse'; readonly reason: string; readonly command: string }

/** What is installed on Debian and Ubuntu. The certificates are for pulling images. */
export const enginePackages = ['docker.io', 'iptables', 'ca-certificates'] as const

export function decideEngine(facts: EngineFacts): EngineAction {
  if (facts.answers) return { do: 'nothing' }
  if (!facts.local) return refuse('no Docker Engine is there', 'docker info    # and check --engine')
  if (facts.denied) return refuse('this user may not use the Docker Engine', 'sudo usermod -aG docker $USER    # then log in again')
  const apt = facts.systems.includes('debian') || facts.systems.includes('ubuntu')
  const start = facts.systemd ? 'systemctl' : 'dockerd'
  const startCommand = facts.systemd ? 'systemctl start docker' : 'dockerd &'
  const sudo = facts.root ? '' : 'sudo '
  if (!facts.installed && !apt) return refuse('no Docker Engine is installed', 'see https://docs.docker.com/engine/install/')
  const command = facts.installed
    ? `${sudo}${startCommand}`
    : `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${enginePackages.join(' ')} && ${sudo}${startCommand}`
  if (!facts.root) return refuse(facts.installed ? 'the Docker Engine does not run' : 'no Docker Engine is installed', command)
  if (!facts.allowed) return refuse(facts.installed ? 'the Docker Engine does not run' : 'no Docker Engine is installed', command)
  return { do: 'prepare', install: !facts.installed, start }
}

function refuse(reason: string, command: string): EngineAction {
  return { do: 'refuse', reason, command }
}

/** ID and ID_LIKE of os-release(5). */
export function readSystems(osRelease: string): string[] {
  return [...osRelease.matchAll(/^ID(?:_LIKE)?=["']?([^"'\n]*)/gm)].flatMap(([, value = '']) =>
    value.split(' ').filter(each => each !== ''),
  )
}
