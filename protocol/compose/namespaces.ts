// Whose network, processes, memory and names a container shares.
import { quote } from './item.js'
import type { Service } from './project.js'
import { oneOf, type Reader, readText } from './read.js'

/** One of `words`, `service:NAME` or `container:NAME`. */
function sharing(what: string, ...words: readonly string[]): Reader<string> {
  return (item, report) => {
    const mode = readText(item, report)
    if (mode === undefined || words.includes(mode) || /^(service|container):\S+$/.test(mode)) return mode
    const forms = [...words, 'service:NAME', 'container:NAME'].join(', ')
    return report.refuse(item, 'compose.schema', `there is no ${what} ${quote(mode)}; expected ${forms}`)
  }
}

/** `default` and `bridge` mean the Engine's own bridge. */
export const readNetworkMode: Reader<string> = (item, report) => {
  if (item.value === 'default') return 'bridge'
  return sharing('network mode', 'host', 'none', 'bridge')(item, report)
}

export const readIpc = sharing('mode of ipc', 'none', 'host', 'private', 'shareable')
export const readPid = sharing('mode of pid', 'host')
export const readUts = oneOf('host')
export const readUserns = oneOf('host')
export const readCgroup = oneOf('host', 'private')

export const readIsolation: Reader<'default'> = (item, report) =>
  item.value === 'default' ? 'default' : report.refuse(item, 'compose.unsupported', 'only Windows has other isolations than default')

/** X of `service:X`. */
export function sharedService(mode: string | undefined): string | undefined {
  return mode?.startsWith('service:') ? mode.slice('service:'.length) : undefined
}

const modes = { network_mode: 'networkMode', ipc: 'ipc', pid: 'pid' } as const satisfies Record<string, keyof Service>

/** The services whose namespaces this one lives in, by the attribute that says so. */
export function namespaceParents(service: Service): readonly (readonly [attribute: string, parent: string])[] {
  return Object.entries(modes).flatMap(([attribute, field]) => {
    const parent = sharedService(service[field])
    return parent === undefined ? [] : [[attribute, parent] as const]
  })
}

/** The containers whose namespaces it lives in, by the field that says so. */
export function sharedContainers(service: Service): readonly (readonly [field: (typeof modes)[keyof typeof modes], container: string])[] {
  return Object.values(modes).flatMap(field => {
    const mode = service[field]
    return mode?.startsWith('container:') ? [[field, mode.slice('container:'.length)] as const] : []
  })
}
