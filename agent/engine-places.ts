// Where the container engine of this machine keeps what it has, and where it listens, if its configuration says so.
import { readFileSync } from 'node:fs'

const configFile = '/etc/docker/daemon.json'

/** Folders and sockets besides the usual ones; none where there is no configuration, or none that can be read. */
export function enginePlaces(address: string, file = configFile): readonly string[] {
  const config = readConfig(file)
  const hosts = Array.isArray(config.hosts) ? config.hosts : []
  return [address, ...hosts, config['data-root'], config.graph, config['exec-root']]
    .map(place => (typeof place === 'string' ? place.replace(/^unix:\/\//, '') : ''))
    .filter(place => place.startsWith('/'))
}

function readConfig(file: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(readFileSync(file, 'utf8'))) as Record<string, unknown>
  } catch {
    return {}
  }
}
